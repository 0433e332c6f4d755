"""Untrusted text in markdown of a chat service: nothing of it mentions, links or colours."""

import re

from lakehook.domain.text import single_line, truncate, utf8_size

MAX_LINE_BYTES = 300
"""Bytes of one untrusted line, so that there is always room for the message."""

_LINK = re.compile(r"\](?=[(\[])")
# These services cannot escape the characters of <@somebody> and <font …>.
_LOOKALIKES = str.maketrans({"<": "＜", ">": "＞"})


def neutralize(text: str) -> str:
    """Replace what acts in markdown by what looks like it."""
    return _LINK.sub("] ", text.translate(_LOOKALIKES))


def neutral_line(text: str) -> str:
    """Neutralize a text, as one line of bounded size."""
    return truncate(single_line(neutralize(text), MAX_LINE_BYTES), MAX_LINE_BYTES, size=utf8_size)
