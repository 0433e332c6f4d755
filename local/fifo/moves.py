"""Redrive: tasks that move the messages of a dead-letter queue back, or elsewhere.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf
from typing import Literal
from uuid import uuid4

from local.fifo.message import Message, SqsError, invalid
from local.fifo.queue import FifoQueue

FASTEST_PER_SECOND = 500
TASKS_KEPT = 10

FindQueue = Callable[[str], FifoQueue | None]


@dataclass(kw_only=True)
class MoveTask:
    """Task that moves the messages visible at its start, oldest first: each group keeps its order.

    Without a rate it moves all at once. A message that was sent to the dead-letter queue directly
    names no source: without a destination, the task fails at it.
    """

    handle: str
    source: FifoQueue
    destination: FifoQueue | None
    per_second: int | None
    started_at: float
    to_move: int
    moved: int = 0
    status: Literal["RUNNING", "COMPLETED", "CANCELLED", "FAILED"] = "RUNNING"
    failure: str | None = None

    def next_step_at(self) -> float:
        if self.status != "RUNNING":
            return inf
        return self.started_at + (self.moved + 1) / self.per_second if self.per_second else -inf

    def advance(self, now: float, find_queue: FindQueue) -> None:
        while self.next_step_at() <= now:
            self._step(find_queue)

    def _step(self, find_queue: FindQueue) -> None:
        message = self.source.next_free()
        if message is None or message.sent_at > self.started_at or self.moved == self.to_move:
            self.status = "COMPLETED"
        elif destination := self.destination or _source_of(message, find_queue):
            self.source.move(message, destination)
            self.moved += 1
        else:
            self.status, self.failure = "FAILED", "CouldNotDetermineMessageSource"


class MoveTasks:
    """All tasks of an account. They proceed only on ``advance``."""

    def __init__(
        self,
        clock: Callable[[], float],
        find_queue: FindQueue,
        new_handle: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        self._clock = clock
        self._find_queue = find_queue
        self._new_handle = new_handle
        self._tasks: defaultdict[str, deque[MoveTask]] = defaultdict(
            lambda: deque(maxlen=TASKS_KEPT)
        )

    def start(
        self, source: FifoQueue, destination: FifoQueue | None = None, per_second: int | None = None
    ) -> MoveTask:
        if per_second is not None and not 1 <= per_second <= FASTEST_PER_SECOND:
            raise invalid("MaxNumberOfMessagesPerSecond", per_second, "Must be from 1 to 500.")
        self.advance()
        if any(task.status == "RUNNING" for task in self._tasks[source.name]):
            raise SqsError("UnsupportedOperation", "There is already a task running.")
        task = MoveTask(
            handle=self._new_handle(),
            source=source,
            destination=destination,
            per_second=per_second,
            started_at=self._clock(),
            to_move=source.counts().visible,
        )
        self._tasks[source.name].appendleft(task)
        self.advance()
        return task

    def newest(self, source: str, limit: int = 1) -> list[MoveTask]:
        self.advance()
        return list(self._tasks[source])[:limit]

    def cancel(self, handle: str) -> MoveTask:
        """Stop a task; what was moved stays moved."""
        self.advance()
        for task in self._running():
            if task.handle == handle:
                task.status = "CANCELLED"
                return task
        raise SqsError("ResourceNotFoundException", "Task does not exist.")

    def advance(self) -> None:
        now = self._clock()
        for task in self._running():
            task.advance(now, self._find_queue)

    def next_step_at(self) -> float:
        return min((task.next_step_at() for task in self._running()), default=inf)

    def _running(self) -> Iterator[MoveTask]:
        newest = (tasks[0] for tasks in self._tasks.values() if tasks)
        return (task for task in newest if task.status == "RUNNING")


def _source_of(message: Message, find_queue: FindQueue) -> FifoQueue | None:
    return find_queue(message.dead_letter_source) if message.dead_letter_source else None
