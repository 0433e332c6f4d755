"""Lakehook in DevLake's place: receivers that were written for DevLake go on unchanged."""

from dataclasses import replace

from lakehook.domain.channel import Addressed, Letter
from lakehook.domain.delivery import Delivery
from lakehook.domain.devlake.rendering import Unsendable, render, silence
from lakehook.domain.devlake.signature import nouce_of, signed_query
from lakehook.domain.event import Event
from lakehook.domain.outcome import Answer, Outcome
from lakehook.domain.webhook import USER_AGENT, read_answer


class DevLakesOwn:
    """Body and signature are DevLake's, byte for byte; our id stands beside them, in a header."""

    def silence(self, event: Event) -> str | None:
        return silence(event)

    def render(self, delivery: Delivery) -> bytes:
        rendered = render(delivery.event)
        assert not isinstance(rendered, Unsendable), f"{delivery.id}: {rendered}"
        return rendered

    def address(self, letter: Letter) -> Addressed:
        """The newest secret signs: there is room for one signature."""
        secret = letter.secrets[0].key.decode()
        nouce = nouce_of(int(letter.at * 1000), letter.chance())
        sign = "&" if "?" in letter.endpoint.url else "?"
        url = f"{letter.endpoint.url}{sign}{signed_query(letter.body, secret, nouce)}"
        headers = {
            "content-type": "application/json",
            "user-agent": USER_AGENT,
            "webhook-id": letter.id,
        }
        return Addressed(replace(letter.endpoint, url=url), headers)

    def read(self, answer: Answer) -> Outcome:
        return read_answer(answer)
