"""Scenario of the demonstration: pipelines' states, and subscribers that behave differently."""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

from lakehook.adapters.aws import Aws
from lakehook.domain.event import Event, EventType
from lakehook.domain.subscription import MAX_DEADLINE_SECONDS
from lakehook.operations.bootstrap import operator_service_on
from lakehook.settings import StackOutputs
from lakehook.subscriptions.subscribe import SubscriptionFields
from local.receiver import OK, Arrival, Receiver, polite

CREATED, RUNNING = EventType.PIPELINE_CREATED, EventType.PIPELINE_RUNNING
COMPLETED, FAILED = EventType.PIPELINE_COMPLETED, EventType.PIPELINE_FAILED
PARTIAL, CANCELLED = EventType.PIPELINE_PARTIAL, EventType.PIPELINE_CANCELLED

FIRST_PIPELINE = 101
TOGETHER = 3  # pipelines whose steps happen at the same time
_LIVES = (
    ("payments", "blueprint:7", (CREATED, RUNNING, COMPLETED)),
    ("checkout", "blueprint:7", (CREATED, RUNNING, FAILED)),
    ("search", "manual", (CREATED, RUNNING, COMPLETED)),
    ("数据湖", "automatic", (CREATED, RUNNING, PARTIAL)),
    ("mobile", "blueprint:9", (CREATED, CANCELLED)),
    ("web", "automatic", (CREATED, RUNNING, COMPLETED)),
    ("ledger", "blueprint:9", (CREATED, RUNNING, CANCELLED)),
    ("docs", "manual", (CREATED, RUNNING, COMPLETED)),
    ("infra", "blueprint:11", (CREATED, RUNNING, FAILED)),
    ("billing", "automatic", (CREATED, RUNNING, COMPLETED)),
    ("fraud", "blueprint:11", (CREATED, RUNNING, PARTIAL)),
    ("reports", "manual", (CREATED, RUNNING, COMPLETED)),
)

SLOW_SECONDS = 0.4
FAILS_AT_FIRST = 3
DEADLINE_SECONDS = MAX_DEADLINE_SECONDS  # so that a slow machine is not taken for a slow receiver

UNAVAILABLE = 500
NO_PROGRESS_SECONDS = 60.0
MEASURED = (EventType.TASK_RUNNING,)


@dataclass(frozen=True)
class DemoPipeline:
    id: int
    project: str
    trigger: str
    life: tuple[EventType, ...]

    def event(self, event_type: EventType, *, at: float) -> Event:
        return Event.from_document(
            {
                "pipeline_id": self.id,
                "event_type": str(event_type),
                "trigger_source": self.trigger,
                "timestamp": datetime.fromtimestamp(at, UTC).isoformat(),
                "project_name": self.project,
            }
        )


DEMO_PIPELINES = tuple(
    DemoPipeline(FIRST_PIPELINE + index, *life) for index, life in enumerate(_LIVES)
)


def moments() -> Iterator[list[tuple[DemoPipeline, EventType]]]:
    """Yield the steps of all pipelines, some at the same time, each pipeline's own in order."""
    groups = [DEMO_PIPELINES[start::4] for start in range(len(DEMO_PIPELINES) // TOGETHER)]
    for step in range(max(len(pipeline.life) for pipeline in DEMO_PIPELINES)):
        for group in groups:
            yield [
                (pipeline, pipeline.life[step]) for pipeline in group if step < len(pipeline.life)
            ]


REFUSED = str(DEMO_PIPELINES[2].id)


@dataclass(frozen=True)
class Subscriber:
    receiver: Receiver
    manner: str = ""  # in a word or two
    description: str = ""
    event_types: tuple[EventType, ...] = ()
    refuses: int = 0  # deliveries that it refuses until it is repaired

    @property
    def count(self) -> int:
        return sum(map(len, self.expects().values()))

    def expects(self) -> dict[str, list[tuple[int, EventType]]]:
        """Return the deliveries that it should get, by pipeline."""
        lines: dict[str, list[tuple[int, EventType]]] = defaultdict(list)
        for pipeline in DEMO_PIPELINES:
            for sequence, event_type in enumerate(pipeline.life, start=1):
                if not self.event_types or event_type in self.event_types:
                    lines[str(pipeline.id)].append((sequence, event_type))
        return lines


class Shaky:
    """Subscriber that fails the first attempt of some deliveries, but never all retries."""

    def __init__(self, times: int) -> None:
        self._times, self._failed, self._alone = times, set[str](), Lock()

    def __call__(self, arrival: Arrival) -> int:
        with self._alone:
            if arrival.id in self._failed or len(self._failed) == self._times:
                return OK
            self._failed.add(arrival.id)
            return UNAVAILABLE


class Stuck:
    """Subscriber that refuses everything of one pipeline until it is repaired."""

    def __init__(self, *, pipeline: str) -> None:
        self._pipeline = pipeline
        self.repaired = False

    def __call__(self, arrival: Arrival) -> int:
        return OK if self.repaired or arrival.pipeline != self._pipeline else UNAVAILABLE


def demo_subscribers() -> tuple[Subscriber, ...]:
    return (
        Subscriber(Receiver("quick"), "answers at once"),
        Subscriber(
            Receiver("slow", _slow),
            f"takes {SLOW_SECONDS:g} s",
            f"takes {SLOW_SECONDS:g} s for each answer, and delays nobody else",
        ),
        Subscriber(
            Receiver("failures"),
            "failures only",
            "asks for PIPELINE_FAILED and PIPELINE_PARTIAL alone",
            event_types=(FAILED, PARTIAL),
        ),
        Subscriber(
            Receiver("shaky", Shaky(FAILS_AT_FIRST)),
            f"fails {FAILS_AT_FIRST} times",
            f"answers {UNAVAILABLE} to its first {FAILS_AT_FIRST} deliveries, which come again",
        ),
    )


def stuck_subscriber() -> tuple[Subscriber, Stuck]:
    stuck = Stuck(pipeline=REFUSED)
    (refused,) = (len(pipeline.life) for pipeline in DEMO_PIPELINES if str(pipeline.id) == REFUSED)
    subscriber = Subscriber(
        Receiver("stuck", stuck),
        f"refuses {REFUSED}",
        f"answers {UNAVAILABLE} to all of pipeline {REFUSED}, until it is repaired",
        refuses=refused,
    )
    return subscriber, stuck


def measuring_subscribers(count: int) -> tuple[Subscriber, ...]:
    """Build subscribers that take no part in the scenario."""
    return tuple(
        Subscriber(Receiver(f"load-{n}", polite), event_types=MEASURED) for n in range(count)
    )


def wait_until_taken(cast: Sequence[Subscriber]) -> None:
    """Wait until each has received everything, or one makes no progress; slow is no failure."""
    for subscriber in cast:
        receiver, expected = subscriber.receiver, subscriber.count - subscriber.refuses
        while (taken := len(receiver.taken)) < expected:
            if not receiver.wait_until_taken(taken + 1, within=NO_PROGRESS_SECONDS):
                return


@contextmanager
def running_subscribers(deployment: StackOutputs, cast: Sequence[Subscriber]) -> Iterator[None]:
    """Start each subscriber, and subscribe it as an operator would."""
    subscribe = operator_service_on(deployment, Aws(), print).subscribe
    with ExitStack() as exits:
        for subscriber in cast:
            receiver = exits.enter_context(subscriber.receiver)
            terms = SubscriptionFields(
                name=receiver.name,
                url=receiver.url,
                event_types=subscriber.event_types,
                deadline_seconds=DEADLINE_SECONDS,
            )
            _, secret = subscribe(terms)
            assert secret, "a webhook is signed"
            receiver.secret = secret.reveal()
        yield


def _slow(_: Arrival) -> int:
    time.sleep(SLOW_SECONDS)
    return OK
