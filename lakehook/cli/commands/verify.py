"""``lakehook verify``: whether a captured request is genuine and, if not, why."""

import typer

from lakehook.adapters.signing_keys import CryptographySigningKeys
from lakehook.adapters.system import SystemClock
from lakehook.cli.inputs import bounded, captured_headers, read_secret, require_single_stdin
from lakehook.cli.options import (
    TEXT,
    AnswerAs,
    At,
    BodyFile,
    HeadersFile,
    PublicKeyText,
    SecretFile,
    Tolerance,
    examples,
)
from lakehook.cli.output import Output, print_document
from lakehook.domain.errors import InvalidInput
from lakehook.domain.signing import Ed25519PublicKey, VerifyingKey
from lakehook.domain.time import parse_duration, parse_time_or_ago
from lakehook.domain.verification import CapturedRequest, VerificationFailure, verify_request

MAX_HEADER_BYTES, MAX_BODY_BYTES = 64 * 1024, 1024 * 1024
MAX_TOLERANCE_SECONDS = 366 * 24 * 3600.0
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
    require_single_stdin(headers, body, secret_file)
    key = _key(secret_file, public_key)
    text = bounded(headers, what="headers", limit=MAX_HEADER_BYTES).decode("utf-8-sig", "replace")
    capture = CapturedRequest(
        headers=captured_headers(text),
        body=bounded(body, what="body", limit=MAX_BODY_BYTES),
    )
    seconds = parse_duration(tolerance, what="tolerance", longest=MAX_TOLERANCE_SECONDS)
    now = SystemClock().now()
    captured_at = now if at is None else parse_time_or_ago(at, what="at", now=now)
    _print_verdict(verify_request(capture, key, now=captured_at, tolerance_seconds=seconds), output)


def _key(secret_file: typer.FileBinaryRead | None, public_key: str | None) -> VerifyingKey:
    if (secret_file is None) == (public_key is None):
        raise typer.BadParameter("give --secret-file or --public-key, and one of them alone")
    if public_key is not None and not public_key.strip().startswith(Ed25519PublicKey.prefix):
        raise InvalidInput(
            f"public key: not {Ed25519PublicKey.prefix}…; a secret goes into --secret-file"
        )
    return CryptographySigningKeys().parse_verifying_key(
        read_secret(secret_file) or public_key or ""
    )


def _print_verdict(failure: VerificationFailure | None, output: Output) -> None:
    print_document(
        output,
        {
            "verified": failure is None,
            "reason": failure and str(failure.reason),
            "detail": failure and failure.detail,
            "hint": failure and (failure.hint or None),
        },
    )
    if failure:
        raise typer.Exit(NOT_VERIFIED)
