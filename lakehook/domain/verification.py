"""Whether a captured request is genuine and, where it is not, why.

Standard Webhooks 1.0.0, "Verifying webhook authenticity".
"""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lakehook.domain.rewriting import rewritings
from lakehook.domain.rfc_3339 import rfc_3339
from lakehook.domain.secret import Signing
from lakehook.domain.signature import VerifyingKey, signed_content

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
class Doubt:
    """Why a request is not to be trusted."""

    reason: Reason
    detail: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Capture:
    """A request as it came: names of headers in lower case, the body byte for byte."""

    headers: Mapping[str, str]
    body: bytes


def doubt_of(
    capture: Capture, key: VerifyingKey, *, now: float, tolerance_seconds: float
) -> Doubt | None:
    """What is wrong with a request, the first thing first; nothing when it is genuine."""
    return (
        _of_headers(capture.headers)
        or _of_time(int(capture.headers[TIMESTAMP]), now, tolerance_seconds)
        or _of_signatures(capture, key)
    )


def _of_headers(headers: Mapping[str, str]) -> Doubt | None:
    for name in (ID, TIMESTAMP, SIGNATURE):
        if not headers.get(name):
            return Doubt(reason=Reason.MISSING_HEADER, detail=f"there is no {name}")
    if not _SECONDS.fullmatch(headers[TIMESTAMP]):
        return _malformed(f"{TIMESTAMP} is no whole number of unix seconds")
    if any("," not in one for one in headers[SIGNATURE].split()):
        return _malformed(f"{SIGNATURE} is no list of <version>,<base64> with spaces between")
    return None


def _malformed(detail: str) -> Doubt:
    return Doubt(reason=Reason.MALFORMED_HEADER, detail=detail)


def _of_time(at: int, now: float, tolerance: float) -> Doubt | None:
    if abs(now - at) <= tolerance:
        return None
    old = now > at
    return Doubt(
        reason=Reason.TIMESTAMP_TOO_OLD if old else Reason.TIMESTAMP_TOO_NEW,
        detail=f"signed at {rfc_3339(at)}, {abs(now - at):.0f} s {'before' if old else 'after'}"
        f" {rfc_3339(now)}; {tolerance:.0f} s are tolerated",
        hint="to check an old capture, say when it was captured" if old else "",
    )


def _of_signatures(capture: Capture, key: VerifyingKey) -> Doubt | None:
    given = list(_signatures(capture.headers[SIGNATURE]))
    mine = [signature for version, signature in given if version == key.signing.version]
    if not mine:
        versions = ", ".join(sorted({version[:10] for version, _ in given}))
        return Doubt(
            reason=Reason.NO_KNOWN_VERSION,
            detail=f"signed as {versions!a}; this key checks {key.signing.version!a} alone",
            hint=_other_kind({version for version, _ in given}),
        )
    if _is_signed(capture, capture.body, key, mine):
        return None
    changed = (
        how for how, body in rewritings(capture.body) if _is_signed(capture, body, key, mine)
    )
    return Doubt(
        reason=Reason.SIGNATURE_MISMATCH,
        detail=f"none of {len(mine)} {key.signing.version} signatures is of this id, time and body"
        " by this key",
        hint=next((f"the body is not as it was sent: it verifies {how}" for how in changed), ""),
    )


def _is_signed(
    capture: Capture, body: bytes, key: VerifyingKey, signatures: Sequence[bytes]
) -> bool:
    content = signed_content(capture.headers[ID], capture.headers[TIMESTAMP], body)
    return any([key.verifies(content, one) for one in signatures])  # noqa: C419  all, to take as long


def _signatures(header: str) -> Iterator[tuple[str, bytes]]:
    """Version and signature of each; what is not base64 is the signature of nothing."""
    for one in header.split():
        version, _, written = one.partition(",")
        try:
            yield version, base64.b64decode(written, validate=True)
        except ValueError:
            yield version, b""


def _other_kind(versions: set[str]) -> str:
    others = [one for one in Signing if one.version in versions]
    return f"it takes the {others[0]} key of the subscription" if others else ""
