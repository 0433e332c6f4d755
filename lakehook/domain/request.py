"""A request: one POST, ready to leave."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lakehook.domain.endpoint import Endpoint


@dataclass(frozen=True, kw_only=True)
class Request:
    """The bytes that were signed are the bytes that are sent."""

    endpoint: Endpoint = field(repr=False)  # a URL may be a credential
    headers: Mapping[str, str] = field(repr=False)  # signatures, and credentials of the receiver
    body: bytes = field(repr=False)
    deadline_seconds: float
