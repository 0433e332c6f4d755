"""Run Lakehook until a signal arrives."""

import json
import logging
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from threading import Event
from typing import Any

from local.installation import LocalLakehook, Options
from local.port import PortTaken
from local.runtime import InitFailed

_ENDED_WELL = 0
_FAILED = 1
_USAGE_ERROR = 2
_NOBODY_ASKS = "is the HTTP API: here nobody asks who is calling, on AWS IAM does"


def up(options: Options) -> int:
    """Run, and return the exit status; messages for people go to stderr."""
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(message)s")
    try:
        _until_interrupted(lambda: _serve(options))
    except PortTaken as error:
        print(error, file=sys.stderr)
        return _USAGE_ERROR
    except InitFailed as error:
        print(error, file=sys.stderr)
        return _FAILED
    return _ENDED_WELL


def _until_interrupted(serve: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    try:
        serve()
    except KeyboardInterrupt:
        return


def _interrupt(*_: Any) -> None:
    """Stop at the first signal; a second one must not interrupt the shutdown."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _serve(options: Options) -> None:
    """Serve, and print where everything is: the only line on stdout."""
    with LocalLakehook(options) as lakehook:
        where = {
            "endpoint_url": lakehook.endpoint_url,
            "region": lakehook.region,
            "notification_secret": lakehook.notification_secret,
        }
        print(f"{lakehook.deployment.api_url} {_NOBODY_ASKS}", file=sys.stderr)
        print(json.dumps(where | asdict(lakehook.deployment)), flush=True)
        Event().wait()
