"""Process of one execution environment: awslambdaric, which ends with its parent."""

import argparse
import os
import runpy
import sys
import threading
from pathlib import Path

from local.calls import write_down_calls
from local.hosts import have_hosts


def main() -> None:
    """Run ``python -m awslambdaric <handler>``, and end when standard input ends.

    The parent holds the other end of that pipe, so the worker ends even if the parent is killed.
    """
    settings = _given()
    if settings.hosts:
        have_hosts(settings.hosts)
    if settings.calls:
        write_down_calls(settings.calls)
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    sys.argv[1:] = [settings.handler]
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("handler")
    parser.add_argument("--hosts", type=Path, help="the machine's hosts file")
    parser.add_argument("--calls", type=Path, help="where calls of AWS are written down")
    return parser.parse_args()


def _end_with_the_starter() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
