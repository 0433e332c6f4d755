"""Which sends repeat an earlier one.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html
"""

from hashlib import sha256

from local.fifo.contract import check_id
from local.fifo.memory import FiveMinutes
from local.fifo.message import Message, Sent
from local.fifo.refusal import Refused
from local.fifo.settings import Settings


class Deduplication:
    """Five minutes count from the first send; neither a duplicate nor a delete changes that."""

    def __init__(self) -> None:
        self._sent: FiveMinutes[tuple[str, str], Sent] = FiveMinutes()

    def earlier(self, message: Message, settings: Settings) -> Sent | None:
        return self._sent.recall(_key(message, settings), message.sent_at)

    def note(self, message: Message, settings: Settings) -> Sent:
        sent = Sent(message.id, message.sequence_number)
        self._sent.note(_key(message, settings), sent, message.sent_at)
        return sent


def choose_id(given: str | None, body: str, settings: Settings) -> str:
    """Prefer what the sender gave; the id by content is made of the body alone."""
    if given is not None:
        check_id("MessageDeduplicationId", given)
        return given
    if settings.content_based_deduplication:
        return sha256(body.encode()).hexdigest()
    raise Refused(
        "InvalidParameterValue",
        "The queue should either have ContentBasedDeduplication enabled or "
        "MessageDeduplicationId provided explicitly",
    )


def _key(message: Message, settings: Settings) -> tuple[str, str]:
    # A group id is never empty: no group's ids meet those of the whole queue.
    scope = message.group_id if settings.deduplication_per_group else ""
    return scope, message.deduplication_id
