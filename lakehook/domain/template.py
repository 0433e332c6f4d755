"""Template: the body of a subscription's messages in Liquid, in place of the channel's own form."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehook.domain.delivery import Delivery
from lakehook.domain.json_document import Document

if TYPE_CHECKING:  # it has a template
    from lakehook.domain.subscription import Subscription

MAX_TEMPLATE_BYTES = 16 * 1024  # of each part
MAX_RENDERED_BYTES = 256 * 1024
MAX_SUBJECT_CHARACTERS = 250  # a longer one is truncated


@dataclass(frozen=True, kw_only=True)
class Template:
    """Liquid source of each part; a part that is None has the channel's default."""

    body: str | None = None
    subject: str | None = None
    headers: tuple[tuple[str, str], ...] = ()  # name in lower case, and the template of the value

    @property
    def parts(self) -> Iterator[tuple[str, str]]:
        """Parts that are set: the name for operators, and the source."""
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
    """Output of a template for one delivery."""

    body: str | None = None
    subject: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    missing_fields: tuple[str, ...] = ()  # used by the template, absent in the event


def template_fields(delivery: Delivery, subscription: "Subscription") -> Document:
    """Return the fields for a template: the event's and ours; no secret, no URL."""
    return {
        **delivery.event.document,
        "event_id": delivery.event.id,
        "sequence": delivery.sequence,
        "previous_event_type": delivery.sequenced.previous_event_type,
        "delivery_id": delivery.id,
        "subscription": {"id": subscription.id, "name": subscription.name},
        "late": delivery.late,
        "replayed": delivery.replayed,
    }
