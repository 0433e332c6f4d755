"""The CloudEvents channels: a webhook's event as the data of a CloudEvent, in either HTTP mode.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md

Both are signed as webhooks are, over the body. In binary mode the ``ce-`` headers are thus not
signed; each attribute but the constants is in the signed data, too.
"""

import re
from dataclasses import replace

from lakehook.domain import trace_context
from lakehook.domain.channels.base import RenderedMessage
from lakehook.domain.channels.webhook import Webhook
from lakehook.domain.delivery import Delivery
from lakehook.domain.event import Event
from lakehook.domain.json_document import to_json
from lakehook.domain.queue_message import Ping
from lakehook.domain.subscription import Locale
from lakehook.domain.trace_context import Trace

SOURCE = "/lakehook"
"""URI reference of the default source; that of a named one is below it."""

SEQUENCE_DIGITS = 10  # as many as the ledger's keys have

_TYPE_PREFIX = "dev.lakehook."
_DATA_TYPE = "application/json"
_ESCAPED = re.compile(r'[^!-~]|["%]')  # HTTP binding, section 3.1.3.2

Attributes = dict[str, str]


class CloudEvents(Webhook):
    """Structured mode: one JSON object with the attributes and the data."""

    supports_templates = False  # the data is the event, which the attributes describe

    def render(self, delivery: Delivery, locale: Locale) -> RenderedMessage:
        return self._as_cloud_event(_attributes(delivery), super().render(delivery, locale))

    def render_ping(self, ping: Ping, locale: Locale) -> RenderedMessage:
        attributes = {
            "id": ping.event_id,
            "source": SOURCE,
            "type": f"{_TYPE_PREFIX}ping",
            "time": ping.timestamp,
        }
        return self._as_cloud_event(attributes, super().render_ping(ping, locale))

    def _as_cloud_event(self, attributes: Attributes, data: RenderedMessage) -> RenderedMessage:
        envelope = to_json({"specversion": "1.0", **attributes, "datacontenttype": _DATA_TYPE})
        return replace(
            data,
            body=b"".join((envelope[:-1].encode(), b',"data":', data.body, b"}")),
            headers={"content-type": "application/cloudevents+json; charset=utf-8"},
        )


class BinaryCloudEvents(CloudEvents):
    """Binary mode: the attributes are headers, and the body is that of a webhook."""

    def _as_cloud_event(self, attributes: Attributes, data: RenderedMessage) -> RenderedMessage:
        named = {"specversion": "1.0", **attributes}
        return replace(data, headers={f"ce-{name}": _escape(text) for name, text in named.items()})


def _attributes(delivery: Delivery) -> Attributes:
    """Return the attributes of an event; ``sequence`` orders those of a source and a subject.

    Extensions: cloudevents/extensions/sequence.md and distributed-tracing.md of the specification.
    ``traceparent`` is the producer's own; the request header of this name is of the attempt.
    """
    event = delivery.event
    return {
        "id": event.id,
        "source": f"{SOURCE}/{event.source}" if event.source else SOURCE,
        "type": _TYPE_PREFIX + event.type.lower().replace("_", "."),
        "subject": event.pipeline_id,
        "time": event.at.upper().replace(" ", "T"),  # the stricter form of RFC 3339
        "sequence": f"{delivery.sequence:0{SEQUENCE_DIGITS}}",
        **_trace(event),
    }


def _trace(event: Event) -> Attributes:
    parent = event.document.get(trace_context.FIELD)
    return {trace_context.FIELD: str(parent)} if Trace.read(parent) else {}


def _escape(text: str) -> str:
    """Percent-encode for a header."""
    return _ESCAPED.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), text)
