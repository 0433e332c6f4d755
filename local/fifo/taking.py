"""Which messages a receive takes, and what it makes of them."""

from local.fifo.dead_letters import dead_letter
from local.fifo.message import Entry, Received
from local.fifo.receipt import Receipt
from local.fifo.settings import Redrive
from local.fifo.stock import Stock


def take(
    stock: Stock, limit: int, *, until: float, redrive: Redrive | None, source: str
) -> list[Entry]:
    """Fill up from the group with the oldest head, then from the next; bury what is spent."""
    taken: list[Entry] = []
    room = min(limit, stock.room_in_flight())
    while len(taken) < room and (head := stock.free_head()):
        for entry in stock.free_run(head, room - len(taken)):
            if redrive and entry.receive_count >= redrive.max_receive_count:
                stock.remove(entry)
                redrive.queue.admit(dead_letter(entry, source))
            else:
                stock.hold(entry, until)
                taken.append(entry)
    return taken


def hand_out(entry: Entry, queue: str, now: float) -> Received:
    entry.receive_count += 1
    entry.received_at = now
    if entry.first_received_at is None:
        entry.first_received_at = now
    return Received(
        message=entry.message,
        handle=Receipt(queue, entry.message.sequence, entry.receive_count).handle(),
        receive_count=entry.receive_count,
        first_received_at=entry.first_received_at,
    )
