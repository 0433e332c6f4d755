"""The process of one execution environment: awslambdaric, never outliving its starter."""

import os
import runpy
import sys
import threading
from pathlib import Path

from local.hosts import have_hosts


def main() -> None:
    """Run ``python -m awslambdaric <handler>`` here, and end when standard input does.

    The starter holds the other end of that pipe, so even when it is killed outright nothing stays.
    A second argument is the machine's hosts file.
    """
    if hosts := sys.argv[2:]:
        have_hosts(Path(hosts[0]))
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)


def _end_with_the_starter() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
