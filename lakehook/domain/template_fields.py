"""Fields for templates: the event, and the delivery that carries it."""

from lakehook.domain.delivery import Delivery
from lakehook.domain.json_document import Document
from lakehook.domain.subscription import Subscription


def template_fields(delivery: Delivery, subscription: Subscription) -> Document:
    """Return the event's fields and ours; no secret, no URL."""
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
