"""Template: the body of a subscription's messages in Liquid, in place of the channel's own form."""

from collections.abc import Iterator
from dataclasses import dataclass

MAX_TEMPLATE_BYTES = 16 * 1024  # of each text
MAX_RENDERED_BYTES = 256 * 1024
MAX_SUBJECT_CHARACTERS = 250  # what is longer is cut


@dataclass(frozen=True, kw_only=True)
class Template:
    """Each part is a text in Liquid; what is None is said in the channel's own way."""

    body: str | None = None
    subject: str | None = None
    headers: tuple[tuple[str, str], ...] = ()  # name in lower case, and the text of the value

    @property
    def parts(self) -> Iterator[tuple[str, str]]:
        """Each text, and the name of its part as people know it."""
        if self.body is not None:
            yield "template", self.body
        if self.subject is not None:
            yield "template subject", self.subject
        for name, text in self.headers:
            yield f"template header {name}", text

    @property
    def is_empty(self) -> bool:
        return self == Template()


@dataclass(frozen=True, kw_only=True)
class RenderedTemplate:
    """What a template gave for one delivery."""

    body: str | None = None
    subject: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    missing_fields: tuple[str, ...] = ()  # fields that it asked for and that are not there
