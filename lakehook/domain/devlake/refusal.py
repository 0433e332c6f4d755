"""Reasons why the ingress rejects a request."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qs

from lakehook.domain.devlake.notification import parse_notification
from lakehook.domain.devlake.signature import SignedNotification
from lakehook.domain.errors import InvalidNotification, InvalidSignature, Unsigned

TEST_PIPELINE = 0
"""Pipeline id of a test notification; DevLake's ids start at 1."""

_SIGNATURE = frozenset(("nouce", "sign"))
_EMPTY = "made with an empty secret; give DevLake the stack's as NOTIFICATION_SECRET"
_QUOTED = "made with quotes around the secret; remove them from DevLake's NOTIFICATION_SECRET"
_SPACE_BEHIND = "made with white space after the secret; remove it in NOTIFICATION_SECRET"
_SPACE_STORED = "made without the white space that the secret in Secrets Manager has; remove it"


class RefusalKind(StrEnum):
    SIGNATURE = "signature"  # a valid notification, signed with another secret
    NO_SIGNATURE = "no_signature"
    NOT_A_NOTICE = "not_a_notice"
    UNKNOWN_SOURCE = "unknown_source"
    TOO_LARGE = "too_large"
    METHOD = "method"


def seems_devlake(notice: SignedNotification) -> bool:
    """Whether an operator must look at it: internet scanners send neither form.

    A readable notification counts even without a signature, since an endpoint with a query of its
    own loses it. A test notification does not count.
    """
    pipeline = _pipeline_of(notice.body)
    return has_signature(notice.query) if pipeline is None else pipeline != TEST_PIPELINE


@dataclass(frozen=True)
class Refusal:
    kind: RefusalKind
    reason: str  # the response's text
    seems_devlake: bool = False
    is_notice: bool = False  # of a pipeline, or signed: a scan does not produce these by chance

    @classmethod
    def of(cls, kind: RefusalKind, reason: str, notice: SignedNotification) -> "Refusal":
        return cls(kind, reason, seems_devlake(notice), _is_notice(notice))


def has_signature(query: str) -> bool:
    """Whether the query has both of DevLake's parameters, with any values."""
    return parse_qs(query, keep_blank_values=True).keys() >= _SIGNATURE


def _is_notice(notice: SignedNotification) -> bool:
    return _pipeline_of(notice.body) not in {None, TEST_PIPELINE}


def refuse_sign(
    notice: SignedNotification,
    error: InvalidSignature,
    secrets: Iterable[str],
    *,
    label: str | None = None,
) -> Refusal:
    """Build the refusal of a notification that none of these secrets has signed.

    ``label`` is the staging label of the secret that belongs to the source alone.
    """
    reason = str(error)
    if isinstance(error, Unsigned):
        return Refusal.of(RefusalKind.NO_SIGNATURE, reason, notice)
    if _pipeline_of(notice.body) is None:
        return Refusal.of(RefusalKind.NOT_A_NOTICE, reason, notice)
    of_label = f" (the version with the staging label {label})" if label else ""
    reason = (_slip(notice, secrets) or reason) + of_label
    return Refusal.of(RefusalKind.SIGNATURE, reason, notice)


def _pipeline_of(body: bytes) -> int | str | None:
    try:
        pipeline_id: int | str = parse_notification(body)["pipeline_id"]
    except InvalidNotification:
        return None
    return pipeline_id


def _slip(notice: SignedNotification, secrets: Iterable[str]) -> str | None:
    """Return how DevLake's secret differs slightly from ours, if that can be determined."""
    for candidate, words in _slips(secrets):
        try:
            notice.verify([candidate])
        except InvalidSignature:
            continue
        return f"sign: {words}"
    return None


def _slips(secrets: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield near misses of our secrets, each with its remedy."""
    yield "", _EMPTY
    for secret in secrets:
        yield from ((f"{quote}{secret}{quote}", _QUOTED) for quote in "\"'")
        yield from ((f"{secret}{end}", _SPACE_BEHIND) for end in ("\n", "\r\n", "\r", " "))
        yield secret.strip(), _SPACE_STORED
