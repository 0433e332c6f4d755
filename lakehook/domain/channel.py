"""A channel: how a subscriber is spoken to, and how its answers are read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lakehook.domain.delivery import Delivery
from lakehook.domain.endpoint import Endpoint
from lakehook.domain.event import Event
from lakehook.domain.outcome import Answer, Outcome
from lakehook.domain.signature import SigningKey


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What is about to be sent, and what it may be signed with."""

    id: str
    body: bytes = field(repr=False)
    endpoint: Endpoint = field(repr=False)
    at: float  # unix seconds
    secrets: Sequence[SigningKey] = ()  # those that live, the newest first
    chance: Callable[[], bytes] = bytes  # 32 bytes that nobody can guess


@dataclass(frozen=True)
class Addressed:
    """Where a letter goes, and what stands on it."""

    endpoint: Endpoint = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


class Channel(Protocol):
    def silence(self, event: Event) -> str | None:
        """Why it has no words for an event; none if it has."""

    def render(self, delivery: Delivery) -> bytes: ...

    def address(self, letter: Letter) -> Addressed:
        """Sign the very bytes that are sent, anew for each attempt."""

    def read(self, answer: Answer) -> Outcome: ...
