"""The way back for dead letters, and the end of their copies on the dead-letter queue."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakehook.adapters.aws import own_trouble
from lakehook.adapters.sqs_dead_letters import epitaph, send
from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.errors import BadMessage
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.message import decode, encode
from lakehook.ports.clock import Dice

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

AT_A_TIME = 10
MOST_RECEIVES = 200  # 2,000 letters are looked through for those that are to go
VISIBILITY_SECONDS = 60
Copy = tuple[Lane, int, str]
"""Lane, sequence, attempts: it may have died again meanwhile, and that copy stays."""

LONG_POLL_SECONDS = 1  # a short poll may find nothing where there is something


@dataclass(frozen=True)
class SqsRedrives:
    """``deliveries.fifo``, for letters that come back: no two are ever duplicates of another."""

    sqs: "SQSClient"
    url: str
    dice: Dice

    def send(self, letter: DeliveryRecord, *, endpoint: str) -> None:
        assert letter.delivery, f"{letter.lane}#{letter.sequence} is dead without its event"
        send(
            self.sqs,
            self.url,
            body=encode(letter.delivery),
            group=str(letter.lane),
            deduplication_id=self.dice.token(),
            attributes=epitaph(letter, endpoint),
        )


@dataclass(frozen=True)
class SqsLetterCopies:
    """``dead-letter.fifo``, looked through from its front.

    What is not wanted stays in flight until the end, else a lane's next letters stay hidden
    behind it; then it is visible again at once. Of one lane SQS shows no more than it gives out
    in one receive, so a copy deep in its lane may be left: it revives nothing that is not dead.
    """

    sqs: "SQSClient"
    url: str

    def remove(self, letters: Collection[DeliveryRecord]) -> int:
        wanted = {(letter.lane, letter.sequence, str(letter.attempts)) for letter in letters}
        found: set[Copy | None] = set()
        others: list[Any] = []
        try:
            for messages in self._receives() if wanted else ():
                copies = {_letter(one): one for one in messages if _letter(one) in wanted}
                others += [one for one in messages if _letter(one) not in wanted]
                self._delete(list(copies.values()))
                found |= copies.keys()
                if found == wanted:
                    break
        finally:
            self._give_back(others)
        return len(found)

    def _receives(self) -> Iterator[list[Any]]:
        for _ in range(MOST_RECEIVES):
            with own_trouble():
                answer = self.sqs.receive_message(
                    QueueUrl=self.url,
                    MaxNumberOfMessages=AT_A_TIME,
                    VisibilityTimeout=VISIBILITY_SECONDS,
                    WaitTimeSeconds=LONG_POLL_SECONDS,
                    MessageAttributeNames=["attempts"],
                )
            if not answer.get("Messages"):
                return
            yield list(answer["Messages"])

    def _delete(self, messages: Sequence[Any]) -> None:
        if messages:
            with own_trouble():
                self.sqs.delete_message_batch(QueueUrl=self.url, Entries=_entries(messages))

    def _give_back(self, messages: Sequence[Any]) -> None:
        for start in range(0, len(messages), AT_A_TIME):
            some = _entries(messages[start : start + AT_A_TIME], VisibilityTimeout=0)
            with own_trouble():
                self.sqs.change_message_visibility_batch(QueueUrl=self.url, Entries=some)


def _entries(messages: Sequence[Any], **change: int) -> list[Any]:
    return [
        {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"], **change}
        for index, message in enumerate(messages)
    ]


def _letter(message: Any) -> Copy | None:
    """Which death of which delivery a message tells of; none for one parked as no delivery."""
    try:
        found = decode(message["Body"])
    except BadMessage:
        return None
    attempts = message.get("MessageAttributes", {}).get("attempts", {}).get("StringValue", "")
    return (found.lane, found.sequence, attempts) if isinstance(found, Delivery) else None
