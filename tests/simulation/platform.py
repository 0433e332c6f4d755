"""Lambda: pollers that take batches from a queue, and invocations that end in time or are ended.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from math import inf
from random import Random
from typing import Any

from lakehook.domain.errors import InfrastructureError
from local.fifo import FifoQueue, Received
from tests.simulation.faults import Fault, Faults, Invocation, Killed
from tests.simulation.history import EVERYONE, History
from tests.simulation.timeline import Timeline

Records = list[dict[str, Any]]
Handle = Callable[[Records, Invocation], Collection[str]]
"""A handler: the ids of the messages that must come again."""


@dataclass
class Platform:
    """Platform that runs functions, and kills those past their timeout, except zombies."""

    timeline: Timeline
    faults: Faults
    history: History
    running: int = 0

    def invoke(  # noqa: C901, PLR0915  one invocation has three ends
        self, invocation: Invocation, work: Callable[[], Any], ended: Callable[[bool, Any], None]
    ) -> None:
        """Call ``ended`` once, with whether the function answered, and what."""
        has_ended, expiry = False, None

        def conclude(*, answered: bool, answer: Any = None) -> None:
            nonlocal has_ended
            if not has_ended:
                has_ended = True
                self.timeline.touch("sqs.ended")
                self.timeline.cancel(expiry)
                ended(answered, answer)

        def run() -> None:
            self.running += 1
            try:
                answer = work()
                self.timeline.reach("sqs.answer")
            except (Killed, InfrastructureError):
                conclude(answered=False)
            except Exception as error:  # noqa: BLE001  the oracle reports it
                self.history.surprises.append(repr(error))
                conclude(answered=False)
            else:
                conclude(answered=not invocation.is_dead, answer=answer)
            self.running -= 1

        def expire() -> None:
            if not has_ended:
                invocation.is_dead = not invocation.is_zombie
                conclude(answered=False)

        self.timeline.begin(run, context=invocation)
        expiry = self.timeline.at(invocation.deadline, expire, about="expiry")


@dataclass
class EventSource:
    """A mapping of a queue to a function, which reports the messages that failed."""

    name: str
    queue: FifoQueue
    handle: Handle
    platform: Platform
    random: Random
    concurrency: int
    timeout: float = 30.0
    batch_sizes: tuple[int, ...] = (1, 3, 10, 10)
    delete: Callable[[str, Sequence[str]], Any] = lambda _name, _handles: None
    running: int = 0
    polls_at: float = inf
    poll: object = None  # that is planned

    def plan_poll(self) -> None:
        """Plan the next poll, as something about the queue has changed."""
        timeline = self.platform.timeline
        if self.running >= self.concurrency or self.polls_at <= timeline.now():
            return
        ready_at = self.queue.ready_at()
        if ready_at >= self.polls_at:
            return
        at = max(timeline.now() + self.random.choice((0.0, 0.01, 0.05)), ready_at)
        if at < self.polls_at:
            timeline.cancel(self.poll)
            self.polls_at = at
            self.poll = timeline.at(at, self._poll, about=f"poll {self.name}")

    def _poll(self) -> None:
        if self.platform.timeline.now() < self.polls_at:
            return  # an earlier poll has done this one's work
        self.polls_at = inf
        while self.running < self.concurrency and (
            messages := self.queue.receive(self.random.choice(self.batch_sizes))
        ):
            if self.platform.faults.happens(Fault.THROTTLED):
                self._begin_late(messages)
            else:
                self._begin(messages)
        self.plan_poll()

    def _begin_late(self, messages: list[Received]) -> None:
        """Lambda tries to invoke a function that is throttled until the messages are visible.

        https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
        """
        visibility = self.queue.settings.visibility_timeout
        late = visibility * self.random.choice((0.2, 0.7, 0.99, 1.0))
        if late < visibility:
            timeline = self.platform.timeline
            timeline.at(timeline.now() + late, lambda: self._begin(messages))

    def _begin(self, messages: list[Received]) -> None:
        self.running += 1
        groups = frozenset(message.message.group_id for message in messages)
        deadline = self.platform.timeline.now() + self.timeout
        received = tuple(
            (
                delivery.message.body,
                delivery.handle,
                delivery.first_received_at,
                repr(delivery.message.attributes),
            )
            for delivery in messages
        )
        invocation = Invocation(self.name, deadline, groups, received)
        records = [_record(message) for message in messages]

        def ended(answered: bool, failed: Any) -> None:  # noqa: FBT001
            self.running -= 1
            if answered:
                self._acknowledge([m.handle for m in messages if m.message.id not in failed])
            self.plan_poll()

        for group, numbers in _by_group(messages).items():
            self.platform.history.log(
                self.platform.timeline.now(), group, self.name, "began with", *numbers
            )
        self.platform.invoke(invocation, lambda: self.handle(records, invocation), ended)

    def _acknowledge(self, handles: Sequence[str]) -> None:
        faults, timeline = self.platform.faults, self.platform.timeline
        if faults.happens(Fault.ACK_LOST):
            self.platform.history.log(timeline.now(), EVERYONE, Fault.ACK_LOST)
            return
        late = self.random.choice((5.0, 100.0, 200.0)) if faults.happens(Fault.ACK_LATE) else 0.0
        about = f"ack {self.name} {handles}"
        timeline.at(timeline.now() + late, lambda: self.delete(self.name, handles), about=about)
        if faults.happens(Fault.ACK_TWICE):
            timeline.at(timeline.now() + late + 1, lambda: self.delete(self.name, handles))


def _by_group(messages: Sequence[Received]) -> dict[str, list[str]]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for message in messages:
        groups[message.message.group_id].append(f"#{message.message.sequence}")
    return groups


def _record(received: Received) -> dict[str, Any]:
    """A record of the event that Lambda makes, as far as a handler reads it."""
    return {
        "messageId": received.message.id,
        "receiptHandle": received.handle,
        "body": received.message.body,
        "attributes": {
            "MessageGroupId": received.message.group_id,
            "ApproximateReceiveCount": str(received.receive_count),
            "ApproximateFirstReceiveTimestamp": str(round(received.first_received_at * 1000)),
        },
        "messageAttributes": {
            name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
            for name, value in received.message.attributes.items()
        },
    }
