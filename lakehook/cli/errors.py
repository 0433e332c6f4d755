"""Errors of the command: one line on stderr, and an exit code.

====  ==================================================
0     done
1     anything that has no code of its own
2     bad input, wrong usage, no such stack
3     no such subscription, delivery, dead letter or pipeline
4     AWS failed, or could not be reached
5     a dry run with ``--exit-code`` has found something to do
6     ``devlake check`` or ``status`` has found something that needs a person
====  ==================================================
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import typer
from typer.exceptions import TyperException

from lakehook.cli.output import write
from lakehook.domain.errors import (
    InfrastructureError,
    InvalidEndpoint,
    InvalidInput,
    LakehookError,
    NotFound,
    PendingDeliveries,
)
from lakehook.domain.text import on_one_line
from lakehook.subscriptions.apply.parser import InvalidFile

FAILED, AWS_FAILED, PERSON_NEEDED = 1, 4, 6
_EXIT_CODES: tuple[tuple[type[Exception], int], ...] = (
    (TyperException, 2),
    (InvalidInput, 2),
    (NotFound, 3),
    (InfrastructureError, AWS_FAILED),
)
_WAYS_OUT: tuple[tuple[type[Exception], str, str], ...] = (
    (PendingDeliveries, "", "--discard-waiting gives that up"),
    (InfrastructureError, "specify a region", "set AWS_REGION, or for a laptop AWS_ENDPOINT_URL"),
    (
        InfrastructureError,
        "Unable to locate credentials",
        "set AWS_PROFILE, or for a laptop AWS_ENDPOINT_URL",
    ),
    (
        InfrastructureError,
        "ExpiredToken",
        "the session of AWS has ended: renew it (aws sso login), and run this again",
    ),
    (
        InfrastructureError,
        "ResourceNotFoundException",
        "a part of the stack is missing or being deleted: look at the stack in CloudFormation",
    ),
    (
        InfrastructureError,
        'endpoint URL: "http://127.0.0.1',
        "AWS_ENDPOINT_URL names this machine; is the laptop running? python -m local up",
    ),
    (
        InvalidEndpoint,
        " is never called",
        "what opens a network is --allow-network of a laptop, and AllowedNetworks of a stack",
    ),
)
"""A kind of error, a part of its text, and what to do about it."""


def asks_for_json(arguments: Sequence[str]) -> bool:
    """Whether to print JSON; needed before parsing, as a usage error is printed in the same way."""
    return "--output=json" in arguments or ("--output", "json") in pairwise(arguments)


@dataclass(frozen=True)
class ErrorReporter:
    as_json: bool

    def warn(self, message: str) -> None:
        self._write("warning", "warning", message)

    def report(self, error: Exception) -> int:
        """Print the error, a line for each problem, and return the exit code."""
        for message in error.faults if isinstance(error, InvalidFile) else [_message(error)]:
            self._write("error", _kind(error), message)
        return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), FAILED)

    def _write(self, level: str, kind: str, message: str) -> None:
        line = on_one_line(" ".join(message.split()))
        if self.as_json:
            write(json.dumps({level: kind, "message": line}), err=True)
        else:
            write(f"{level}: {line}", err=True)


def _kind(error: Exception) -> str:
    if isinstance(error, TyperException):
        return "usage"
    if isinstance(error, LakehookError):
        return error.kind
    return "unexpected"


def _message(error: Exception) -> str:
    if isinstance(error, TyperException):
        context: typer.Context | None = getattr(error, "ctx", None)
        where = context.command_path if context else "lakehook"
        return f"{error.format_message().rstrip('.')}; see {where} --help"
    if isinstance(error, LakehookError):
        way_out = _way_out(error)
        return f"{str(error).rstrip('.')}; {way_out}" if way_out else str(error)
    return f"{type(error).__name__}: {error}"


def _way_out(error: LakehookError) -> str | None:
    remedies = (
        way_out
        for kind, part, way_out in _WAYS_OUT
        if isinstance(error, kind) and part in str(error)
    )
    return next(remedies, None)
