"""Lakehook in DevLake's place: receivers that were written for DevLake go on unchanged."""

from collections.abc import Mapping
from dataclasses import replace

from lakehook.domain.channel import Content, Letter, Seal
from lakehook.domain.delivery import Delivery
from lakehook.domain.destination import Destination
from lakehook.domain.devlake.rendering import Unsendable, render, silence
from lakehook.domain.devlake.signature import nouce_of, signed_query
from lakehook.domain.event import Event
from lakehook.domain.language import Language
from lakehook.domain.outcome import Answer, Reading
from lakehook.domain.ping import Ping
from lakehook.domain.request import Request
from lakehook.domain.template import Typeset
from lakehook.domain.webhook import USER_AGENT, read, unreachable_by_http

_MARKS = ("inferred", "reconciled")


class DevLakesOwn:
    """Body and signature are DevLake's, byte for byte; our id stands beside them, in a header.

    So does the mark of an event that DevLake never posted: its body has no room for one.
    """

    seal = Seal.DEVLAKES
    speaks = False
    rate = None
    takes_templates = False  # receivers of DevLake's know one form
    has_subject = False

    def objection(self, destination: Destination) -> str | None:
        return unreachable_by_http(destination)

    def silence(self, event: Event) -> str | None:
        return silence(event)

    def render(self, delivery: Delivery, _language: Language) -> Content:
        rendered = render(delivery.event)
        assert not isinstance(rendered, Unsendable), f"{delivery.id}: {rendered}"
        return Content(body=rendered, headers=_origin(delivery.event))

    def compose(self, _said: Typeset, usual: Content) -> Content:
        return usual

    def greet(self, _ping: Ping, _language: Language) -> None:
        """DevLake has no word for it."""

    def address(self, letter: Letter) -> Request:
        """The newest secret signs: there is room for one signature."""
        secret = letter.secrets[0].key.decode()
        nouce = nouce_of(int(letter.at * 1000), letter.chance())
        sign = "&" if "?" in letter.endpoint.url else "?"
        signed = signed_query(letter.content.body, secret, nouce)
        headers = {
            "content-type": "application/json",
            "user-agent": USER_AGENT,
            "webhook-id": letter.id,
        }
        endpoint = replace(letter.endpoint, url=f"{letter.endpoint.url}{sign}{signed}")
        return letter.posted(headers, endpoint=endpoint)

    def read(self, answer: Answer, *, now: float) -> Reading:
        return read(answer, now=now)


def _origin(event: Event) -> Mapping[str, str]:
    return {f"lakehook-{mark}": "true" for mark in _MARKS if event.document.get(mark) is True}
