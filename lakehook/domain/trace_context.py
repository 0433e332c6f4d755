"""Trace context of a request, which joins it to the producer's trace (W3C).

https://www.w3.org/TR/trace-context-2/
"""

import re
from dataclasses import dataclass
from typing import Any, Self

FIELD = "traceparent"
"""The field of an event and the header of a request go by one name."""

_VERSION = "00"
_KNOWN_FLAGS = 0b11  # sampled, random trace id
_PARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})"
    r"-(?!0{32})(?P<trace>[0-9a-f]{32})"
    r"-(?!0{16})[0-9a-f]{16}"
    r"-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?",
    re.ASCII,
)


@dataclass(frozen=True)
class Trace:
    id: str
    flags: int

    @classmethod
    def read(cls, value: Any) -> Self | None:
        """None for what is no trace: a tracer's fault keeps no event from its subscribers.

        Of a later version than ours the part that we know counts (section 4.3).
        """
        match = _PARENT.fullmatch(value) if isinstance(value, str) else None
        if match is None or (match["version"] == _VERSION and match["more"]):
            return None
        return cls(match["trace"], int(match["flags"], 16) & _KNOWN_FLAGS)

    def parent(self, chance: bytes) -> str:
        """The header of one attempt, which is a span of its own: its id is made of the chance."""
        span = max(1, int.from_bytes(chance[:8], "big"))  # zero is no span
        return f"{_VERSION}-{self.id}-{span:016x}-{self.flags:02x}"
