"""The spooled publisher: no pipeline waits, no event is lost, order is kept."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import resolve_name as resolve
from tempfile import TemporaryDirectory
from threading import Event as Signal
from threading import current_thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehook.adapters.sqlite_spool import DrainLock, SqliteSpool
from lakehook.adapters.sqs.events import EventEntry
from lakehook.domain.errors import InfrastructureError, InvalidEvent, InvalidSpool, SpoolFull
from lakehook.producer import spool as spool_drain
from lakehook.producer.spool import SpoolDrain
from tests.builders import an_event
from tests.spooling import FakeSqs, make_events, open_publisher

ROOT = Path(__file__).parents[2]
MEBIBYTE = 1024 * 1024
PATIENCE = 120.0


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_drain, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(spool_drain, "MAX_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(spool_drain, "POLL_SECONDS", 0.005)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.spool"


def ids_of(pipeline: str, numbers: range) -> list[str]:
    return [f"{pipeline}-{n}" for n in numbers]


def test_published_events_go_to_the_queue_in_the_order_of_their_pipeline(path: Path):
    sqs = FakeSqs()

    with open_publisher(path, sqs) as publisher:
        for n in range(30):
            assert publisher.publish(make_events("a", range(n, n + 1))) == 1
            publisher.publish(make_events("b", range(n, n + 1)))

        assert publisher.flush(PATIENCE)
        assert publisher.waiting() == 0

    assert sqs.ids_of("a") == ids_of("a", range(30))
    assert sqs.ids_of("b") == ids_of("b", range(30))


def test_while_aws_is_away_events_wait_and_then_go_in_order(path: Path):
    sqs = FakeSqs(is_away=True)

    with open_publisher(path, sqs) as publisher:
        publisher.publish(make_events("a", range(5)))
        assert sqs.was_called.wait(PATIENCE)
        publisher.publish(make_events("a", range(5, 10)))
        assert not publisher.flush(0.0)
        assert publisher.waiting() == 10
        sqs.is_away = False
        assert publisher.flush(PATIENCE)

    assert sqs.ids_of("a") == ids_of("a", range(10))


SHARING = """
import sys
from pathlib import Path
from tests.spooling import FakeSqs, make_events, open_publisher
sqs = FakeSqs(is_away=True)
publisher = open_publisher(Path(sys.argv[1]), sqs)
for event in make_events("a", range(200)):
    publisher.publish([event])
sqs.was_called.wait()
print("drains", flush=True)
sys.stdin.read()
"""


def test_a_published_event_survives_kill_9_and_is_sent_by_another_publisher(path: Path):
    sqs = FakeSqs()
    command = [sys.executable, "-c", SHARING, str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout
        assert other.stdout.readline() == "drains\n"

        with open_publisher(path, sqs) as publisher:
            publisher.publish(make_events("a", range(200, 201)))
            assert not publisher.flush(0.05)
            other.kill()
            assert other.wait() == -signal.SIGKILL
            assert publisher.flush(PATIENCE)

    assert sqs.ids_of("a") == ids_of("a", range(201))


def test_one_publisher_drains_a_shared_spool_and_another_takes_over(path: Path):
    first, second = FakeSqs(is_away=True), FakeSqs()
    draining_publisher = open_publisher(path, first)
    draining_publisher.publish(make_events("a", range(3)))
    assert first.was_called.wait(PATIENCE)

    with open_publisher(path, second) as second_publisher:
        second_publisher.publish(make_events("a", range(3, 6)))
        assert not second_publisher.flush(0.05)
        assert not draining_publisher.close(timeout=0.01)
        assert second_publisher.flush(PATIENCE)

    assert first.ids == []
    assert second.ids_of("a") == ids_of("a", range(6))


def test_a_lock_has_one_owner_at_a_time(path: Path):
    lock, other_lock = DrainLock(path), DrainLock(path)

    assert (lock.take(), lock.take(), other_lock.take()) == (True, True, False)
    lock.release()
    assert other_lock.take()
    other_lock.release()


def test_a_full_spool_says_so_and_adds_nothing(path: Path):
    large = [an_event(pipeline_id="a", event_id=f"a-{n}", message="x" * 100_000) for n in range(30)]
    sqs = FakeSqs(is_away=True)

    with open_publisher(path, sqs, most_bytes=MEBIBYTE) as publisher:
        with pytest.raises(SpoolFull, match=r"events\.spool is full at 1 MiB"):
            publisher.publish(large)
        assert publisher.waiting() == 0
        publisher.publish(large[:5])
        with pytest.raises(SpoolFull):
            publisher.publish(large[5:])
        sqs.is_away = False
        assert publisher.flush(PATIENCE)
        publisher.publish(large[5:10])
        assert publisher.flush(PATIENCE)

    assert sqs.ids == ids_of("a", range(10))


def test_a_bad_event_is_refused_before_any_is_spooled(path: Path):
    with open_publisher(path, FakeSqs(is_away=True)) as publisher:
        with pytest.raises(InvalidEvent):
            publisher.publish([*make_events("a", range(2)), an_event(data={"n": float("nan")})])

        assert publisher.waiting() == 0


def test_a_file_that_is_no_spool_of_this_version_is_refused(path: Path):
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA user_version = 2")
    with pytest.raises(InvalidSpool, match="version 2"):
        open_publisher(path, FakeSqs())

    path.write_text("a file of somebody else's, and long enough to be one" * 100)
    with pytest.raises(InvalidSpool, match=r"events\.spool: file is not a database"):
        open_publisher(path, FakeSqs())


def test_a_publisher_that_was_closed_takes_nothing(path: Path):
    publisher = open_publisher(path, FakeSqs())
    publisher.close()

    with pytest.raises(InvalidSpool, match="closed"):
        publisher.publish(make_events("a", range(1)))


def test_a_spool_does_not_pass_a_fork(path: Path, monkeypatch: pytest.MonkeyPatch):
    with open_publisher(path, FakeSqs()) as publisher:
        monkeypatch.setattr(os, "getpid", lambda: -1)
        for use in (
            lambda: publisher.publish(make_events("a", range(1))),
            publisher.waiting,
            lambda: publisher.flush(PATIENCE),
        ):
            with pytest.raises(RuntimeError, match="open it again in the child"):
                use()
        assert not publisher.close()  # at once: neither file nor thread is the child's
        monkeypatch.undo()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # that is what is tested
def test_a_child_process_closes_at_once_and_disturbs_nothing(path: Path):
    with open_publisher(path, sqs := FakeSqs(is_away=True)) as publisher:
        publisher.publish(make_events("a", range(10)))
        child = os.fork()
        if child == 0:
            publisher.close()
            os._exit(0)
        ended = eventually_ended(child)
        sqs.is_away = False
        assert publisher.flush(PATIENCE)

    assert ended == 0
    assert sqs.ids_of("a") == ids_of("a", range(10))


def eventually_ended(child: int) -> int:
    """Return the status with which a child process ended; -1 if it hangs."""
    for _ in range(int(PATIENCE * 100)):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        Signal().wait(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("SqliteSpool.oldest", SpoolFull("the disk has no room")),
        ("SqliteSpool.remove", SpoolFull("the disk has no room")),
        ("SqliteSpool.vacuum", SpoolFull("the disk has no room")),
        ("SqliteSpool.oldest", ValueError("nobody foresaw it")),
        ("DrainLock.take", sqlite3.OperationalError("unable to open database file")),
    ],
)
def test_a_temporary_error_of_a_drain_stops_nothing(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    method: str,
    error: Exception,
):
    is_failing, met = [True], Signal()
    target = f"lakehook.adapters.sqlite_spool.{method}"
    method_itself = resolve(target)

    def fails(own: object, *arguments: Any) -> Any:
        if is_failing[0] and current_thread().name == "lakehook-spool":
            met.set()
            raise error
        return method_itself(own, *arguments)

    monkeypatch.setattr(target, fails)
    with open_publisher(path, sqs := FakeSqs(is_away=method.endswith("vacuum"))) as publisher:
        publisher.publish(make_events("a", range(3)))
        assert met.wait(PATIENCE)
        is_failing[0] = sqs.is_away = False
        assert publisher.flush(PATIENCE)

    assert list(dict.fromkeys(sqs.ids_of("a"))) == ids_of("a", range(3))
    assert str(error) in caplog.text or method.endswith("vacuum")


# --- draining, turn by turn ---


def spool_events(path: Path, pipelines: str) -> None:
    spool = SqliteSpool(path, max_bytes=MEBIBYTE)
    counts: dict[str, int] = {}
    for pipeline in pipelines:
        number = counts[pipeline] = counts.get(pipeline, -1) + 1
        spool.add([EventEntry(pipeline, f"{pipeline}-{number}", "{}")])
    spool.close()


@contextmanager
def open_drain(path: Path, send: spool_drain.Send) -> Iterator[tuple[SpoolDrain, SqliteSpool]]:
    """A drain without its thread, and its spool."""
    drain = SpoolDrain(path, send, max_bytes=MEBIBYTE)
    with closing(drain.spool), closing(SqliteSpool(path, max_bytes=MEBIBYTE)) as spool:
        yield drain, spool


def test_a_refused_event_delays_only_its_own_pipeline(path: Path):
    spool_events(path, "aabbab")
    sent: list[str] = []

    def send(batch: Sequence[EventEntry]) -> Mapping[EventEntry, str]:
        sent.extend(entry.event_id for entry in batch)
        return {entry: "InternalError" for entry in batch if entry.event_id == "a-1"}

    with open_drain(path, send) as (drain, spool):
        with pytest.raises(InfrastructureError, match="1 pipelines: InternalError"):
            drain.drain_once()

        assert sent == ["a-0", "b-0", "a-1", "b-1", "b-2"]
        assert [entry.event_id for entry in spool.oldest(10)] == ["a-1", "a-2"]


def test_more_events_of_a_rejected_pipeline_than_a_window_hold_up_no_other(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(spool_drain, "WINDOW", 2)
    spool_events(path, "aaaaab")

    def send(batch: Sequence[EventEntry]) -> Mapping[EventEntry, str]:
        return {entry: "InternalError" for entry in batch if entry.pipeline_key == "a"}

    with open_drain(path, send) as (drain, spool):
        with pytest.raises(InfrastructureError, match="1 pipelines: InternalError"):
            drain.drain_once()

        assert [entry.event_id for entry in spool.oldest(10)] == ids_of("a", range(5))


@dataclass
class ScriptedQueue:
    """A queue that refuses a pipeline, fails or loses its response as the script says."""

    script: list[str]
    arrived: list[str] = field(default_factory=list)

    def send(self, batch: Sequence[EventEntry]) -> Mapping[EventEntry, str]:
        outcome = self.script.pop() if self.script else ""
        if outcome == "away":
            raise InfrastructureError("SQS is away")
        failed = {entry: "no" for entry in batch if entry.pipeline_key == outcome}
        self.arrived += [entry.event_id for entry in batch if entry not in failed]
        if outcome == "lost":
            raise InfrastructureError("an answer that was lost")
        return failed


@settings(max_examples=40)
@given(st.text("abc", max_size=40), st.lists(st.sampled_from(["", "a", "b", "away", "lost"])))
def test_no_event_is_lost_or_reordered_whatever_sqs_refuses(pipelines: str, script: list[str]):
    queue, turns = ScriptedQueue(script), len(script) + 1

    with TemporaryDirectory() as folder:
        path = Path(folder) / "spool"
        spool_events(path, pipelines)
        with open_drain(path, queue.send) as (drain, _):
            for _ in range(turns):
                with suppress(InfrastructureError):
                    drain.drain_once()

    for pipeline in set(pipelines):
        of_pipeline = [event_id for event_id in queue.arrived if event_id.startswith(pipeline)]
        first_arrivals = list(dict.fromkeys(of_pipeline))
        assert first_arrivals == ids_of(pipeline, range(pipelines.count(pipeline)))


# --- dependencies ---

IMPORTED = """
import sys
import lakehook.producer
names = {name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
print(*sorted(names))
"""


def test_the_producer_needs_boto3_and_nothing_else():
    process = subprocess.run(
        [sys.executable, "-c", IMPORTED], cwd=ROOT, check=True, capture_output=True, text=True
    )

    needed = {"boto3", "botocore", "certifi", "dateutil", "jmespath", "lakehook", "__main__"}
    needed |= {"s3transfer", "six", "urllib3"}
    assert {module for module in process.stdout.split() if not module.startswith("_")} <= needed
