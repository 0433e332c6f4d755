"""The ``devlake`` channel: DevLake's own notifications, for receivers written for DevLake."""

from collections.abc import Mapping
from dataclasses import replace

from lakehook.domain.attempt import Response, ResponseVerdict
from lakehook.domain.channels.base import Channel, OutboundMessage, RenderedMessage, SignatureScheme
from lakehook.domain.channels.webhook import USER_AGENT, interpret
from lakehook.domain.delivery import Delivery
from lakehook.domain.destination import Request
from lakehook.domain.devlake.notification import UnsupportedEvent, render, unsupported_reason
from lakehook.domain.devlake.signature import nouce_of, signed_query
from lakehook.domain.event import Event
from lakehook.domain.subscription import Locale

_MARKS = ("inferred", "reconciled")


class DevLakeChannel(Channel):
    """Body and signature as DevLake writes them, byte for byte, with our id in a header.

    DevLake's body has no room for a mark on events that DevLake never posted; a header carries it.
    DevLake has no form for a ping.
    """

    signature_scheme = SignatureScheme.DEVLAKE
    supports_templates = False  # receivers written for DevLake know one form
    supports_success_if = True

    def unsupported_reason(self, event: Event) -> str | None:
        return unsupported_reason(event)

    def render(self, delivery: Delivery, _locale: Locale) -> RenderedMessage:
        rendered = render(delivery.event)
        assert not isinstance(rendered, UnsupportedEvent), f"{delivery.id}: {rendered}"
        return RenderedMessage(body=rendered, headers=_origin(delivery.event))

    def build_request(self, message: OutboundMessage) -> Request:
        """Sign with the newest secret only: DevLake's form has room for one signature."""
        secret = message.secrets[0].key.decode()
        nouce = nouce_of(int(message.at * 1000), message.random_bytes())
        sign = "&" if "?" in message.endpoint.url else "?"
        signed = signed_query(message.content.body, secret, nouce)
        headers = {
            "content-type": "application/json",
            "user-agent": USER_AGENT,
            "webhook-id": message.id,
        }
        endpoint = replace(message.endpoint, url=f"{message.endpoint.url}{sign}{signed}")
        return message.to_request(headers, endpoint=endpoint)

    def interpret(self, response: Response, *, now: float) -> ResponseVerdict:
        return interpret(response, now=now)


def _origin(event: Event) -> Mapping[str, str]:
    marks = {f"lakehook-{mark}": "true" for mark in _MARKS if event.document.get(mark) is True}
    return marks | ({"lakehook-source": event.source} if event.source else {})
