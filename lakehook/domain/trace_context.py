"""Trace context of a request, which joins it to the producer's trace (W3C).

https://www.w3.org/TR/trace-context-2/
"""

import re
from dataclasses import dataclass
from typing import Any, Self

FIELD = "traceparent"
"""Name of both the event's field and the request's header."""

_VERSION = "00"
_KNOWN_FLAGS = 0b11  # sampled, random trace id
_PARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})"
    r"-(?!0{32})(?P<trace>[0-9a-f]{32})"
    r"-(?!0{16})[0-9a-f]{16}"
    r"-(?P<flags>[0-9a-f]{2})(?P<more>-[!-~]{0,200})?",  # bounded: a header carries it
    re.ASCII,
)


@dataclass(frozen=True)
class Trace:
    id: str
    flags: int

    @classmethod
    def read(cls, value: Any) -> Self | None:
        """Parse a trace; None if it is invalid, since a tracer's error must not stop an event.

        Of a version later than ours, the known part is used (section 4.3).
        """
        match = _PARENT.fullmatch(value) if isinstance(value, str) else None
        if match is None or (match["version"] == _VERSION and match["more"]):
            return None
        return cls(match["trace"], int(match["flags"], 16) & _KNOWN_FLAGS)

    def parent(self, chance: bytes) -> str:
        """Build the header of one attempt, a span of its own whose id is made of ``chance``."""
        span = max(1, int.from_bytes(chance[:8], "big"))  # zero is not a valid span id
        return f"{_VERSION}-{self.id}-{span:016x}-{self.flags:02x}"
