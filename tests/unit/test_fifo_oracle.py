"""A model-based test: the model of a FIFO queue agrees with a naive scan after any actions.

The scan looks at every message at every step. It is short enough to be believed, and it states the
promises: of each group a receive returns the first messages that are left, up to the first one
that somebody holds; groups are served in the order of the places of their first messages, and what
comes back takes the last place; nothing is lost, and nothing comes back after its delete.
"""

from contextlib import suppress
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from local.fifo import FifoQueue, Limits, QueueSettings, Received, SqsError
from tests.fakes import FakeClock

LOOK_AHEAD = 8
IN_FLIGHT = 5
VISIBILITY_TIMEOUT = 10
GROUPS = "abc"

index = st.integers(min_value=0, max_value=1000)


@dataclass(eq=False)
class ModelMessage:
    body: str
    number: int
    place: int
    held_until: float = 0.0
    handle: str = ""
    deliveries: int = 0
    is_out: bool = False

    @property
    def group(self) -> str:
        return self.body[0]


class Agreement(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.queue = FifoQueue(
            self.clock.now,
            settings=QueueSettings(visibility_timeout=VISIBILITY_TIMEOUT),
            limits=Limits(look_ahead=LOOK_AHEAD, in_flight=IN_FLIGHT),
        )
        self.remaining: list[ModelMessage] = []
        self.old_handles: list[str] = []
        self.sent = 0
        self.places = 0
        self.first_deliveries: dict[str, list[int]] = {group: [] for group in GROUPS}

    @rule(group=st.sampled_from(GROUPS))
    def enqueue_deliveries(self, group: str) -> None:
        self._return_expired()
        self.sent += 1
        body = f"{group}{self.sent}"
        self.queue.send(body, group_id=group, deduplication_id=body)
        self.remaining.append(ModelMessage(body, self.sent, self._next_place()))

    @rule(limit=st.integers(1, 10), timeout=st.sampled_from([None, 0, 3, 25]))
    def receive(self, limit: int, timeout: int | None) -> None:
        expected = self._expected(limit)

        received = self.queue.receive(limit, visibility_timeout=timeout)

        assert [item.message.body for item in received] == [message.body for message in expected]
        hold = VISIBILITY_TIMEOUT if timeout is None else timeout
        for message, item in zip(expected, received, strict=True):
            self._record_receive(message, item, self.clock.now() + hold)

    @precondition(lambda self: self._held())
    @rule(index=index)
    def delete(self, index: int) -> None:
        message = self._held_message(index)
        self.queue.delete(message.handle)
        self.remaining.remove(message)

    @precondition(lambda self: self._held())
    @rule(index=index, seconds=st.sampled_from([0, 1, 20]))
    def change_visibility(self, index: int, seconds: int) -> None:
        message = self._held_message(index)
        self.queue.change_visibility(message.handle, seconds)
        message.held_until = self.clock.now() + seconds

    @precondition(lambda self: self.old_handles)
    @rule(index=index)
    def an_old_receipt_changes_nothing(self, index: int) -> None:
        handle = self.old_handles[index % len(self.old_handles)]
        if handle in {message.handle for message in self._held()}:
            return
        with suppress(SqsError):
            self.queue.delete(handle)

    @rule(seconds=st.sampled_from([0.5, 1, 3, 12, 400]))
    def wait(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    @invariant()
    def counts_agree(self) -> None:
        counts = self.queue.counts()
        assert counts.in_flight == len(self._held())
        assert counts.visible == len(self.remaining) - len(self._held())

    @invariant()
    def a_poll_would_sleep_exactly_until_there_is_something(self) -> None:
        ends = [message.held_until for message in self._held()]
        expected = float("-inf") if self._expected(1) else min(ends, default=float("inf"))
        assert self.queue.ready_at() == expected

    @invariant()
    def first_deliveries_keep_each_groups_order(self) -> None:
        for numbers in self.first_deliveries.values():
            assert numbers == sorted(numbers)

    def teardown(self) -> None:
        """Drain the queue: a patient consumer gets all remaining messages in order."""
        self.clock.sleep(1000)
        drained: dict[str, list[str]] = {group: [] for group in GROUPS}
        while received := self.queue.receive(1):
            drained[received[0].message.group_id].append(received[0].message.body)
            self.queue.delete(received[0].handle)
        for group, bodies in drained.items():
            assert bodies == [message.body for message in self.remaining if message.group == group]

    def _expected(self, limit: int) -> list[ModelMessage]:
        self._return_expired()
        room = min(limit, IN_FLIGHT - len(self._held()))
        runs = [run for group in GROUPS if (run := self._run_of(group))]
        runs.sort(key=lambda run: run[0].place)
        return [message for run in runs for message in run][:room]

    def _return_expired(self) -> None:
        """Give messages that came back since the last look the last places, in their order."""
        back = [
            message for message in self.remaining if message.is_out and not self._is_held(message)
        ]
        for message in sorted(back, key=lambda message: (message.held_until, message.number)):
            message.is_out, message.place = False, self._next_place()

    def _next_place(self) -> int:
        self.places += 1
        return self.places

    def _run_of(self, group: str) -> list[ModelMessage]:
        run: list[ModelMessage] = []
        for message in self.remaining[:LOOK_AHEAD]:
            if message.group == group:
                if self._is_held(message):
                    break
                run.append(message)
        return run

    def _record_receive(self, message: ModelMessage, received: Received, held_until: float) -> None:
        message.deliveries += 1
        assert received.receive_count == message.deliveries
        if message.deliveries == 1:
            self.first_deliveries[message.group].append(int(message.body[1:]))
        message.handle, message.held_until, message.is_out = received.handle, held_until, True
        self.old_handles.append(received.handle)

    def _held(self) -> list[ModelMessage]:
        return [message for message in self.remaining if self._is_held(message)]

    def _is_held(self, message: ModelMessage) -> bool:
        return message.held_until > self.clock.now()

    def _held_message(self, index: int) -> ModelMessage:
        held = self._held()
        return held[index % len(held)]


TestAgreement = Agreement.TestCase
TestAgreement.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
