"""Take notice: what DevLake has signed becomes an event on the queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from lakehook.domain.devlake.notice import read_notice
from lakehook.domain.devlake.refusal import Refusal, RefusalKind, refuse_sign
from lakehook.domain.devlake.signature import SignedNotice
from lakehook.domain.document import Document
from lakehook.domain.errors import BadEvent, BadNotice, BadSign, OwnTrouble
from lakehook.domain.event import Event
from lakehook.ports.ingress import Blueprints, NotificationSecrets, Publisher


class Verdict(Enum):
    TAKEN = auto()  # safe on the queue
    UNSIGNED = auto()
    UNREADABLE = auto()
    UNAVAILABLE = auto()  # AWS failed us: the notice may be sent again


@dataclass(frozen=True)
class Answer:
    verdict: Verdict
    event: Event | None = None
    refusal: Refusal | None = None
    trouble: OwnTrouble | None = None

    @property
    def reason(self) -> str:
        """What the sender of a notice that was not taken is answered."""
        return self.refusal.reason if self.refusal else "try again"


@dataclass(frozen=True)
class TakeNotice:
    secrets: NotificationSecrets
    publisher: Publisher
    blueprints: Blueprints | None = None
    empty_secret_allowed: bool = False

    def __call__(self, notice: SignedNotice) -> Answer:
        """The same notice gives the same event, which fan-out knows by its id: once is enough."""
        try:
            self._verify(notice)
            event = self._read(notice.body)
            self.publisher.publish([event])
        except BadSign as error:
            refusal = refuse_sign(notice, error, self._live_secrets())
            return Answer(Verdict.UNSIGNED, refusal=refusal)
        except (BadNotice, BadEvent) as error:
            refusal = Refusal(RefusalKind.NOT_A_NOTICE, str(error), seems_devlake=True)
            return Answer(Verdict.UNREADABLE, refusal=refusal)
        except OwnTrouble as error:
            return Answer(Verdict.UNAVAILABLE, trouble=error)
        return Answer(Verdict.TAKEN, event)

    def _verify(self, notice: SignedNotice) -> None:
        """The secret may have been changed since it was read."""
        try:
            notice.verify(self._live_secrets())
        except BadSign:
            notice.verify(self._live_secrets(anew=True))

    def _live_secrets(self, *, anew: bool = False) -> Sequence[str]:
        """By an empty secret anybody can sign."""
        stored = [secret for secret in self.secrets.live(anew=anew) if secret]
        return [*stored, ""] if self.empty_secret_allowed else stored

    def _read(self, body: bytes) -> Event:
        document = read_notice(body)
        return Event.from_document(document | self._trigger_source(document))

    def _trigger_source(self, document: Document) -> Document:
        number = document["pipeline_id"]
        if self.blueprints is None or not isinstance(number, int):
            return {}
        blueprint_id = self.blueprints.of_pipeline(number)
        return {} if blueprint_id is None else {"trigger_source": f"blueprint:{blueprint_id}"}
