"""Reasons why the ingress rejects a request, and whether DevLake seems to have sent it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qs

from lakehook.domain.devlake.notification import parse_notification
from lakehook.domain.devlake.signature import SignedNotification
from lakehook.domain.errors import InvalidNotification, InvalidSignature, Unsigned

TEST_PIPELINE = 0
"""The id in a test notice; the pipelines of a DevLake begin at 1."""

_SIGNATURE = frozenset(("nouce", "sign"))
_EMPTY = "made with an empty secret; give DevLake the stack's as NOTIFICATION_SECRET"
_QUOTED = "made with quotes around the secret; remove them from DevLake's NOTIFICATION_SECRET"
_SPACE_BEHIND = "made with white space behind the secret; remove it in NOTIFICATION_SECRET"
_SPACE_STORED = "made without the white space that the secret in Secrets Manager has; remove it"


class RefusalKind(StrEnum):
    SIGNATURE = "signature"  # a readable notice, signed with another secret
    NO_SIGNATURE = "no_signature"
    NOT_A_NOTICE = "not_a_notice"
    UNKNOWN_SOURCE = "unknown_source"
    TOO_LARGE = "too_large"
    METHOD = "method"


def seems_devlake(notice: SignedNotification) -> bool:
    """Whether a person must look at it: who scans the internet sends neither form.

    A notice that can be read is DevLake's even without a signature: an endpoint that has a query
    of its own swallows it. A test notice is none of DevLake's.
    """
    pipeline = _pipeline_of(notice.body)
    return has_signature(notice.query) if pipeline is None else pipeline != TEST_PIPELINE


@dataclass(frozen=True)
class Refusal:
    kind: RefusalKind
    reason: str  # what the sender is answered
    seems_devlake: bool = False
    is_notice: bool = False  # of a pipeline, or signed: what no scan of the internet hits upon

    @classmethod
    def of(cls, kind: RefusalKind, reason: str, notice: SignedNotification) -> "Refusal":
        return cls(kind, reason, seems_devlake(notice), _is_notice(notice))


def has_signature(query: str) -> bool:
    """Whether it has both of DevLake's parameters, whatever they say."""
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
    """The refusal of a notice that none of these secrets has signed.

    ``label`` is the staging label of the one secret that its source has for itself.
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
    """What was slightly wrong with the secret that DevLake has, as far as that can be told."""
    for candidate, words in _slips(secrets):
        try:
            notice.verify([candidate])
        except InvalidSignature:
            continue
        return f"sign: {words}"
    return None


def _slips(secrets: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Secrets that are nearly ours, and what to do about each."""
    yield "", _EMPTY
    for secret in secrets:
        yield from ((f"{quote}{secret}{quote}", _QUOTED) for quote in "\"'")
        yield from ((f"{secret}{end}", _SPACE_BEHIND) for end in ("\n", "\r\n", "\r", " "))
        yield secret.strip(), _SPACE_STORED
