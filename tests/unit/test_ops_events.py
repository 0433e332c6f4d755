"""``lakehook events trigger`` and ``events tail``."""

import json
from typing import Any

import pytest

from lakehook.domain.event import EventType
from lakehook.domain.sample import trial_event
from lakehook.subscriptions.subscribe import SubscriptionFields
from tests.fakes_ops import FakeStack
from tests.journaling import accept
from tests.terminal import Terminal

CREATED = ("events", "trigger", "PIPELINE_CREATED")


def subscribe(stack: FakeStack, **fields: Any) -> str:
    terms = SubscriptionFields(**{"name": "ci", "url": "https://ci.example/"} | fields)
    return stack.service().subscribe(terms)[0].id


def test_on_a_laptop_a_sample_is_published_as_it_happens_now(terminal: Terminal, stack: FakeStack):
    stack.is_laptop = True

    assert terminal("events", "trigger", "PIPELINE_FAILED") == 0

    (event,) = stack.publisher.published
    assert (event.pipeline_key, str(event.type)) == ("39", "PIPELINE_FAILED")
    assert event.at == "2026-01-01T12:00:00.000+00:00"
    assert event.document["failed_tasks"]
    assert "began_at" not in event.document  # a later one would begin another run
    assert terminal.out.endswith("what came of it: lakehook pipelines show 39\n")


def test_on_aws_a_sample_for_every_subscriber_needs_a_confirmation(
    terminal: Terminal, stack: FakeStack
):
    assert terminal(*CREATED) == 2
    assert "goes to every subscriber of the stack; give --to NAME for one, or --yes" in terminal.err
    assert stack.publisher.published == []

    assert terminal(*CREATED, "--pipeline", "staging-7", "--yes") == 0
    assert [event.pipeline_id for event in stack.publisher.published] == ["staging-7"]


def test_a_sample_for_one_subscription_goes_in_lanes_of_its_own_if_it_matches(
    terminal: Terminal, stack: FakeStack
):
    id_ = subscribe(stack)

    assert terminal(*CREATED, "--pipeline", "7", "--to", "ci") == 0

    (delivery,) = stack.queue.sent
    assert delivery.id == f"{id_}#trial-1767268800000/7#1"
    assert delivery.event.document["pipeline_id"] == 7
    assert stack.publisher.published == []
    assert f"lakehook deliveries show {delivery.id}" in terminal.out

    subscribe(stack, name="failures", event_types=["PIPELINE_FAILED"])
    assert terminal(*CREATED, "--to", "failures") == 2
    assert "failures does not get PIPELINE_CREATED: event type" in terminal.err
    assert stack.queue.sent == [delivery]


@pytest.mark.parametrize("event_type", EventType)
def test_a_sample_fits_its_type(event_type: EventType):
    document = trial_event(event_type, at=0.0, pipeline_id=1).document

    has_failed = event_type.endswith(("FAILED", "PARTIAL"))
    assert ("HTTP 502" in document["message"]) is has_failed
    assert ("failed_tasks" in document) is (has_failed and event_type.is_of_pipeline)


def test_the_last_events_are_shown_in_the_order_they_were_accepted(
    terminal: Terminal, stack: FakeStack
):
    for pipeline in (2, 1, 3):
        stack.clock.time += 60
        accept(stack.journal, pipeline_id=pipeline, project_name="数据湖\x1b[2J")

    assert terminal("events", "tail", "--limit", "2") == 0
    columns = [line.split()[1:] for line in terminal.out.splitlines()]
    assert columns == [[id_, "#1", "PIPELINE_CREATED", r"数据湖\x1b[2J"] for id_ in "13"]

    assert terminal("events", "tail", "--since", "90s", "--output", "json") == 0
    documents = [json.loads(line) for line in terminal.out.splitlines()]
    assert [(document["pipeline_id"], document["sequence"]) for document in documents] == [
        (1, 1),
        (3, 1),
    ]


def test_new_events_are_shown_until_an_interrupt(
    terminal: Terminal, stack: FakeStack, monkeypatch: pytest.MonkeyPatch
):
    moments = [lambda: accept(stack.journal, pipeline_id=7), lambda: None]

    def sleep(seconds: float) -> None:
        if not moments:
            raise KeyboardInterrupt
        stack.clock.time += seconds
        moments.pop(0)()

    accept(stack.journal, pipeline_id=6)
    stack.clock.time += 1
    monkeypatch.setattr(stack.clock, "sleep", sleep)

    assert terminal("events", "tail", "--follow") == 0

    assert [line.split()[1:3] for line in terminal.out.splitlines()] == [["7", "#1"]]
