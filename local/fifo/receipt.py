"""Receipt handles: what they say, and until when it holds."""

from dataclasses import dataclass
from typing import Self

from local.fifo.message import Entry
from local.fifo.refusal import Refused, invalid


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receive of one message of one queue: nobody need remember the handles of the past."""

    queue: str
    sequence: int
    receive_count: int

    def handle(self) -> str:
        words = f"{self.queue} {self.sequence} {self.receive_count}"
        return words.encode().hex()

    @classmethod
    def read(cls, handle: str, queue: str) -> Self:
        try:
            name, sequence, receive_count = bytes.fromhex(handle).decode().rsplit(" ", 2)
            receipt = cls(name, int(sequence), int(receive_count))
        except ValueError:
            raise _unreadable(handle) from None
        if name != queue:
            raise _unreadable(handle)
        return receipt

    def check_current(self, entry: Entry) -> None:
        """Refuse once the timeout is over, and when the message was received again since."""
        if entry.visible or entry.receive_count != self.receive_count:
            raise invalid("ReceiptHandle", self.handle(), "The receipt handle has expired.")

    def held(self, entry: Entry | None) -> Entry:
        """Answer the entry while this receipt holds it in flight."""
        if entry is None:
            raise invalid(
                "ReceiptHandle",
                self.handle(),
                "Message does not exist or is not available for visibility timeout change.",
            )
        if entry.visible:
            raise Refused("MessageNotInflight", "The specified message isn't in flight.")
        self.check_current(entry)
        return entry


def _unreadable(handle: str) -> Refused:
    return Refused("ReceiptHandleIsInvalid", f'The input receipt handle "{handle}" is not valid.')
