"""The demonstration: pipelines run, subscribers receive, and every delivery is checked."""

from local.demo.run import run

__all__ = ["run"]
