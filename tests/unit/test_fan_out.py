import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from lakehook.domain.errors import InfrastructureError
from lakehook.domain.event import Event, EventType
from lakehook.domain.pipeline import EventSkip, PipelineTransition, SkipReason
from lakehook.domain.subscription import WEBHOOK
from lakehook.ports.stores import LoadedEvent
from tests.builders import a_notice, a_subscription
from tests.fanning_out import FanOutFunction

Append = Callable[[Sequence[PipelineTransition | EventSkip]], Mapping[str, Any]]


class World(FanOutFunction):
    def __init__(self) -> None:
        all_events = a_subscription(id="sub_all")
        failures = a_subscription(id="sub_bad", event_types=(EventType.PIPELINE_FAILED,))
        super().__init__(all_events, failures)


@pytest.fixture
def world() -> World:
    return World()


def test_each_source_counts_its_own_pipelines(world: World):
    """The end of a DevLake's pipeline 39 is not stale after that of another DevLake's."""
    ends = [
        a_notice("m1", event_type="PIPELINE_COMPLETED"),
        a_notice("m2", event_type="PIPELINE_FAILED", source="staging"),
        a_notice("m3", event_type="PIPELINE_FAILED", source="production"),
    ]

    assert world.fan_out(ends) == []

    assert [delivery_id for delivery_id in world.sent() if delivery_id.startswith("sub_all")] == [
        f"sub_all#{key}#{sequence}"
        for sequence in (1, 2)
        for key in ("39", "staging/39", "production/39")
    ]
    inferred = {
        delivery.event.id: delivery.event.source
        for delivery in world.queue.sent
        if delivery.sequenced.event.is_inferred
    }
    assert sorted(map(str, inferred.values())) == ["None", "production", "staging"]


def test_a_subscription_gets_the_events_it_wants_and_no_others(world: World):
    task_subscriber = a_subscription(id="sub_task", event_types=(EventType.TASK_FAILED,))
    for subscription in (
        task_subscriber,
        a_subscription(id="sub_gone", removed_at="2026-01-01T00:00:00Z"),
    ):
        world.subscriptions.put(subscription)
    task = a_notice("m3", pipeline_id=40, event_type="TASK_FAILED", task={"id": 3, "plugin": "a"})

    world.fan_out([a_notice("m1"), a_notice("m2", event_type="PIPELINE_FAILED"), task])

    assert sorted(world.sent()) == ["sub_all#39#1", "sub_all#39#2", "sub_bad#39#2", "sub_task#40#1"]


def test_a_repeat_of_an_older_event_is_dropped(world: World):
    world.fan_out([a_notice("m1"), a_notice("m2", event_type="PIPELINE_RUNNING")])

    world.fan_out([a_notice("m3")])

    assert world.sent() == ["sub_all#39#1", "sub_all#39#2"]
    assert world.telemetry.reports[-1] == ("repeated", 1)


def test_an_invalid_message_is_quarantined_and_its_pipeline_continues(world: World):
    bad = a_notice("m1", event_type="PIPELINE_LOST")

    failed = world.fan_out([bad, a_notice("m2")])

    assert failed == []
    assert [notice for notice, _ in world.invalid_events.parked] == [bad]
    assert "PIPELINE_LOST" in world.invalid_events.parked[0][1]
    assert world.sent() == ["sub_all#39#1"]


def test_an_event_that_could_not_be_sent_comes_again_with_all_that_follow_it(world: World):
    world.queue.refused = {"sub_all#39#1"}
    batch = [a_notice("m1"), a_notice("m2", event_type="PIPELINE_RUNNING")]
    failed = world.fan_out([*batch, a_notice("m3", pipeline_id=40)])
    assert (failed, world.sent()) == (batch, ["sub_all#40#1"])
    world.queue.refused, world.queue.sent = set(), []

    world.fan_out(failed)

    assert world.sent() == ["sub_all#39#1", "sub_all#39#2"]


def test_an_error_in_a_pipeline_leaves_the_others_alone(world: World):
    world.journal.append = _fail_for("39", world.journal.append)  # type: ignore[method-assign]

    failed = world.fan_out([a_notice("m1"), a_notice("m2", pipeline_id=40)])

    assert [notice.id for notice in failed] == ["m1"]
    assert world.sent() == ["sub_all#40#1"]
    assert world.telemetry.reports[0][0] == "internal_error"


# --- a source that races or loses ---

BEGAN, ENDED = "2024-09-05T15:09:00+08:00", "2024-09-05T15:10:00+08:00"
LONE_END = a_notice("m1", event_type="PIPELINE_FAILED", began_at=BEGAN, timestamp=ENDED)


def test_inferred_events_are_sent_before_the_event_in_order(world: World):
    world.fan_out([LONE_END, a_notice("m2", pipeline_id=40)])

    assert world.sent() == [
        "sub_all#39#1",
        "sub_all#40#1",
        "sub_all#39#2",
        "sub_all#39#3",
        "sub_bad#39#3",
    ]
    deliveries = [delivery for delivery in world.queue.sent if delivery.lane.pipeline_key == "39"]
    assert [(delivery.event.type, delivery.event.is_inferred) for delivery in deliveries[:3]] == [
        (EventType.PIPELINE_CREATED, True),
        (EventType.PIPELINE_RUNNING, True),
        (EventType.PIPELINE_FAILED, False),
    ]
    assert [delivery.sequenced.previous_event_type for delivery in deliveries[:3]] == [
        None,
        "PIPELINE_CREATED",
        "PIPELINE_RUNNING",
    ]


def test_a_repeat_of_the_newest_event_sends_its_inferred_events_again(world: World):
    world.fan_out([LONE_END])
    first = list(world.queue.sent)

    world.fan_out([LONE_END])

    assert world.queue.sent == first * 2


@pytest.mark.parametrize("channel", [WEBHOOK, "devlake"])
def test_a_pattern_may_select_only_events_that_the_source_posted(world: World, channel: str):
    pattern = '{"inferred": [{"exists": false}], "reconciled": [{"exists": false}]}'
    world.subscriptions.put(a_subscription(id="sub_own", channel=channel, pattern=pattern))
    reconciled = a_notice("m2", pipeline_id=40, reconciled=True)

    world.fan_out([LONE_END, reconciled])

    assert [delivery_id for delivery_id in world.sent() if delivery_id.startswith("sub_own")] == [
        "sub_own#39#3"
    ]


KNOWN_TRIGGER, UNKNOWN_TRIGGER = {"trigger_source": "blueprint:7"}, {"trigger_source": "unknown"}


def triggers(world: World) -> list[str]:
    return [
        delivery.event.trigger_source
        for delivery in world.queue.sent
        if delivery.lane.subscription_id == "sub_all"
    ]


def test_a_known_trigger_holds_for_all_later_events(world: World):
    end = {"event_type": "PIPELINE_FAILED", "began_at": BEGAN}
    world.fan_out(
        [
            a_notice("m1", **KNOWN_TRIGGER),
            a_notice("m2", **UNKNOWN_TRIGGER, **end),
            a_notice("m3", **UNKNOWN_TRIGGER, event_type="TASK_FAILED"),
            a_notice("m4", **UNKNOWN_TRIGGER, pipeline_id=40),
            a_notice("m5", **UNKNOWN_TRIGGER, source="staging"),
        ]
    )

    triggers_by_lane = {
        str(delivery.lane): delivery.event.trigger_source for delivery in world.queue.sent
    }
    assert triggers_by_lane == {
        "sub_all#39": "blueprint:7",
        "sub_bad#39": "blueprint:7",
        "sub_all#40": "unknown",
        "sub_all#staging/39": "unknown",
    }
    assert triggers(world).count("blueprint:7") == 3  # the run that was inferred too


def test_a_skipped_event_may_still_tell_the_trigger(world: World):
    world.fan_out(
        [
            a_notice("m1", **UNKNOWN_TRIGGER),
            a_notice("m2", **KNOWN_TRIGGER, event_id="repeat"),
            a_notice("m3", **UNKNOWN_TRIGGER, event_type="PIPELINE_RUNNING"),
        ]
    )

    assert triggers(world) == ["unknown", "blueprint:7"]
    (aside,) = world.journal.skipped("39")
    assert aside.reason is SkipReason.DUPLICATE


def test_a_producer_that_says_another_trigger_is_believed(world: World):
    rerun = a_notice("m2", trigger_source="manual", event_type="PIPELINE_RUNNING")

    world.fan_out([a_notice("m1", **KNOWN_TRIGGER), rerun])

    assert triggers(world) == ["blueprint:7", "manual"]


def test_a_late_original_of_an_inferred_event_is_a_duplicate(world: World):
    world.fan_out([LONE_END])

    failed = world.fan_out([a_notice("m2"), a_notice("m3", event_type="PIPELINE_RUNNING")])

    assert failed == []
    assert len(world.sent()) == 4
    assert [name for name, _ in world.telemetry.reports[-2:]] == ["duplicate", "duplicate"]


def test_a_notice_of_an_older_round_is_recorded_and_not_sent(world: World):
    world.fan_out([LONE_END])
    older = a_notice(
        "m2", event_type="PIPELINE_RUNNING", began_at="2024-09-05T15:08:30+08:00", event_id="old"
    )

    world.fan_out([older])

    assert len(world.sent()) == 4
    (aside,) = world.journal.skipped("39")
    assert (aside.event.id, aside.reason) == ("old", SkipReason.STALE)
    assert world.telemetry.reports[-1] == ("stale", "old")


def test_when_the_queue_is_away_everything_comes_again(world: World):
    def away(_: object) -> set[str]:
        raise InfrastructureError("SQS is away")

    world.queue.enqueue_deliveries = away  # type: ignore[method-assign]

    assert [notice.id for notice in world.fan_out([a_notice("m1"), a_notice("m2")])] == ["m1", "m2"]


def _fail_for(pipeline: str, append: Append) -> Append:
    def failing(steps: Sequence[PipelineTransition | EventSkip]) -> Mapping[str, Any]:
        failures = append([step for step in steps if step.before.key != pipeline])
        return {**failures, pipeline: InfrastructureError("written by another")}

    return failing


def test_an_event_that_no_release_can_read_stops_its_own_pipeline_alone(world: World):
    load = world.journal.load

    def fail(events: Sequence[Event]) -> Sequence[LoadedEvent]:
        if any(event.pipeline_key == "39" for event in events):
            raise ValueError("a counter that no release can read")
        return load(events)

    world.journal.load = fail  # type: ignore[method-assign]

    failed = world.fan_out([a_notice("m1"), *(a_notice(f"m{n}", pipeline_id=n) for n in (40, 41))])

    assert [notice.id for notice in failed] == ["m1"]
    assert world.sent() == ["sub_all#40#1", "sub_all#41#1"]


def test_during_an_outage_of_the_journal_a_batch_is_tried_once(world: World):
    batch_sizes: list[int] = []

    def fail(events: Sequence[Event]) -> Sequence[LoadedEvent]:
        batch_sizes.append(len(events))
        raise InfrastructureError("DynamoDB is away")

    world.journal.load = fail  # type: ignore[method-assign]

    assert len(world.fan_out([a_notice("m1"), a_notice("m2", pipeline_id=40)])) == 2
    assert batch_sizes == [2]


def test_an_event_that_a_format_does_not_support_is_not_sent(world: World):
    world.subscriptions.put(a_subscription(id="sub_d", channel="devlake"))

    world.fan_out([a_notice("m1", pipeline_id="nightly"), a_notice("m2", pipeline_id=40)])

    assert sorted(world.sent()) == ["sub_all#40#1", "sub_all#nightly#1", "sub_d#40#1"]


def test_the_time_of_each_devlakes_last_notice_is_recorded(world: World):
    world.fan_out(
        [
            a_notice("m1", event_id="devlake:39:PIPELINE_CREATED:1"),
            a_notice("m2", pipeline_id="7"),  # of another producer
            a_notice("m3", event_id="devlake:staging/39:PIPELINE_CREATED:1", source="staging"),
        ]
    )

    accepted = {source: heard.accepted for source, heard in world.heard.records.items()}
    assert {source: last and last.event_id for source, last in accepted.items()} == {
        None: "devlake:39:PIPELINE_CREATED:1",
        "staging": "devlake:staging/39:PIPELINE_CREATED:1",
    }


def test_a_failure_to_record_when_devlake_was_heard_costs_no_delivery(world: World):
    world.heard.away = True

    failed = world.fan_out([a_notice("m1", event_id="devlake:39:PIPELINE_CREATED:1")])

    assert (failed, world.sent()) == ([], ["sub_all#39#1"])
    (trouble,) = (report for report in world.telemetry.reports if report[0] == "internal_error")
    assert str(trouble[1]) == "DynamoDB is away"


def test_a_pattern_that_takes_too_long_is_reported_and_its_event_is_sent(world: World):
    pattern = json.dumps({"data": {"l": [{"suffix": "x"}] * 200}})
    world.subscriptions.by_id["sub_all"] = a_subscription(id="sub_all", pattern=pattern)

    assert world.fan_out([a_notice(data={"l": ["a"] * 20_000})]) == []

    assert world.sent() == ["sub_all#39#1"]
    assert ("pattern_exhausted", "sub_all") in world.telemetry.reports
