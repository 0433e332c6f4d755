"""The operator's command, ``lakehook``; what it needs beyond boto3 is the extra ``cli``."""

import sys

NEEDS_EXTRA = "lakehook: the command needs its extra: pip install 'lakehook[cli]'"


def main() -> None:
    """Run the command, or say on one line what to install."""
    try:
        from lakehook.cli.command import main as run  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("lakehook"):
            raise
        sys.exit(NEEDS_EXTRA)
    run()
