"""Why the ingress refuses a request, and whether DevLake seems to have sent it."""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qs

from lakehook.domain.devlake.notice import read_notice
from lakehook.domain.errors import BadNotice

TEST_PIPELINE = 0
"""The id in a test notice; the pipelines of a DevLake begin at 1."""

_SIGNATURE = ("nouce", "sign")


class RefusalKind(StrEnum):
    SIGNATURE = "signature"  # a readable notice, signed with another secret
    NO_SIGNATURE = "no_signature"
    NOT_A_NOTICE = "not_a_notice"
    UNKNOWN_SOURCE = "unknown_source"
    TOO_LARGE = "too_large"
    METHOD = "method"


@dataclass(frozen=True)
class Refusal:
    kind: RefusalKind
    reason: str  # what the sender is answered
    seems_devlake: bool = False


def has_signature(query: str) -> bool:
    """Whether it has both of DevLake's parameters, whatever they say."""
    return parse_qs(query, keep_blank_values=True).keys() >= set(_SIGNATURE)


def is_readable(body: bytes) -> bool:
    try:
        read_notice(body)
    except BadNotice:
        return False
    return True


def seems_devlake(body: bytes, query: str) -> bool:
    """Whether a person must look at it: who scans the internet sends neither form.

    A notice that can be read is DevLake's even without a signature: an endpoint that has a query
    of its own swallows it. A test notice is none of DevLake's.
    """
    try:
        document = read_notice(body)
    except BadNotice:
        return has_signature(query)
    return bool(document["pipeline_id"] != TEST_PIPELINE)
