"""Verification of a captured request by Standard Webhooks 1.0.0 and, if it fails, why.

Known causes include what programs commonly do to a body before it is verified.
"""

import base64
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from json import dumps, loads
from typing import Any

from lakehook.domain.signing import SignatureAlgorithm, VerifyingKey, signed_content
from lakehook.domain.time import format_rfc3339

BOM = "\ufeff".encode()

_OF_BYTES: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("without the line break at its end", lambda body: body.rstrip(b"\r\n")),
    ("with a line break at its end", lambda body: body + b"\n"),
    ("without the spaces around it", bytes.strip),
    ("with LF for CRLF", lambda body: body.replace(b"\r\n", b"\n")),
    ("with CRLF for LF", lambda body: body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")),
    ("without the byte order mark", lambda body: body.removeprefix(BOM)),
)

_OF_JSON: tuple[tuple[str, Callable[[Any], str]], ...] = (
    (
        "as compact JSON",
        lambda document: dumps(document, ensure_ascii=False, separators=(",", ":")),
    ),
    ("as compact JSON in ASCII", lambda document: dumps(document, separators=(",", ":"))),
    ("as JSON with spaces", lambda document: dumps(document, ensure_ascii=False)),
    ("as JSON with spaces in ASCII", dumps),
    (
        "as JSON with two spaces a level",
        lambda document: dumps(document, ensure_ascii=False, indent=2),
    ),
)
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE_SECONDS = 300.0  # of every reference library, in both directions
_SECONDS = re.compile(r"[0-9]{1,11}")


class Reason(StrEnum):
    MISSING_HEADER = "missing_header"
    MALFORMED_HEADER = "malformed_header"
    TIMESTAMP_TOO_OLD = "timestamp_too_old"
    TIMESTAMP_TOO_NEW = "timestamp_too_new"
    NO_KNOWN_VERSION = "no_known_version"
    SIGNATURE_MISMATCH = "signature_mismatch"


@dataclass(frozen=True, kw_only=True)
class VerificationFailure:
    """Reason why a request can't be trusted."""

    reason: Reason
    detail: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class CapturedRequest:
    """A request as received: header names in lower case, the body byte for byte."""

    headers: Mapping[str, str]
    body: bytes


def common_body_mutations(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield variants of the body as it may have been sent, each with a description."""
    undone = [(how, rewrite(body)) for how, rewrite in _OF_BYTES] + list(_parsed(body))
    yield from ((how, before) for how, before in undone if before != body)


def _parsed(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield common serializations of the parsed body."""
    try:
        document = loads(body.removeprefix(BOM))
        yield from [(how, write(document).encode()) for how, write in _OF_JSON]
    except (ValueError, RecursionError):  # not JSON, or JSON that can't be written
        return


def verify_request(
    capture: CapturedRequest, key: VerifyingKey, *, now: float, tolerance_seconds: float
) -> VerificationFailure | None:
    """Return the first thing wrong with a request; None if it is genuine."""
    return (
        _check_headers(capture.headers)
        or _check_time(int(capture.headers[TIMESTAMP]), now, tolerance_seconds)
        or _check_signatures(capture, key)
    )


def _check_headers(headers: Mapping[str, str]) -> VerificationFailure | None:
    for name in (ID, TIMESTAMP, SIGNATURE):
        if not headers.get(name):
            return VerificationFailure(reason=Reason.MISSING_HEADER, detail=f"there is no {name}")
    if not _SECONDS.fullmatch(headers[TIMESTAMP]):
        return _malformed(f"{TIMESTAMP} is not a whole number of unix seconds")
    if any("," not in entry for entry in headers[SIGNATURE].split()):
        return _malformed(f"{SIGNATURE} is not a list of <version>,<base64> with spaces between")
    return None


def _malformed(detail: str) -> VerificationFailure:
    return VerificationFailure(reason=Reason.MALFORMED_HEADER, detail=detail)


def _check_time(at: int, now: float, tolerance: float) -> VerificationFailure | None:
    if abs(now - at) <= tolerance:
        return None
    old = now > at
    return VerificationFailure(
        reason=Reason.TIMESTAMP_TOO_OLD if old else Reason.TIMESTAMP_TOO_NEW,
        detail=f"signed at {format_rfc3339(at)}, {abs(now - at):.0f} s "
        f"{'before' if old else 'after'}"
        f" {format_rfc3339(now)}; {tolerance:.0f} s are tolerated",
        hint="to check an old capture, say when it was captured" if old else "",
    )


def _check_signatures(capture: CapturedRequest, key: VerifyingKey) -> VerificationFailure | None:
    received = list(_signatures(capture.headers[SIGNATURE]))
    same_version = [signature for version, signature in received if version == key.signing.version]
    if not same_version:
        versions = ", ".join(sorted({version[:10] for version, _ in received}))
        return VerificationFailure(
            reason=Reason.NO_KNOWN_VERSION,
            detail=f"signed as {versions!a}; this key checks {key.signing.version!a} alone",
            hint=_other_kind({version for version, _ in received}),
        )
    if _is_signed(capture, capture.body, key, same_version):
        return None
    changed = (
        how
        for how, body in common_body_mutations(capture.body)
        if _is_signed(capture, body, key, same_version)
    )
    return VerificationFailure(
        reason=Reason.SIGNATURE_MISMATCH,
        detail=f"none of {len(same_version)} {key.signing.version} signatures is of this id, time"
        " and body by this key",
        hint=next((f"the body is not as it was sent: it verifies {how}" for how in changed), ""),
    )


def _is_signed(
    capture: CapturedRequest, body: bytes, key: VerifyingKey, signatures: Sequence[bytes]
) -> bool:
    content = signed_content(capture.headers[ID], capture.headers[TIMESTAMP], body)
    return any([key.verifies(content, signature) for signature in signatures])  # noqa: C419  all, to take as long


def _signatures(header: str) -> Iterator[tuple[str, bytes]]:
    """Yield version and signature of each; invalid base64 becomes an empty signature."""
    for entry in header.split():
        version, _, written = entry.partition(",")
        try:
            yield version, base64.b64decode(written, validate=True)
        except ValueError:
            yield version, b""


def _other_kind(versions: set[str]) -> str:
    alternatives = [entry for entry in SignatureAlgorithm if entry.version in versions]
    return f"it takes the {alternatives[0]} key of the subscription" if alternatives else ""
