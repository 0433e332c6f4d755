"""Run Lakehook until a signal arrives."""

import ctypes
import json
import logging
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Event
from typing import Any

from lakehook.domain.errors import InvalidInput
from local.function import InitFailed
from local.http_server import PortTaken
from local.installation import LocalLakehook, Options

_ENDED_WELL = 0
_FAILED = 1
_USAGE_ERROR = 2
ANY_PORT = 0
_M_ARENA_MAX = -8  # glibc's malloc.h


def up(options: Options, *, as_json: bool, console: bool = False) -> int:
    """Run, and return the exit status; messages for people go to stderr."""
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(message)s")
    _limit_arenas()
    try:
        until_interrupted(lambda: _serve(options, as_json=as_json, console=console))
    except (PortTaken, InvalidInput) as error:
        print(error, file=sys.stderr)
        return _USAGE_ERROR
    except InitFailed as error:
        print(error, file=sys.stderr)
        return _FAILED
    return _ENDED_WELL


def _limit_arenas() -> None:
    """Let all threads allocate from one arena: each of their own would hold what is free in it."""
    with suppress(AttributeError):  # another C library has no such setting
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def until_interrupted(serve: Callable[[], None]) -> None:
    """Serve until SIGTERM or Ctrl-C."""
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


def _serve(options: Options, *, as_json: bool, console: bool) -> None:
    """When ready, print where everything is: for people, or for programs on one line of stdout.

    For people, the functions log to a file.
    """
    with ExitStack() as exits:
        if not as_json:
            log = exits.enter_context(NamedTemporaryFile(prefix="lakehook-", suffix=".log"))
            options = replace(options, sink=log.fileno())
        lakehook = exits.enter_context(LocalLakehook(options))
        rows = {"console": _serve_console(lakehook, options, exits)} if console else {}
        rows |= {} if as_json else {"functions log to": log.name}
        words = _ready(lakehook, options.state, rows)
        print(words, file=sys.stderr if as_json else sys.stdout, flush=True)
        if as_json:
            where = {
                "endpoint_url": lakehook.endpoint_url,
                "region": lakehook.region,
                "notification_secret": lakehook.notification_secret,
            }
            where |= {"console_url": rows["console"]} if console else {}
            print(json.dumps(where | asdict(lakehook.deployment)), flush=True)
        Event().wait()


def _serve_console(lakehook: LocalLakehook, options: Options, exits: ExitStack) -> str:
    """Serve it until the end, and return its URL."""
    from lakehook.console.server import DEFAULT_PORT  # noqa: PLC0415  10 MB for few
    from local.console import serve_console  # noqa: PLC0415

    port = DEFAULT_PORT if options.port else ANY_PORT
    return exits.enter_context(serve_console(lakehook, port=port)).access.url


def _ready(lakehook: LocalLakehook, state: Path | None, rows: Mapping[str, str]) -> str:
    """Format for people, in lines of 80 columns at most."""
    deployment = lakehook.deployment
    kept = f"kept in {state}" if state else "gone"
    places = {
        "DevLake posts to": deployment.ingress_url,
        "and signs with": lakehook.notification_secret,
        "HTTP API": f"{deployment.api_url}  (no signature needed)",
        **rows,
    }
    lines = "\n".join(f"  {name:<18}{place}" for name, place in places.items())
    return f"""\
Lakehook is ready on this machine, until Ctrl-C.
What it holds is {kept} when it ends.
{lines}
Now try, in another terminal:
  export AWS_ENDPOINT_URL={lakehook.endpoint_url}
  .venv/bin/lakehook listen
and in a third one:
  export AWS_ENDPOINT_URL={lakehook.endpoint_url}
  .venv/bin/lakehook events trigger PIPELINE_CREATED"""
