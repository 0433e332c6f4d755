"""Whatever is sent, received, deleted or forgotten, the model agrees with a naive scan.

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

which = st.integers(min_value=0, max_value=1000)


@dataclass(eq=False)
class Known:
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
        self.left: list[Known] = []
        self.old_handles: list[str] = []
        self.sent = 0
        self.places = 0
        self.first_deliveries: dict[str, list[int]] = {group: [] for group in GROUPS}

    @rule(group=st.sampled_from(GROUPS))
    def enqueue_deliveries(self, group: str) -> None:
        self._take_back()
        self.sent += 1
        body = f"{group}{self.sent}"
        self.queue.send(body, group_id=group, deduplication_id=body)
        self.left.append(Known(body, self.sent, self._next_place()))

    @rule(limit=st.integers(1, 10), timeout=st.sampled_from([None, 0, 3, 25]))
    def receive(self, limit: int, timeout: int | None) -> None:
        expected = self._expected(limit)

        received = self.queue.receive(limit, visibility_timeout=timeout)

        assert [one.message.body for one in received] == [known.body for known in expected]
        hold = VISIBILITY_TIMEOUT if timeout is None else timeout
        for known, one in zip(expected, received, strict=True):
            self._note(known, one, self.clock.now() + hold)

    @precondition(lambda self: self._held())
    @rule(which=which)
    def delete(self, which: int) -> None:
        known = self._one_of_held(which)
        self.queue.delete(known.handle)
        self.left.remove(known)

    @precondition(lambda self: self._held())
    @rule(which=which, seconds=st.sampled_from([0, 1, 20]))
    def change_visibility(self, which: int, seconds: int) -> None:
        known = self._one_of_held(which)
        self.queue.change_visibility(known.handle, seconds)
        known.held_until = self.clock.now() + seconds

    @precondition(lambda self: self.old_handles)
    @rule(which=which)
    def an_old_receipt_changes_nothing(self, which: int) -> None:
        handle = self.old_handles[which % len(self.old_handles)]
        if handle in {known.handle for known in self._held()}:
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
        assert counts.visible == len(self.left) - len(self._held())

    @invariant()
    def a_poll_would_sleep_exactly_until_there_is_something(self) -> None:
        ends = [known.held_until for known in self._held()]
        expected = float("-inf") if self._expected(1) else min(ends, default=float("inf"))
        assert self.queue.ready_at() == expected

    @invariant()
    def first_deliveries_keep_each_groups_order(self) -> None:
        for numbers in self.first_deliveries.values():
            assert numbers == sorted(numbers)

    def teardown(self) -> None:
        """Whatever happened, a patient consumer gets all that is left, in order."""
        self.clock.sleep(1000)
        drained: dict[str, list[str]] = {group: [] for group in GROUPS}
        while received := self.queue.receive(1):
            drained[received[0].message.group_id].append(received[0].message.body)
            self.queue.delete(received[0].handle)
        for group, found in drained.items():
            assert found == [known.body for known in self.left if known.group == group]

    def _expected(self, limit: int) -> list[Known]:
        self._take_back()
        room = min(limit, IN_FLIGHT - len(self._held()))
        runs = [run for group in GROUPS if (run := self._run_of(group))]
        runs.sort(key=lambda run: run[0].place)
        return [known for run in runs for known in run][:room]

    def _take_back(self) -> None:
        """What came back since the last look takes the last places, the first back the first."""
        back = [known for known in self.left if known.is_out and not self._is_held(known)]
        for known in sorted(back, key=lambda known: (known.held_until, known.number)):
            known.is_out, known.place = False, self._next_place()

    def _next_place(self) -> int:
        self.places += 1
        return self.places

    def _run_of(self, group: str) -> list[Known]:
        run: list[Known] = []
        for known in self.left[:LOOK_AHEAD]:
            if known.group == group:
                if self._is_held(known):
                    break
                run.append(known)
        return run

    def _note(self, known: Known, received: Received, held_until: float) -> None:
        known.deliveries += 1
        assert received.receive_count == known.deliveries
        if known.deliveries == 1:
            self.first_deliveries[known.group].append(int(known.body[1:]))
        known.handle, known.held_until, known.is_out = received.handle, held_until, True
        self.old_handles.append(received.handle)

    def _held(self) -> list[Known]:
        return [known for known in self.left if self._is_held(known)]

    def _is_held(self, known: Known) -> bool:
        return known.held_until > self.clock.now()

    def _one_of_held(self, which: int) -> Known:
        held = self._held()
        return held[which % len(held)]


TestAgreement = Agreement.TestCase
TestAgreement.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
