"""Templates in Liquid (https://shopify.github.io/liquid), rendered by ``python-liquid``.

=============  ===========================================================================
__init__.py    the renderer: each part of a template, and the checks of its output
engine.py      the supported language: its tags, parsing, validation and rendering
filters.py     the filters, each within bounds, and an event's lists and objects
limits.py      limits of one rendering, counted in steps
=============  ===========================================================================

The library is imported with the first template: most functions never need it, and the import takes
a third of a second.
"""

from collections.abc import Mapping

from lakehook.domain.errors import InvalidSubscription, TemplateFailed
from lakehook.domain.event import EventType
from lakehook.domain.headers import MAX_HEADER_BYTES, find_fault
from lakehook.domain.json_document import Document
from lakehook.domain.sample import fields_of_sample
from lakehook.domain.template import (
    MAX_RENDERED_BYTES,
    MAX_SUBJECT_CHARACTERS,
    MAX_TEMPLATE_BYTES,
    RenderedTemplate,
    Template,
)


class LiquidRenderer:
    def validate(self, template: Template) -> None:
        from lakehook.adapters.liquid.engine import InvalidTemplate, parse_template  # noqa: PLC0415

        for part, text in template.parts:
            _reject_size(part, text)
            try:
                parse_template(text)
            except InvalidTemplate as invalid:
                raise InvalidSubscription(f"{part}: {invalid}") from None
        self._try(template)

    def _try(self, template: Template) -> None:
        """Render a sample of each event type; reject a template that fails for all of them.

        An empty output is accepted: a sample has no ``data``.
        """
        from lakehook.adapters.liquid.engine import _Rendering  # noqa: PLC0415  see above

        failure: TemplateFailed | None = None
        for event_type in EventType:
            rendering = _Rendering(fields_of_sample(event_type))
            try:
                rendered = {part: rendering(part, text) for part, text in template.parts}
                _template_headers(template, rendered)
            except TemplateFailed as failed:
                failure = failure or failed
            else:
                return
        raise InvalidSubscription(f"{failure}; so with a sample of every type of event") from None

    def render(self, template: Template, fields: Document) -> RenderedTemplate:
        from lakehook.adapters.liquid.engine import _Rendering  # noqa: PLC0415  see above

        rendering = _Rendering(fields)
        rendered = {part: rendering(part, text) for part, text in template.parts}
        return RenderedTemplate(
            body=_body(rendered["template"]) if "template" in rendered else None,
            subject=_subject(rendered["template subject"])
            if "template subject" in rendered
            else None,
            headers=_template_headers(template, rendered),
            missing_fields=tuple(rendering.unknown),
        )


def _reject_size(part: str, text: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidSubscription(f"{part}: not UTF-8") from None
    if size > MAX_TEMPLATE_BYTES:
        raise InvalidSubscription(f"{part}: {size} bytes; at most {MAX_TEMPLATE_BYTES}")


def _body(text: str) -> str:
    if not text.strip():
        raise TemplateFailed("template: its output is empty")
    size = len(_encoded("template", text))
    if size > MAX_RENDERED_BYTES:
        raise TemplateFailed(f"template: its output has {size} bytes; at most {MAX_RENDERED_BYTES}")
    return text


def _subject(text: str) -> str:
    """Return the subject on one line, truncated rather than rejected."""
    _encoded("template subject", text)
    line = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(line.split())
    return line if len(line) <= MAX_SUBJECT_CHARACTERS else f"{line[: MAX_SUBJECT_CHARACTERS - 1]}…"


def _template_headers(
    template: Template, rendered: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Return the headers that are not empty."""
    headers = tuple(
        (name, rendered[f"template header {name}"].strip(" \t")) for name, _ in template.headers
    )
    for name, value in headers:
        if fault := find_fault(value):
            raise TemplateFailed(f"template header {name}: its value {fault}")
    if sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_BYTES:
        raise TemplateFailed(f"template headers: more than {MAX_HEADER_BYTES} bytes in all")
    return tuple((name, value) for name, value in headers if value)


def _encoded(part: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise TemplateFailed(f"{part}: its output is not valid Unicode") from None
