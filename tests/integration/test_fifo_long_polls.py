"""A long poll sleeps until there is a message for it, and a group goes to one poll alone."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from moto.sqs.models import sqs_backends

from local.fifo import Received
from local.sqs import install, uninstall
from local.sqs.backend import ModelledBackend, start_move
from local.sqs.queue import ModelledQueue
from tests.integration.eventually import PATIENCE, eventually

LONG = 3 * PATIENCE  # no poll is saved by its end


@pytest.fixture
def backend() -> Iterator[ModelledBackend]:
    install()
    backend = sqs_backends["123456789012"]["eu-west-1"]
    assert isinstance(backend, ModelledBackend)
    yield backend
    uninstall()


@pytest.fixture
def polls() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as polls:
        yield polls


def make(backend: ModelledBackend, name: str, **attributes: object) -> ModelledQueue:
    queue = backend.create_queue(name, FifoQueue="true", **attributes)
    assert isinstance(queue, ModelledQueue)
    return queue


def send(backend: ModelledBackend, queue: ModelledQueue, body: str) -> None:
    backend.send_message(queue.name, body, group_id=body[0], deduplication_id=body)


def receive(queue: ModelledQueue, *, wait: float = 0, limit: int = 1) -> list[Received]:
    return queue.receive(limit, wait_seconds=wait, hold_seconds=None, attempt_id=None)


def begin(polls: ThreadPoolExecutor, queue: ModelledQueue) -> "Future[list[Received]]":
    """Start a poll, and return once it sleeps."""
    waiting = sleeping_polls(queue)
    poll = polls.submit(receive, queue, wait=LONG)
    eventually(lambda: sleeping_polls(queue) > waiting)
    return poll


def sleeping_polls(queue: ModelledQueue) -> int:
    return len(queue._changed._waiters)  # type: ignore[attr-defined]


def bodies(poll: "Future[list[Received]]") -> list[str]:
    return [received.message.body for received in poll.result(PATIENCE)]


def test_a_send_wakes_a_poll(backend: ModelledBackend, polls: ThreadPoolExecutor) -> None:
    queue = make(backend, "q.fifo")
    poll = begin(polls, queue)

    send(backend, queue, "a0")

    assert bodies(poll) == ["a0"]


def test_a_delete_wakes_the_poll_that_waits_for_the_group(
    backend: ModelledBackend, polls: ThreadPoolExecutor
) -> None:
    queue = make(backend, "q.fifo")
    send(backend, queue, "a0")
    send(backend, queue, "a1")
    (held,) = receive(queue)
    poll = begin(polls, queue)

    backend.delete_message("q.fifo", held.handle)

    assert bodies(poll) == ["a1"]


def test_an_expiry_wakes_a_poll_that_began_before_the_receive(
    backend: ModelledBackend, polls: ThreadPoolExecutor
) -> None:
    queue = make(backend, "q.fifo", VisibilityTimeout=1)
    early, late = begin(polls, queue), begin(polls, queue)

    send(backend, queue, "a0")

    assert bodies(early) == bodies(late) == ["a0"]


@pytest.mark.parametrize("per_second", [None, 2])
def test_a_move_task_wakes_a_poll_on_its_destination(
    backend: ModelledBackend, polls: ThreadPoolExecutor, per_second: int | None
) -> None:
    dead = make(backend, "dead.fifo")
    policy = {"deadLetterTargetArn": dead.queue_arn, "maxReceiveCount": 1}
    queue = make(backend, "q.fifo", RedrivePolicy=policy, VisibilityTimeout=0)
    elsewhere = make(backend, "elsewhere.fifo")
    send(backend, queue, "a0")
    for _ in range(2):
        receive(queue)
    poll = begin(polls, elsewhere)

    start_move(backend, dead.queue_arn, elsewhere.queue_arn, per_second)

    assert bodies(poll) == ["a0"]


def test_a_group_goes_to_a_single_one_of_many_polls(
    backend: ModelledBackend, polls: ThreadPoolExecutor
) -> None:
    queue = make(backend, "q.fifo")
    waiting = [begin(polls, queue) for _ in range(4)]

    for body in ("a0", "a1", "a2"):
        send(backend, queue, body)
    eventually(lambda: any(poll.done() for poll in waiting))
    eventually(lambda: sleeping_polls(queue) == 3)

    assert [bodies(poll) for poll in waiting if poll.done()] == [["a0"]]
    for body in ("b0", "c0", "d0"):
        send(backend, queue, body)
    assert sorted(bodies(poll)[0] for poll in waiting) == ["a0", "b0", "c0", "d0"]


def test_a_sleeping_poll_costs_nothing(backend: ModelledBackend, polls: ThreadPoolExecutor) -> None:
    queue = make(backend, "q.fifo")
    send(backend, queue, "a0")
    receive(queue)
    spent = time.process_time()

    waiting = [polls.submit(receive, queue, wait=1) for _ in range(4)]

    assert [poll.result(PATIENCE) for poll in waiting] == [[], [], [], []]
    assert time.process_time() - spent < 0.5  # to look all the time would take a second or more
