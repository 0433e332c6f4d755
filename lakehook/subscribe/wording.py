"""The template of a subscription: as an operator writes it, part by part, and as it is agreed."""

from typing import Any

from lakehook.domain.channel import Channel
from lakehook.domain.errors import BadSubscription
from lakehook.domain.header import checked_template_headers
from lakehook.domain.template import Template
from lakehook.ports.sending import Typesetter
from lakehook.subscribe.terms import Terms


def worded(
    terms: Terms, channel: Channel, typesetter: Typesetter, before: Template | None = None
) -> dict[str, Any]:
    """The field of a subscription, if the terms name any part; the other parts stay as they are."""
    if (terms.template_body, terms.template_subject, terms.template_headers) == (None, None, None):
        return {}
    template = _changed(before or Template(), terms)
    if template.is_empty:
        return {"template": None}
    if not channel.takes_templates:
        raise BadSubscription("template: what this channel sends has one form, and takes none")
    if template.subject is not None and not channel.has_subject:
        raise BadSubscription("template subject: what this channel sends has no subject")
    typesetter.check(template)
    return {"template": template}


def _changed(before: Template, terms: Terms) -> Template:
    headers = before.headers
    if terms.template_headers is not None:
        headers = tuple(checked_template_headers(terms.template_headers).items())
    return Template(
        body=_part(before.body, terms.template_body),
        subject=_part(before.subject, terms.template_subject),
        headers=headers,
    )


def _part(before: str | None, asked: str | None) -> str | None:
    return before if asked is None else asked or None
