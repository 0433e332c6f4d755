"""``lakehook verify``: whether a captured request is genuine and, where it is not, why."""

import typer

from lakehook.adapters.signing_keys import SigningKeys
from lakehook.adapters.world import WallClock
from lakehook.domain.duration import parse_duration
from lakehook.domain.errors import BadInput
from lakehook.domain.moment import parse_moment
from lakehook.domain.secret import PublicKey
from lakehook.domain.signature import VerifyingKey
from lakehook.domain.verification import Capture, Doubt, doubt_of
from ops.answers import Output, answer
from ops.captured import captured_headers
from ops.given import bounded, refuse_one_input_for_two, secret_in
from ops.options import (
    TEXT,
    AnswerAs,
    examples,
)
from ops.secret_options import At, BodyFile, HeadersFile, PublicKeyText, SecretFile, Tolerance

MOST_HEADER_BYTES, MOST_BODY_BYTES = 64 * 1024, 1024 * 1024
LONGEST_TOLERANCE_SECONDS = 366 * 24 * 3600.0
NOT_VERIFIED = 1

EXAMPLES = examples(
    "lakehook verify --headers headers.txt --body body.json --secret-file secret.txt",
    "lakehook verify --headers headers.json --body body.json --public-key whpk_…"
    " --at 2026-01-01T12:00:00Z",
)


def verify(  # noqa: PLR0913  each is an option
    *,
    headers: HeadersFile,
    body: BodyFile,
    secret_file: SecretFile = None,
    public_key: PublicKeyText = None,
    tolerance: Tolerance = "5m",
    at: At = None,
    output: AnswerAs = TEXT,
) -> None:
    """Check a captured request as its receiver should; exit code 1 says that it is not genuine.

    It needs no AWS. The headers are lines of 'Name: value', also as curl -v shows them, or a JSON
    object.
    """
    refuse_one_input_for_two(headers, body, secret_file)
    key = _key(secret_file, public_key)
    text = bounded(headers, what="headers", most=MOST_HEADER_BYTES).decode("utf-8-sig", "replace")
    capture = Capture(
        headers=captured_headers(text),
        body=bounded(body, what="body", most=MOST_BODY_BYTES),
    )
    seconds = parse_duration(tolerance, what="tolerance", longest=LONGEST_TOLERANCE_SECONDS)
    now = WallClock().now()
    captured_at = now if at is None else parse_moment(at, what="at", now=now)
    _tell(doubt_of(capture, key, now=captured_at, tolerance_seconds=seconds), output)


def _key(secret_file: typer.FileBinaryRead | None, public_key: str | None) -> VerifyingKey:
    if (secret_file is None) == (public_key is None):
        raise typer.BadParameter("give --secret-file or --public-key, and one of them alone")
    if public_key is not None and not public_key.strip().startswith(PublicKey.prefix):
        raise BadInput(f"public key: not {PublicKey.prefix}…; a secret goes into --secret-file")
    return SigningKeys().verifying(secret_in(secret_file) or public_key or "")


def _tell(doubt: Doubt | None, output: Output) -> None:
    answer(
        output,
        {
            "verified": doubt is None,
            "reason": doubt and str(doubt.reason),
            "detail": doubt and doubt.detail,
            "hint": doubt and (doubt.hint or None),
        },
    )
    if doubt:
        raise typer.Exit(NOT_VERIFIED)
