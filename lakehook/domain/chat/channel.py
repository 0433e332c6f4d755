"""What the channels have in common that end where somebody reads."""

from lakehook.domain.channel import Content, Letter, Seal
from lakehook.domain.chat.story import Story
from lakehook.domain.chat.telling import Telling
from lakehook.domain.delivery import Delivery
from lakehook.domain.destination import Destination
from lakehook.domain.document import Document, read_document, text_of
from lakehook.domain.event import Event
from lakehook.domain.language import Language
from lakehook.domain.ping import Ping
from lakehook.domain.request import Request
from lakehook.domain.template import Typeset
from lakehook.domain.webhook import USER_AGENT, unreachable_by_http


class Chat:
    """It has words for every event, and shows them in ``write``."""

    seal = Seal.NONE
    speaks = True
    takes_templates = True
    has_subject = False

    def silence(self, _event: Event) -> None:
        """It has words for every event."""

    def render(self, delivery: Delivery, language: Language) -> Content:
        return self.write(Telling.of(Story.of(delivery), language))

    def greet(self, ping: Ping, language: Language) -> Content:
        return self.write(Telling.of_ping(ping, language))

    def write(self, telling: Telling) -> Content:
        raise NotImplementedError


class PostedChat(Chat):
    """One whose service takes JSON over HTTP; the URL is the credential."""

    def objection(self, destination: Destination) -> str | None:
        return unreachable_by_http(destination)

    def compose(self, said: Typeset, usual: Content) -> Content:
        """A body in the service's own JSON is sent as it was set; a text in its markup, as text.

        There is no subject.
        """
        body = usual.body if said.body is None else text_of(self.wrap(said.body)).encode()
        return Content(body=body, headers={**usual.headers, **dict(said.headers)})

    def wrap(self, said: str) -> Document:
        raise NotImplementedError

    def address(self, letter: Letter) -> Request:
        return letter.posted(
            {
                "content-type": "application/json",
                "user-agent": USER_AGENT,
                "webhook-id": letter.id,
            }
        )


def document_in(body: str, *, with_one_of: tuple[str, ...]) -> Document | None:
    """What a template gave, where it is the service's own JSON and no text to be shown."""
    try:
        document = read_document(body)
    except ValueError:
        return None
    return document if any(name in document for name in with_one_of) else None
