"""The main job, shown: pipelines live, subscribers hear of it, and everything is checked."""

from local.demo.run import run

__all__ = ["run"]
