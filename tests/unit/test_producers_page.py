"""The examples of docs/producers.md, run as they stand beside stand-ins for the frameworks.

What a framework calls is as its documentation has it:
https://docs.celeryq.dev/en/stable/userguide/signals.html (``sender`` is the task, whose request
has its id), https://airflow.apache.org/docs/apache-airflow/stable/administration-and-deployment/
logging-monitoring/callbacks.html (one context, with the ``dag_run``), and
https://fastapi.tiangolo.com/tutorial/first-steps/ (``app.post(path)`` decorates a coroutine).
"""

import asyncio
import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import lakehook
from lakehook.adapters.sqs import events as events_queue
from local.function import ROOT

URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/events.fifo"
FENCED = re.compile(
    r"^## ([^\n]+)\n(?:(?!^## ).)*?^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
EXAMPLES = dict(FENCED.findall((ROOT / "docs" / "producers.md").read_text(encoding="utf-8")))
AN_HOUR = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Queue:
    def __init__(self) -> None:
        self.events: list[Any] = []

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803  boto3's words
        assert QueueUrl == URL
        self.events += [json.loads(entry["MessageBody"]) for entry in Entries]
        return {}

    def event_types(self) -> list[tuple[Any, str]]:
        return [(event["pipeline_id"], event["event_type"]) for event in self.events]


class Signal:
    """A signal that connects as Celery's do, by weak references by default."""

    def connect(self, receiver: Callable[..., None], *, weak: bool = True) -> None:
        assert not weak
        self.send = receiver


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    queue = Queue()
    monkeypatch.setenv("EVENTS_QUEUE_URL", URL)
    monkeypatch.setattr(events_queue, "new_sqs_client", lambda _: queue)
    return queue


def run(name: str, **variables: Any) -> dict[str, Any]:
    variables |= {"events_queue_url": URL}
    exec(EXAMPLES[name], variables)
    return variables


def module(monkeypatch: pytest.MonkeyPatch, name: str, **members: Any) -> None:
    stand_in = ModuleType(name)
    vars(stand_in).update(members)
    monkeypatch.setitem(sys.modules, name, stand_in)


def test_an_event_is_published(queue: Queue) -> None:
    run("One event")

    assert queue.event_types() == [(39, "PIPELINE_CREATED")]


def test_a_spooled_event_goes(queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    event = lakehook.Event(
        pipeline_id="39",
        event_type="PIPELINE_RUNNING",
        trigger_source="manual",
        timestamp=AN_HOUR,
    )
    example = EXAMPLES["When AWS must never be waited for"]
    example_here = example.replace("/var/spool/pipelines.sqlite", str(tmp_path / "spool"))
    monkeypatch.setitem(EXAMPLES, "spooled", example_here)

    run("spooled", event=event)

    assert queue.event_types() == [("39", "PIPELINE_RUNNING")]


def test_celerys_signals_publish(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("task_failure", "task_prerun", "task_success")
    signals = {name: Signal() for name in names}
    module(monkeypatch, "celery.signals", **signals)
    task = SimpleNamespace(name="collect", request=SimpleNamespace(id="7f-1"))

    run("Celery")
    signals["task_prerun"].send(sender=task, task_id="7f-1", args=(), kwargs={})
    signals["task_success"].send(sender=task, result=1)
    signals["task_failure"].send(sender=task, task_id="7f-1", exception=ValueError("no"))

    assert queue.event_types() == [
        ("7f-1", f"PIPELINE_{s}") for s in ("RUNNING", "COMPLETED", "FAILED")
    ]
    assert {event["pipeline_name"] for event in queue.events} == {"collect"}


def test_airflows_callbacks_publish(queue: Queue) -> None:
    dag_run = SimpleNamespace(dag_id="nightly", id=5, run_type="manual", end_date=AN_HOUR)

    callbacks = run("Airflow")["callbacks"]
    callbacks["on_success_callback"]({"dag_run": dag_run})

    assert queue.event_types() == [("nightly:5", "PIPELINE_COMPLETED")]
    assert queue.events[0]["timestamp"] == "2026-01-01T12:00:00+00:00"
    assert callbacks.keys() == {"on_success_callback", "on_failure_callback"}


def test_a_route_of_fastapi_publishes(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    class FastAPI:
        def post(self, _path: str) -> Callable[[Any], Any]:
            return lambda route: route

    module(monkeypatch, "fastapi", FastAPI=FastAPI)

    published = asyncio.run(run("FastAPI")["run"](39))

    assert published == {"published": 1}
    assert queue.event_types() == [(39, "PIPELINE_CREATED")]


def test_a_function_unwraps_an_event_of_eventbridge(queue: Queue) -> None:
    handler = run("From SNS, EventBridge or CloudEvents")["handler"]
    state = {"event_type": "PIPELINE_RUNNING", "trigger_source": "manual"}

    handler({"detail": {**state, "pipeline_id": 7, "timestamp": "2026-01-01T12:00:00Z"}}, None)

    assert queue.event_types() == [(7, "PIPELINE_RUNNING")]
