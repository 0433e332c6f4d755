"""The console of the local cloud, in its process; by itself over sample pipelines."""

import itertools
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from random import Random
from threading import Event as Flag
from threading import Thread

from lakehook.adapters.aws import Aws
from lakehook.console.context import ConsoleOptions
from lakehook.console.server import Served, served
from lakehook.domain.errors import QueueUnavailable
from lakehook.domain.event import Event, EventType
from lakehook.domain.subscription import Language
from lakehook.domain.time import format_rfc3339
from lakehook.operations import OperatorService
from lakehook.operations.bootstrap import operator_service_on
from lakehook.producer import Publisher
from local.demo.scenario import Subscriber, running_subscribers
from local.installation import LocalLakehook, Options
from local.receiver import OK, Arrival, CannedResponse, Receiver

OPTIONS = Options(
    allow_networks=("127.0.0.0/8",),
    retry_schedule="2,5,10,20",
    clock_seconds=2.0,
)
WINDOW = "1h"  # of the trends: it has not run for long
PIPELINE_SECONDS = 4.0  # between two pipelines
TICK_SECONDS = 0.5
STEP_SECONDS = 3.0  # between two states of one
PROJECTS = ("payments", "checkout", "search", "数据湖", "mobile", "billing")
ENDS = (
    EventType.PIPELINE_COMPLETED,
    EventType.PIPELINE_COMPLETED,
    EventType.PIPELINE_FAILED,
    EventType.PIPELINE_PARTIAL,
)


def _unavailable_by_turns(_: Arrival) -> int | CannedResponse:
    """Down for a minute and a half, then well for as long."""
    is_down = int(time.time()) // 90 % 2 == 0
    return CannedResponse(503, body=b"upstream connect error") if is_down else OK


def _slow(_: Arrival) -> int:
    time.sleep(3.0)
    return OK


def _unauthorized(_: Arrival) -> CannedResponse:
    return CannedResponse(401, body=json.dumps({"error": "signature mismatch"}).encode())


def _poisoned(arrival: Arrival) -> int | CannedResponse:
    """Fails on every fifth pipeline, whatever is tried."""
    is_poison = arrival.pipeline.isdigit() and int(arrival.pipeline) % 5 == 0
    return CannedResponse(500, body=b"KeyError: 'owner'") if is_poison else OK


def _gone(_: Arrival) -> CannedResponse:
    return CannedResponse(410, body=b"this webhook was deleted")


def sample_subscribers() -> tuple[Subscriber, ...]:
    return (
        Subscriber(Receiver("jenkins")),
        Subscriber(Receiver("release-notes"), event_types=(EventType.PIPELINE_COMPLETED,)),
        Subscriber(Receiver("ci-status", _unavailable_by_turns)),
        Subscriber(Receiver("warehouse", _slow)),
        Subscriber(Receiver("audit-log", _unauthorized)),
        Subscriber(Receiver("metrics", _poisoned)),
        Subscriber(Receiver("old-portal", _gone)),
    )


@contextmanager
def sample_life(lakehook: LocalLakehook) -> Iterator[None]:
    """Have the samples subscribed while inside, and pipelines under way."""
    publisher = Publisher(lakehook.deployment.events_queue_url, lakehook.client("sqs"))
    over = Flag()
    with running_subscribers(lakehook.deployment, sample_subscribers()):
        thread = Thread(target=_trickle, args=(publisher, over), name="trickle", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _trickle(publisher: Publisher, over: Flag) -> None:
    """Each pipeline takes its steps in turn; every ninth is forgotten by its source."""
    chance = Random(7)  # noqa: S311  the same sample life each time
    due: list[tuple[float, Event]] = []
    began, numbers = time.time(), itertools.count(1)
    starts = (began + n * PIPELINE_SECONDS for n in itertools.count())
    start = next(starts)
    while not over.wait(TICK_SECONDS):
        now = time.time()
        if now >= start:
            due += _life(next(numbers), start, chance)
            start = next(starts)
        _publish(publisher, [event for at, event in due if at <= now])
        due = [(at, event) for at, event in due if at > now]


def _life(number: int, start: float, chance: Random) -> Iterator[tuple[float, Event]]:
    types = [EventType.PIPELINE_CREATED, EventType.PIPELINE_RUNNING, chance.choice(ENDS)]
    project = chance.choice(PROJECTS)
    for step, event_type in enumerate(types[:2] if number % 9 == 0 else types):
        at = start + step * STEP_SECONDS
        yield (
            at,
            Event(
                pipeline_id=number,
                event_type=event_type,
                trigger_source="blueprint:7",
                timestamp=format_rfc3339(at),
                project_name=project,
            ),
        )


def _publish(publisher: Publisher, events: Sequence[Event]) -> None:
    try:
        if events:
            publisher.publish(events)
    except QueueUnavailable as error:
        print(f"warning: {error}", file=sys.stderr)


def serve_console(
    lakehook: LocalLakehook, *, port: int, options: ConsoleOptions | None = None
) -> AbstractContextManager[Served]:
    """Serve it while inside."""

    def open_service() -> OperatorService:
        return operator_service_on(lakehook.deployment, Aws(), _warn)

    return served(open_service, port=port, options=options or ConsoleOptions(window=WINDOW))


def serve_sample(*, port: int, no_browser: bool, language: Language) -> None:
    """Serve it over sample subscribers and a trickle of pipelines, until it is interrupted."""
    with (
        tempfile.TemporaryFile() as log,
        LocalLakehook(replace(OPTIONS, sink=log.fileno())) as lakehook,
        sample_life(lakehook),
        serve_console(
            lakehook, port=port, options=ConsoleOptions(language=language, window=WINDOW)
        ) as running,
    ):
        print(f"console: {running.access.url}", flush=True)
        if not no_browser:
            running.open_browser()
        Flag().wait()


def keep_open(lakehook: LocalLakehook) -> None:
    """Serve the pages of what is there, until Ctrl-C."""
    with serve_console(lakehook, port=0) as running, suppress(KeyboardInterrupt):
        print(f"console: {running.access.url}\nIt is there until Ctrl-C.", flush=True)
        Flag().wait()


def _warn(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)
