"""What events of a history touch, and which of them may not trade places.

An event is what a task or the platform does from one choice of a search to the next. It touches
what its calls are about, as ``Step`` names it: a call that only looks, or whose condition is not
met, reads it, and any other writes it. Besides, an event touches:

- what has happened in a lane, where it adds a request or a record, whose order is judged. A redrive
  and the beginning of a replay add to all lanes;
- its queue. A poll finds what others have left there, so it touches all of it. Acknowledgements,
  changes of a timeout and answers are each about messages of their own, and have the next poll come
  as soon as there is something to receive, so they commute. So do those and messages sent, but two
  of these follow each other in the queue;
- its process: a kill or a freeze of it, while a fault is to come, and a thaw.

A tick of the clock and the end of a pause or of an invocation's time touch everything. What touches
more than it has to costs histories, and loses none.
"""

from functools import cache

from lakehook.domain.errors import LaneConflict
from tests.simulation.steps import Object, Step

Touch = tuple[Object, bool]  # whether it writes
Touches = frozenset[Touch]
NOTHING: Touches = frozenset()
EVERYTHING: Touches = frozenset([((), True)])
RECEIVER: Object = ("receiver",)
SOURCES = ("events", "deliveries")  # of functions that are named like their queues
OF_A_BEGINNING: Touches = frozenset(((name,), False) for name in ("ledger", "subscriptions"))
ANSWERED = ("healths.save", "ledger.save", "ledger.lease")  # with nothing, if in vain
CONDITIONAL = (*ANSWERED, "ledger.save_lane", "ledger.requeue")  # on what is there


@cache
def are_dependent(first: Touches, second: Touches) -> bool:
    return any(_clash(touch, late) for touch in first for late in second)


@cache
def _clash(first: Touch, second: Touch) -> bool:
    """Whether both are about the same, or one about a part of the other, and one of them writes."""
    length = min(len(first[0]), len(second[0]))
    return (first[1] or second[1]) and first[0][:length] == second[0][:length]


def touched_by_the_platform(about: str, process: int) -> Touches:
    """What something touches that is planned for a time."""
    kind, _, name = about.partition(" ")
    queue = name.partition(" ")[0]
    match kind:
        case "poll":
            return _written(("sqs", queue))
        case "ack":
            return _written(("sqs", queue, process))
        case "publish":
            return _written(("sqs", "events", "sent"))
    return EVERYTHING


def touched_by(step: Step, function: str, process: int, *, is_write: bool) -> Touches:
    """What a call touches, beside its process and what a receiver has left to say."""
    if step.port == "sqs":
        return _touched_of_queues(step.call, function, process)
    if step.call == "receiver.post":
        return _happened(step)
    touches = frozenset((thing, is_write) for thing in step.about)
    if step.call == "replays.save" and function == "operator":
        return touches | _written(("happened",))
    return touches | _happened(step) if is_write else touches


def _touched_of_queues(call: str, function: str, process: int) -> Touches:
    match call:
        case "sqs.answer":
            return NOTHING  # the platform hears of it by what follows, if at all
        case "sqs.ended":
            return _written(("sqs", function, process)) if function in SOURCES else NOTHING
        case "sqs.receipts":
            return _written(("sqs", function, process) if function in SOURCES else ("sqs", "dead"))
        case "sqs.dead.receive":
            return _written(("sqs", "dead"))
    sent = _written(("sqs", call.partition(".")[2], "sent"))
    return sent | _written(("happened",)) if function == "operator" else sent


def _happened(step: Step) -> Touches:
    return frozenset(
        (("happened", *thing[1:]), True) for thing in step.about if thing[0] == "ledger"
    )


def _written(thing: Object) -> Touches:
    return frozenset([(thing, True)])


def is_in_vain(step: Step, answer: object) -> bool:
    """Whether a call has changed nothing, as its condition was not met."""
    return isinstance(answer, LaneConflict) or (step.call in ANSWERED and not answer)
