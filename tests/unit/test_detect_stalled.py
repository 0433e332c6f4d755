"""Stalled pipelines: detected, published once, and listed."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.domain.errors import InvalidInput
from lakehook.domain.event import Event
from lakehook.domain.pipeline import PipelineState, PipelineTransition, StallThresholds
from lakehook.domain.time import format_duration, parse_duration
from lakehook.ingestion.detect_stalled import (
    LEASE_SECONDS,
    MAX_RUN_SECONDS,
    PublishStalledPipelines,
)
from tests.builders import an_event
from tests.fakes import FakeClock, FakeJournal
from tests.fakes_ingress import FakePublisher
from tests.journaling import append_step, load_event

MINUTE, HOUR = 60.0, 3600.0


class World:
    def __init__(self) -> None:
        self.clock, self.publisher = FakeClock(), FakePublisher()
        self.journal = FakeJournal(clock=self.clock)
        self.thresholds = StallThresholds()

    def accept(self, event_type: str = "PIPELINE_CREATED", **changes: object) -> None:
        self.take(an_event(event_type=event_type, **changes))

    def take(self, event: Event) -> None:
        pipeline, _ = load_event(self.journal, event)
        advance = pipeline.apply(event)
        assert isinstance(advance, PipelineTransition)
        append_step(self.journal, advance)

    def tick(self) -> int:
        publish = self.publisher.publish
        return PublishStalledPipelines(self.journal, publish, self.clock, self.thresholds)()

    def published_keys(self) -> list[str]:
        return [event.pipeline_id for event in self.publisher.published]


@pytest.fixture
def world() -> World:
    return World()


def test_a_pipeline_stalls_when_its_state_is_as_old_as_its_threshold(world: World):
    world.accept()
    world.accept("PIPELINE_RUNNING", pipeline_id=40)

    published_counts = []
    for seconds in (15 * MINUTE - 1, 1, 24 * HOUR - 15 * MINUTE - 1, 1):
        world.clock.sleep(seconds)
        published_counts.append(world.tick())
        for event in world.publisher.published[sum(published_counts[:-1]) :]:
            world.take(event)

    assert published_counts == [0, 1, 0, 1]
    assert world.published_keys() == ["39", "40"]


def test_a_stall_says_how_long_and_in_which_state(world: World):
    world.accept(pipeline_id=39)
    world.clock.sleep(26 * HOUR + 59)

    world.tick()

    (stall,) = world.publisher.published
    assert stall.document == {
        "pipeline_id": 39,
        "event_type": "PIPELINE_STALLED",
        "trigger_source": "blueprint:7",
        "timestamp": "2026-01-02T14:00:59.000+00:00",
        "event_id": stall.id,
        "project_name": "湖",
        "message": "created for 26 hours, and no change of state was reported",
        "data": {
            "state": "created",
            "since": "2026-01-01T12:00:00.000+00:00",
            "seconds": 93659,
            "round": 1,
        },
    }


def test_stalls_at_a_slow_queue_leave_time_for_the_rest_of_the_tick(world: World):
    for number in range(100):
        world.accept(pipeline_id=number)
    world.clock.sleep(HOUR)
    publish, started = world.publisher.publish, world.clock.now()

    def publish_slowly(events: Iterable[Event]) -> int:
        world.clock.sleep(4)
        return publish(events)

    world.publisher.publish = publish_slowly  # type: ignore[method-assign, assignment]

    assert 0 < world.tick() < 100
    assert world.clock.now() - started < MAX_RUN_SECONDS + 4


def test_a_stall_names_the_pipeline_and_its_page_as_earlier_events_did(world: World):
    facts = {"pipeline_name": "nightly", "pipeline_url": "https://devlake.example/p/39"}
    world.accept(source="staging", **facts)
    world.accept("PIPELINE_RUNNING", source="staging", trigger_source="unknown", project_name=...)
    world.accept()
    world.clock.sleep(24 * HOUR)

    world.tick()

    other_stall, stall = sorted(world.publisher.published, key=lambda event: event.pipeline_key)
    assert (other_stall.pipeline_key, stall.pipeline_key) == ("39", "staging/39")
    expected = facts | {"trigger_source": "blueprint:7", "project_name": "湖"}
    assert stall.document.items() >= expected.items()


def test_a_producers_clock_makes_no_pipeline_stall(world: World):
    world.accept(timestamp="1999-01-01T00:00:00Z", created_at="1999-01-01T00:00:00Z")

    assert world.tick() == 0


def test_a_project_has_thresholds_of_its_own(world: World):
    project_thresholds = {"quick": {"created": "1m"}, "slow": {"created": "1h", "running": "48h"}}
    world.thresholds = StallThresholds.parse(
        json.dumps({"created": "15m", "projects": project_thresholds})
    )
    for number, project in enumerate(["quick", "slow", "other", ...]):
        world.accept(pipeline_id=number, project_name=project)

    published_counts = []
    for minutes in (1, 14, 45):
        world.clock.sleep(minutes * MINUTE)
        published_counts.append([*world.published_keys(), world.tick()][-1])
        for event in world.publisher.published[sum(published_counts[:-1]) :]:
            world.take(event)

    assert published_counts == [1, 2, 1]
    assert world.published_keys() == ["0", "2", "3", "1"]


def test_of_two_schedulers_one_publishes_a_stall(world: World):
    world.accept()
    world.clock.sleep(HOUR)

    assert [world.tick(), world.tick()] == [1, 0]


def test_a_stall_that_was_lost_is_published_again_with_the_same_id(world: World):
    world.accept()
    world.clock.sleep(HOUR)
    world.tick()
    world.clock.sleep(LEASE_SECONDS)

    assert world.tick() == 1

    first, second = world.publisher.published
    assert first.id == second.id


def test_a_state_that_comes_again_may_stall_again(world: World):
    world.accept()
    world.clock.sleep(HOUR)
    world.tick()
    world.take(world.publisher.published[0])
    world.accept("PIPELINE_CANCELLED", timestamp="2026-01-01T13:00:00Z")
    world.accept(timestamp="2026-01-01T14:00:00Z")
    world.clock.sleep(HOUR)

    assert world.tick() == 1

    assert len({event.id for event in world.publisher.published}) == 2


def test_a_pipeline_that_has_ended_never_stalls(world: World):
    world.accept()
    world.accept("PIPELINE_CANCELLED")
    world.accept("TASK_RUNNING", pipeline_id=40)
    world.clock.sleep(1000 * HOUR)

    assert world.tick() == 0


# --- thresholds and durations ---


def test_a_threshold_missing_in_the_setting_has_its_default():
    assert StallThresholds.parse("{}") == StallThresholds()
    assert StallThresholds.parse('{"running": "2h"}').limits == {
        PipelineState.CREATED: 15 * MINUTE,
        PipelineState.RUNNING: 2 * HOUR,
    }


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "not JSON"),
        ("[]", "not a JSON object"),
        ("7", "stall thresholds"),
        ('{"ended": "1h"}', "'ended' is not a state that stalls"),
        ('{"created": 900}', "created: '900' is not a duration such as 45s"),
        ('{"created": "soon"}', "created: 'soon' is not a duration such as 45s"),
        ('{"projects": {"lake": "1h"}}', "stall thresholds"),
        ('{"projects": []}', "stall thresholds"),
    ],
)
def test_a_bad_setting_is_refused_with_the_way_out(text: str, names: str):
    with pytest.raises(InvalidInput) as refused:
        StallThresholds.parse(text)

    assert names in str(refused.value)
    assert '"created": "15m"' in str(refused.value)


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("90s", 90), ("15m", 900), ("24h", 86400), ("7d", 604800)]
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: float):
    assert parse_duration(text, what="x", longest=604800) == seconds


@given(st.text())
def test_any_text_is_a_duration_or_refused(text: str):
    try:
        assert 0 <= parse_duration(text, what="x", longest=60) <= 60
    except InvalidInput as refused:
        message = str(refused)
        assert message.isprintable()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"),
        (1.9, "1 second"),
        (60, "1 minute"),
        (90, "90 seconds"),
        (900, "15 minutes"),
        (3600, "1 hour"),
        (5400, "90 minutes"),
        (93659, "26 hours"),
        (200_000, "2 days"),
    ],
)
def test_seconds_are_formatted(seconds: float, text: str):
    assert format_duration(seconds) == text


# --- listing them ---
