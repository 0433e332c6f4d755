"""Batch of the deliveries queue: lanes in parallel, each message acked soon after its end."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Executor, Future, wait
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from math import inf

from lakehook.delivery.circuit_breaker import AttemptsUnderWay
from lakehook.delivery.dependencies import DeliveryDependencies, DeliveryPorts
from lakehook.delivery.lane_processor import DeliverLane
from lakehook.delivery.ping import PingEndpoint
from lakehook.delivery.sender import AttemptDelivery, RenderDelivery
from lakehook.domain.delivery import Lane
from lakehook.domain.errors import InvalidMessage
from lakehook.domain.queue_message import Disposition, Message, Nack, ReceivedMessage, decode
from lakehook.domain.retry import RetrySchedule
from lakehook.ports.queues import DeadLetterQueue, MessageAcks, QueueMessage, Remaining
from lakehook.ports.stores import LedgerSnapshot
from lakehook.ports.system import Clock
from lakehook.ports.telemetry import Telemetry

GRACE_SECONDS = 0.25  # fast lanes are acked without waiting for the slowest of their batch
PAUSE_AFTER_ERROR_SECONDS = 15.0  # doubled each time a message comes back
MAX_PAUSE_SECONDS = 240.0


@dataclass
class BatchResult:
    """Outcome of a batch after its lanes were processed."""

    acked: list[QueueMessage] = field(default_factory=list)
    nacked: list[QueueMessage] = field(default_factory=list)


Lanes = set[Future[BatchResult]]


@dataclass(frozen=True)
class DeliverBatch:
    deliver: DeliverLane
    acks: MessageAcks
    dead_letters: DeadLetterQueue
    telemetry: Telemetry
    workers: Executor
    clock: Clock
    visibility_seconds: float
    under_way: AbstractContextManager[object] = field(default_factory=nullcontext)
    """Entered by each lane while it is processed: those that are under way write together."""

    def __call__(self, batch: Sequence[QueueMessage], remaining: Remaining) -> list[QueueMessage]:
        """Deliver a batch, and return the messages that must be received again.

        No attempt outlasts the time in which nobody else may receive its message: a throttled
        batch may have come late. Of a message that came before, only a new timeout is known.
        """
        invisible_until = self._invisible_until(batch)
        messages = {queued: message for queued in batch if (message := self._decode(queued))}
        page = self.deliver.read(list(messages.values()))
        return self._collect(
            {
                self.workers.submit(
                    self._deliver_lane, lane, page, self._until(invisible_until, lane, remaining)
                )
                for lane in _by_lane(messages)
            }
        )

    def _invisible_until(self, batch: Sequence[QueueMessage]) -> Mapping[str, float]:
        """Return until when each message is invisible to others, by its id."""
        now = self.clock.now()
        again = [message for message in batch if message.received_at is None]
        expired = self.acks.extend(again, seconds=self.visibility_seconds) if again else ()
        since = {m.id: now if m.received_at is None else m.received_at for m in batch}
        long_ago = now - self.visibility_seconds
        since |= {message.id: long_ago for message in again if message in expired}
        return {id_: received + self.visibility_seconds for id_, received in since.items()}

    def _until(
        self,
        invisible_until: Mapping[str, float],
        lane: Collection[QueueMessage],
        remaining: Remaining,
    ) -> Remaining:
        until = min(invisible_until[message.id] for message in lane)
        return lambda: min(remaining(), until - self.clock.now())

    def _decode(self, message: QueueMessage) -> Message | None:
        try:
            return decode(message.body)
        except InvalidMessage as error:
            self.dead_letters.quarantine(message, str(error))
            self.telemetry.quarantined(message.id, message.group, str(error))
            return None

    def _deliver_lane(
        self, lane: Mapping[QueueMessage, Message], snapshot: LedgerSnapshot, remaining: Remaining
    ) -> BatchResult:
        dispositions: Sequence[Disposition]
        try:
            received = [_received(queued, message) for queued, message in lane.items()]
            with self.under_way:
                dispositions = self.deliver(received, snapshot, remaining)
        except Exception as error:  # noqa: BLE001  one lane's error must not stop the others
            self.telemetry.internal_error(error, doing="deliver")
            dispositions = [Nack(_pause_after_error(lane))] * len(lane)
        outcome = BatchResult()
        for queued, disposition in zip(lane, dispositions, strict=True):
            if isinstance(disposition, Nack):
                self.acks.nack(queued, seconds=disposition.delay_seconds)
                outcome.nacked.append(queued)
            else:
                outcome.acked.append(queued)
        return outcome

    def _collect(self, running: Lanes) -> list[QueueMessage]:
        """Ack what is done while other lanes are under way, so that its lanes go on.

        The later a lane is done, the longer it may wait for others to share its request: no longer
        than the batch has taken, about, and a straggler costs few requests.
        """
        again: list[QueueMessage] = []
        grace = GRACE_SECONDS
        while running:
            finished, running = self._wait(running, return_when=FIRST_COMPLETED)
            soon_after, running = self._wait(running, seconds=grace)
            grace *= 2
            outcomes = [lane.result() for lane in finished | soon_after]
            again += [queued for outcome in outcomes for queued in outcome.nacked]
            if running:  # the messages of the last lanes are deleted with the batch by Lambda
                self.acks.ack([queued for outcome in outcomes for queued in outcome.acked])
        return again

    def _wait(
        self, running: Lanes, *, seconds: float = inf, return_when: str = ALL_COMPLETED
    ) -> tuple[Lanes, Lanes]:
        """Wait for lanes, and mark the endpoints that leave their attempts unanswered."""
        finished: Lanes = set()
        while running and seconds > 0 and not (finished and return_when == FIRST_COMPLETED):
            step = min(seconds, self.deliver.mark_unanswered())
            done, running = wait(running, timeout=step, return_when=return_when)
            finished |= done
            seconds -= step
        return finished, running


def _pause_after_error(lane: Collection[QueueMessage]) -> float:
    """Return one delay for all messages of a lane, to keep order; longer after each receive."""
    receives = max(queued.receives for queued in lane)
    return min(PAUSE_AFTER_ERROR_SECONDS * 2.0 ** min(receives - 1, 10), MAX_PAUSE_SECONDS)


def _received(queued: QueueMessage, message: Message) -> ReceivedMessage:
    return ReceivedMessage(
        message,
        redelivered=queued.receives > 1,
        redriven=queued.redriven,
        attempts_at_death=queued.attempts_at_death,
    )


def _by_lane(messages: Mapping[QueueMessage, Message]) -> list[dict[QueueMessage, Message]]:
    lanes: dict[Lane, dict[QueueMessage, Message]] = defaultdict(dict)
    for queued, message in messages.items():
        lanes[message.lane][queued] = message
    return list(lanes.values())


def build_deliver(ports: DeliveryPorts, schedule: RetrySchedule) -> DeliverBatch:
    render = RenderDelivery(ports.renderer)
    dependencies = DeliveryDependencies(
        **vars(ports),
        schedule=schedule,
        attempt=AttemptDelivery(render, ports.sender, ports.clock),
        ping=PingEndpoint(ports.sender, ports.pings, render),
        attempts=AttemptsUnderWay(ports.clock, ports.telemetry),
    )
    return DeliverBatch(
        deliver=DeliverLane(dependencies),
        acks=ports.acks,
        dead_letters=ports.dead_letters,
        telemetry=ports.telemetry,
        workers=ports.workers,
        under_way=ports.under_way,
        clock=ports.clock,
        visibility_seconds=ports.visibility_seconds,
    )
