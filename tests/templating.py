"""What tests of templates set them with."""

from typing import Any

from lakehook.adapters.liquid import LiquidRenderer
from lakehook.domain.event import EventType
from lakehook.domain.sample import sample_delivery, sample_event
from lakehook.domain.template import Template, template_fields
from tests.builders import a_subscription


def fields(event_type: EventType = EventType.TASK_FAILED, **more: Any) -> dict[str, Any]:
    subscription = a_subscription()
    return (
        template_fields(sample_delivery(sample_event(event_type), subscription), subscription)
        | more
    )


def said(text: str, **more: Any) -> str:
    """What a body comes out as, over a sample event and whatever else the test needs."""
    template = Template(body=text)
    LiquidRenderer().validate(template)
    body = LiquidRenderer().render(template, fields(**more)).body
    assert body is not None
    return body
