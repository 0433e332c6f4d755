"""What tests of templates set them with."""

from typing import Any

from lakehook.adapters.liquid import LiquidTypesetter
from lakehook.domain.event import EventType
from lakehook.domain.sample import delivery_of, sample_of
from lakehook.domain.template import Template
from lakehook.domain.template_fields import fields_of
from tests.builders import a_subscription


def fields(event_type: EventType = EventType.TASK_FAILED, **more: Any) -> dict[str, Any]:
    subscription = a_subscription()
    return fields_of(delivery_of(sample_of(event_type), subscription), subscription) | more


def said(text: str, **more: Any) -> str:
    """What a body comes out as, over a sample event and whatever else the test needs."""
    template = Template(body=text)
    LiquidTypesetter().check(template)
    body = LiquidTypesetter().set(template, fields(**more)).body
    assert body is not None
    return body
