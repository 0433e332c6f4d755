"""A subscription's signing secret; it never shows itself."""

import base64
from dataclasses import dataclass
from typing import Self

from lakehook.domain.errors import BadInput

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64  # bytes, Standard Webhooks 1.0.0, "Symmetric"


@dataclass(frozen=True, repr=False)
class Secret:
    """The bytes that sign, of 24 to 64; printed only where ``reveal`` is asked for by name."""

    key: bytes

    def __post_init__(self) -> None:
        if not SHORTEST <= len(self.key) <= LONGEST:
            raise BadInput(
                f"secret: {len(self.key)} bytes; Standard Webhooks wants {SHORTEST} to {LONGEST}"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``whsec_<base64>``, with or without the prefix."""
        try:
            return cls(base64.b64decode(text.strip().removeprefix(PREFIX), validate=True))
        except ValueError:  # not base64, or not even ASCII
            raise BadInput("secret: not base64, as in whsec_<base64>") from None

    def reveal(self) -> str:
        return PREFIX + base64.b64encode(self.key).decode()

    def __repr__(self) -> str:
        return "Secret(…)"
