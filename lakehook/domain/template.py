"""A template: how a subscriber wants it said, in Liquid, instead of the channel's own way."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Template:
    """Each part is a text in Liquid; what is None is said in the channel's own way."""

    body: str | None = None
    subject: str | None = None
    headers: tuple[tuple[str, str], ...] = ()  # name in lower case, and the text of the value


@dataclass(frozen=True, kw_only=True)
class Typeset:
    """What a template gave for one delivery."""

    body: str | None = None
    subject: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
