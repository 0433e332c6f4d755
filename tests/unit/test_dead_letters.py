"""Dead letters: how they are found, redriven and discarded."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import pytest

from lakehook.dead_letters import MAX_TRIES, DeadLetterSelector, Discard
from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.errors import InfrastructureError, InvalidInput, LaneConflict, NotFound
from lakehook.domain.lane import MOVED_BY_SQS, DeliveryRecord, DeliveryStatus, HeldLane
from lakehook.domain.queue_message import Message, Resume
from lakehook.ports.stores import LedgerSnapshot
from tests.builders import a_delivery, a_subscription
from tests.fakes import NOON, FakeDeadLetterQueue, FakeLedger
from tests.fakes_ops import FakeStack

LANE = Lane("sub_a", "39")


@pytest.fixture
def stack() -> FakeStack:
    stack = FakeStack()
    stack.subscriptions.save(a_subscription())
    stack.subscriptions.save(a_subscription(id="sub_b", removed_at="2026-01-01T00:00:00Z"))
    return stack


def a_letter(
    stack: FakeStack,
    sequence: int = 1,
    *,
    subscription: str = "sub_a",
    pipeline: int = 39,
    reason: str = "timed_out",
) -> DeliveryRecord:
    """A letter whose lane has moved on."""
    delivery = a_delivery(sequence, subscription=subscription, pipeline_id=pipeline)
    dead = DeliveryRecord.waiting(delivery).dead(reason)
    letter = stack.ledger.save(dead, before=None, after=None)
    stack.dead_letters.send(letter, endpoint="")
    return letter


def held_by_letter(stack: FakeStack, *behind: DeliveryRecord) -> HeldLane:
    held = HeldLane.held_at(LANE, 1, now=NOON - 60)
    stack.ledger.save(a_letter(stack), before=None, after=held)
    for record in behind:
        after = held.with_appended(record.sequence, now=NOON)
        stack.ledger.save(record, before=held, after=after)
        held = after
    blocked = held.blocked()
    stack.ledger.save_lane(held, blocked)
    return blocked


def waiting(sequence: int) -> DeliveryRecord:
    return DeliveryRecord.waiting(a_delivery(sequence))


def status(stack: FakeStack, sequence: int) -> DeliveryStatus:
    return stack.ledger.records[LANE, sequence].status


# --- find ---


def test_letters_are_found_lane_by_lane_in_the_order_of_their_sequence(stack: FakeStack) -> None:
    letters = [a_letter(stack, n, pipeline=p) for n, p in ((10, 40), (2, 40), (1, 39))]

    assert stack.service().find_dead_letters(DeadLetterSelector()) == letters[::-1]


def test_letters_are_chosen_by_subscription_and_reason_at_once(stack: FakeStack) -> None:
    a_letter(stack, 1)
    letter = a_letter(stack, 2, reason="crashed")
    a_letter(stack, 3, subscription="sub_b", reason="crashed")

    choice = DeadLetterSelector(subscription_id="sub_a", reason="crashed")

    assert stack.service().find_dead_letters(choice) == [letter]


def test_letters_are_chosen_by_their_ids_each_once(stack: FakeStack) -> None:
    letters = [a_letter(stack, 1), a_letter(stack, 2)]
    a_letter(stack, 3)

    choice = DeadLetterSelector(ids=["sub_a#39#2", "sub_a#39#1", "sub_a#39#2"])

    assert stack.service().find_dead_letters(choice) == letters


def test_a_delivery_that_is_not_dead_and_an_unknown_one_are_different_errors(
    stack: FakeStack,
) -> None:
    stack.ledger.save(waiting(1), before=None, after=None)
    find = stack.service().find_dead_letters

    with pytest.raises(NotFound, match="not a dead letter; it is waiting"):
        find(DeadLetterSelector(ids=["sub_a#39#1"]))
    with pytest.raises(NotFound, match="no such delivery"):
        find(DeadLetterSelector(ids=["sub_a#39#2"]))


@pytest.mark.parametrize(
    "text", ["", "sub_a", "sub_a#39", "sub_a#39#x", "sub_a#39#0", "#39#1", "a#b#c#1", "a#b#1\n"]
)
def test_an_invalid_delivery_id_is_refused(stack: FakeStack, text: str) -> None:
    with pytest.raises(InvalidInput, match="<subscription>#<pipeline>#<sequence>"):
        stack.service().find_dead_letters(DeadLetterSelector(ids=[text]))


# --- messages moved to the queue by SQS or a person ---


ANY = DeadLetterSelector(on_queue=True)


def test_a_delivery_that_only_the_queue_has_is_found_with_a_warning(stack: FakeStack) -> None:
    letter = a_letter(stack, 1, pipeline=38)
    stack.dead_letters.moved = [a_delivery(2), a_delivery(1, subscription="sub_b")]

    letters = stack.service().find_dead_letters(ANY)

    assert [(str(record.lane), record.sequence, record.reason) for record in letters] == [
        ("sub_a#38", letter.sequence, "timed_out"),
        ("sub_a#39", 2, MOVED_BY_SQS),
        ("sub_b#39", 1, MOVED_BY_SQS),
    ]
    (warning,) = stack.warnings
    assert "2 of the messages" in warning
    assert "not by Lakehook (0 are no deliveries" in warning


@pytest.mark.parametrize(
    ("choice", "number"),
    [
        (DeadLetterSelector(), 0),  # by the ledger alone
        (DeadLetterSelector(subscription_id="sub_a", on_queue=True), 1),
        (DeadLetterSelector(subscription_id="sub_b", on_queue=True), 0),
        (DeadLetterSelector(reason=MOVED_BY_SQS, on_queue=True), 1),
        (DeadLetterSelector(reason="gone", on_queue=True), 0),
        (DeadLetterSelector(ids=["sub_a#39#2"]), 1),
    ],
)
def test_a_moved_message_is_selected_like_any_letter(
    stack: FakeStack, choice: DeadLetterSelector, number: int
) -> None:
    stack.dead_letters.moved = [a_delivery(2)]

    assert len(stack.service().find_dead_letters(choice)) == number


def test_known_deliveries_resumes_and_invalid_messages_are_no_letters(
    stack: FakeStack,
) -> None:
    """A copy's lane moves on without it, and the scheduler resumes a lane by itself."""
    stack.ledger.save(waiting(1), before=None, after=None)
    stack.dead_letters.moved = [a_delivery(1), Resume(LANE, 1), None]

    assert stack.service().find_dead_letters(ANY) == []

    assert "(2 are no deliveries" in stack.warnings[0]


def test_letters_are_found_though_the_queue_may_not_be_read(stack: FakeStack) -> None:
    letter = a_letter(stack)
    stack.dead_letters = Unreadable(stack.dead_letters.records)

    assert stack.service().find_dead_letters(ANY) == [letter]

    assert stack.warnings == ["the dead-letter queue could not be searched: AccessDenied"]


class Unreadable(FakeDeadLetterQueue):
    def without_reason(self) -> Sequence[Message | None]:
        raise InfrastructureError("AccessDenied")


@pytest.mark.parametrize(("attempts", "late"), [(0, False), (1, True)])
def test_a_moved_message_is_redriven_as_late_if_a_later_one_was_attempted(
    stack: FakeStack, attempts: int, *, late: bool
) -> None:
    following = replace(waiting(3), attempts=attempts)
    stack.ledger.save(following, before=None, after=HeldLane.held_at(LANE, 3, now=NOON))
    stack.dead_letters.moved = [a_delivery(2), a_delivery(1)]

    stack.service().redrive(stack.service().find_dead_letters(ANY))

    sent = [record.delivery for record in stack.redriver.sent]
    assert sent == [replace(a_delivery(n), late=late) for n in (1, 2)]
    assert stack.dead_letters.moved == []


def test_a_moved_message_is_discarded_and_its_lane_stays_unchanged(stack: FakeStack) -> None:
    held = HeldLane.held_at(LANE, 3, now=NOON).head_failed(due_at=NOON + 300)
    stack.ledger.save(waiting(3), before=None, after=held)
    stack.dead_letters.moved = [a_delivery(2), None]

    assert len(stack.service().discard(stack.service().find_dead_letters(ANY))) == 1

    assert status(stack, 2) is DeliveryStatus.DISCARDED
    assert stack.ledger.lanes[LANE] == held
    assert stack.dead_letters.moved == [None]


# --- redrive ---


def test_letters_of_a_lane_go_back_in_sequence_and_leave_the_queue(stack: FakeStack) -> None:
    letters = [a_letter(stack, n) for n in (10, 2, 1)]
    other = a_letter(stack, 3, pipeline=40)

    stack.service().redrive(letters)

    assert [letter.sequence for letter in stack.redriver.sent] == [1, 2, 10]
    assert stack.dead_letters.records == [other]
    assert status(stack, 1) is DeliveryStatus.DEAD  # until the delivery function revives it


# --- discard ---


def test_a_discarded_head_lets_the_next_go_at_once(stack: FakeStack) -> None:
    held = held_by_letter(stack, waiting(2), waiting(3))

    stack.service().discard([stack.ledger.records[LANE, 1]])

    record, lane = stack.ledger.records[LANE, 1], stack.ledger.lanes[LANE]
    assert (record.status, record.reason) == (DeliveryStatus.DISCARDED, "discarded by operator")
    assert record.delivery is None
    assert (lane.head, lane.due_at, lane.attempts) == (2, NOON, 0)
    assert lane.version > held.version
    assert stack.dead_letters.records == []


def test_all_letters_of_a_lane_can_be_discarded(stack: FakeStack) -> None:
    held = held_by_letter(stack, waiting(2).dead("timed_out"), waiting(3))
    letters = [stack.ledger.records[held.lane, n] for n in (2, 1)]

    assert len(stack.service().discard(letters)) == 2

    assert stack.ledger.lanes[LANE].head == 3


@pytest.mark.parametrize("is_held", [False, True])
def test_a_discarded_letter_that_was_alone_lets_its_lane_flow(
    stack: FakeStack, *, is_held: bool
) -> None:
    if is_held:
        held_by_letter(stack)
    else:
        a_letter(stack)

    assert len(stack.service().discard([stack.ledger.records[LANE, 1]])) == 1

    assert status(stack, 1) is DeliveryStatus.DISCARDED
    assert stack.ledger.lanes == {}


@dataclass
class BusyLedger(FakeLedger):
    """A ledger in which another worker writes the lane after each of the first reads."""

    busy: int = 0
    revives: list[DeliveryRecord] = field(default_factory=list)

    def load(self, deliveries: Collection[Delivery], lanes: Collection[Lane]) -> LedgerSnapshot:
        page = super().load(deliveries, lanes)
        if self.busy:
            self.busy -= 1
            held = self.lanes[LANE]
            self.save_lane(held, held.with_attempt_started())
        if self.revives:
            revived = self.revives.pop()
            held = HeldLane.held_at(LANE, 1, now=NOON)
            self.save(revived, before=self.lanes.get(LANE), after=held)
        return page


def discard(ledger: BusyLedger, letter: DeliveryRecord) -> list[DeliveryRecord]:
    stack = FakeStack()
    return Discard(ledger, stack.dead_letters, stack.clock)([letter])


def test_a_lane_that_changes_on_every_read_is_an_error_of_one_line() -> None:
    ledger, letter = BusyLedger(), waiting(1).dead("timed_out")
    ledger.save(letter, before=None, after=HeldLane.held_at(LANE, 1, now=NOON))
    ledger.busy = MAX_TRIES

    with pytest.raises(
        LaneConflict, match=r"^sub_a#39#1: its lane is being processed; try again soon$"
    ):
        discard(ledger, letter)
    assert ledger.records[LANE, 1] == letter


def test_a_letter_that_is_redriven_concurrently_is_not_discarded() -> None:
    ledger, letter = BusyLedger(), waiting(1).dead("timed_out")
    saved = ledger.save(letter, before=None, after=None)
    ledger.revives = [saved.redriven(late=False)]

    assert discard(ledger, letter) == []

    assert ledger.records[LANE, 1].status is DeliveryStatus.WAITING
