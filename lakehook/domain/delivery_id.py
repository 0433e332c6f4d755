"""A delivery's id, read back: it says subscription, pipeline and sequence."""

import re

from lakehook.domain.delivery import Lane
from lakehook.domain.errors import BadInput

_ID = re.compile(r"(?P<lane>[^#]+#[^#]+)#(?P<sequence>[1-9][0-9]{0,9})", re.ASCII)
MOST_SHOWN = 80


def parse_delivery_id(text: str) -> tuple[Lane, int]:
    """Its lane and its place there; ``BadInput`` when it is no delivery's id."""
    found = _ID.fullmatch(text)
    if not found:
        raise BadInput(
            f"delivery id: {text[:MOST_SHOWN]!a} is not <subscription>#<pipeline>#<sequence>"
        )
    return Lane.parse(found["lane"]), int(found["sequence"])
