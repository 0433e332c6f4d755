"""Fields and rendering for tests of templates."""

from typing import Any

from lakehook.adapters.liquid import LiquidRenderer
from lakehook.domain.event import EventType
from lakehook.domain.sample import sample_delivery, sample_event
from lakehook.domain.template import Template, template_fields
from tests.builders import a_subscription


def fields(event_type: EventType = EventType.TASK_FAILED, **overrides: Any) -> dict[str, Any]:
    subscription = a_subscription()
    return (
        template_fields(sample_delivery(sample_event(event_type), subscription), subscription)
        | overrides
    )


def render_body(text: str, **overrides: Any) -> str:
    """Render a body over a sample event, with the fields that the test overrides."""
    template = Template(body=text)
    LiquidRenderer().validate(template)
    body = LiquidRenderer().render(template, fields(**overrides)).body
    assert body is not None
    return body
