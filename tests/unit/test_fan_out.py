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
        everything = a_subscription(id="sub_all")
        failures = a_subscription(id="sub_bad", event_types=(EventType.PIPELINE_FAILED,))
        super().__init__(everything, failures)


@pytest.fixture
def world() -> World:
    return World()


def test_each_source_counts_its_own_pipelines(world: World):
    """So the end of one DevLake's pipeline 39 is not stale after that of another's."""
    ends = [
        a_notice("m1", event_type="PIPELINE_COMPLETED"),
        a_notice("m2", event_type="PIPELINE_FAILED", source="staging"),
        a_notice("m3", event_type="PIPELINE_FAILED", source="production"),
    ]

    assert world.fan_out(ends) == []

    assert [one for one in world.sent() if one.startswith("sub_all")] == [
        f"sub_all#{key}#{sequence}"
        for sequence in (1, 2)
        for key in ("39", "staging/39", "production/39")
    ]
    inferred = {
        one.event.id: one.event.source
        for one in world.queue.sent
        if one.sequenced.event.is_inferred
    }
    assert sorted(map(str, inferred.values())) == ["None", "production", "staging"]


def test_a_subscription_gets_the_events_it_wants_and_no_others(world: World):
    asking = a_subscription(id="sub_task", event_types=(EventType.TASK_FAILED,))
    for one in (asking, a_subscription(id="sub_gone", removed_at="2026-01-01T00:00:00Z")):
        world.subscriptions.put(one)
    task = a_notice("m3", pipeline_id=40, event_type="TASK_FAILED", task={"id": 3, "plugin": "a"})

    world.fan_out([a_notice("m1"), a_notice("m2", event_type="PIPELINE_FAILED"), task])

    assert sorted(world.sent()) == ["sub_all#39#1", "sub_all#39#2", "sub_bad#39#2", "sub_task#40#1"]


def test_a_repeat_of_an_older_event_is_dropped(world: World):
    world.fan_out([a_notice("m1"), a_notice("m2", event_type="PIPELINE_RUNNING")])

    world.fan_out([a_notice("m3")])

    assert world.sent() == ["sub_all#39#1", "sub_all#39#2"]
    assert world.telemetry.reports[-1] == ("repeated", 1)


def test_a_bad_message_is_parked_and_its_pipeline_goes_on(world: World):
    bad = a_notice("m1", event_type="PIPELINE_LOST")

    again = world.fan_out([bad, a_notice("m2")])

    assert again == []
    assert [notice for notice, _ in world.invalid_events.parked] == [bad]
    assert "PIPELINE_LOST" in world.invalid_events.parked[0][1]
    assert world.sent() == ["sub_all#39#1"]


def test_what_could_not_be_sent_comes_again_with_all_that_follows_it(world: World):
    world.queue.refused = {"sub_all#39#1"}
    batch = [a_notice("m1"), a_notice("m2", event_type="PIPELINE_RUNNING")]
    again = world.fan_out([*batch, a_notice("m3", pipeline_id=40)])
    assert (again, world.sent()) == (batch, ["sub_all#40#1"])
    world.queue.refused, world.queue.sent = set(), []

    world.fan_out(again)

    assert world.sent() == ["sub_all#39#1", "sub_all#39#2"]


def test_trouble_with_one_pipeline_leaves_the_others_alone(world: World):
    world.journal.append = _fail_for("39", world.journal.append)  # type: ignore[method-assign]

    again = world.fan_out([a_notice("m1"), a_notice("m2", pipeline_id=40)])

    assert [notice.id for notice in again] == ["m1"]
    assert world.sent() == ["sub_all#40#1"]
    assert world.telemetry.reports[0][0] == "trouble"


# --- a source that races or loses ---

BEGAN, ENDED = "2024-09-05T15:09:00+08:00", "2024-09-05T15:10:00+08:00"
LONE_END = a_notice("m1", event_type="PIPELINE_FAILED", began_at=BEGAN, timestamp=ENDED)


def test_what_an_event_skipped_is_sent_before_it_one_after_the_other(world: World):
    world.fan_out([LONE_END, a_notice("m2", pipeline_id=40)])

    assert world.sent() == [
        "sub_all#39#1",
        "sub_all#40#1",
        "sub_all#39#2",
        "sub_all#39#3",
        "sub_bad#39#3",
    ]
    told = [one for one in world.queue.sent if one.lane.pipeline_key == "39"]
    assert [(one.event.type, one.event.is_inferred) for one in told[:3]] == [
        (EventType.PIPELINE_CREATED, True),
        (EventType.PIPELINE_RUNNING, True),
        (EventType.PIPELINE_FAILED, False),
    ]
    assert [one.sequenced.previous_event_type for one in told[:3]] == [
        None,
        "PIPELINE_CREATED",
        "PIPELINE_RUNNING",
    ]


def test_a_repeat_of_the_newest_event_sends_again_what_was_inferred_from_it(world: World):
    world.fan_out([LONE_END])
    first = list(world.queue.sent)

    world.fan_out([LONE_END])

    assert world.queue.sent == first * 2


@pytest.mark.parametrize("channel", [WEBHOOK, "devlake"])
def test_a_subscription_may_want_what_the_source_said_itself_and_nothing_else(
    world: World, channel: str
):
    own = '{"inferred": [{"exists": false}], "reconciled": [{"exists": false}]}'
    world.subscriptions.put(a_subscription(id="sub_own", channel=channel, pattern=own))
    reconciled = a_notice("m2", pipeline_id=40, reconciled=True)

    world.fan_out([LONE_END, reconciled])

    assert [one for one in world.sent() if one.startswith("sub_own")] == ["sub_own#39#3"]


KNOWN, UNKNOWN = {"trigger_source": "blueprint:7"}, {"trigger_source": "unknown"}


def triggers(world: World) -> list[str]:
    return [
        one.event.trigger_source
        for one in world.queue.sent
        if one.lane.subscription_id == "sub_all"
    ]


def test_what_is_once_known_of_the_trigger_holds_for_all_that_follows(world: World):
    end = {"event_type": "PIPELINE_FAILED", "began_at": BEGAN}
    world.fan_out(
        [
            a_notice("m1", **KNOWN),
            a_notice("m2", **UNKNOWN, **end),
            a_notice("m3", **UNKNOWN, event_type="TASK_FAILED"),
            a_notice("m4", **UNKNOWN, pipeline_id=40),
            a_notice("m5", **UNKNOWN, source="staging"),
        ]
    )

    heard = {str(one.lane): one.event.trigger_source for one in world.queue.sent}
    assert heard == {
        "sub_all#39": "blueprint:7",
        "sub_bad#39": "blueprint:7",
        "sub_all#40": "unknown",
        "sub_all#staging/39": "unknown",
    }
    assert triggers(world).count("blueprint:7") == 3  # the run that was inferred too


def test_what_is_not_sent_may_still_tell_the_trigger(world: World):
    world.fan_out(
        [
            a_notice("m1", **UNKNOWN),
            a_notice("m2", **KNOWN, event_id="repeat"),
            a_notice("m3", **UNKNOWN, event_type="PIPELINE_RUNNING"),
        ]
    )

    assert triggers(world) == ["unknown", "blueprint:7"]
    (aside,) = world.journal.skipped("39")
    assert aside.reason is SkipReason.DUPLICATE


def test_a_producer_that_says_another_trigger_is_believed(world: World):
    rerun = a_notice("m2", trigger_source="manual", event_type="PIPELINE_RUNNING")

    world.fan_out([a_notice("m1", **KNOWN), rerun])

    assert triggers(world) == ["blueprint:7", "manual"]


def test_a_late_original_is_absorbed_and_counted(world: World):
    world.fan_out([LONE_END])

    again = world.fan_out([a_notice("m2"), a_notice("m3", event_type="PIPELINE_RUNNING")])

    assert again == []
    assert len(world.sent()) == 4
    assert [what for what, _ in world.telemetry.reports[-2:]] == ["duplicate", "duplicate"]


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

    again = world.fan_out([a_notice("m1"), *(a_notice(f"m{n}", pipeline_id=n) for n in (40, 41))])

    assert [notice.id for notice in again] == ["m1"]
    assert world.sent() == ["sub_all#40#1", "sub_all#41#1"]


def test_during_an_outage_of_the_journal_a_batch_is_tried_once(world: World):
    asked: list[int] = []

    def fail(events: Sequence[Event]) -> Sequence[LoadedEvent]:
        asked.append(len(events))
        raise InfrastructureError("DynamoDB is away")

    world.journal.load = fail  # type: ignore[method-assign]

    assert len(world.fan_out([a_notice("m1"), a_notice("m2", pipeline_id=40)])) == 2
    assert asked == [2]


def test_what_a_format_has_no_words_for_is_not_sent_in_it(world: World):
    world.subscriptions.put(a_subscription(id="sub_d", channel="devlake"))

    world.fan_out([a_notice("m1", pipeline_id="nightly"), a_notice("m2", pipeline_id=40)])

    assert sorted(world.sent()) == ["sub_all#40#1", "sub_all#nightly#1", "sub_d#40#1"]


def test_when_each_devlake_was_heard_last_is_recorded(world: World):
    world.fan_out(
        [
            a_notice("m1", event_id="devlake:39:PIPELINE_CREATED:1"),
            a_notice("m2", pipeline_id="7"),  # of another producer
            a_notice("m3", event_id="devlake:staging/39:PIPELINE_CREATED:1", source="staging"),
        ]
    )

    heard = {source: one.accepted for source, one in world.heard.records.items()}
    assert {source: one and one.event_id for source, one in heard.items()} == {
        None: "devlake:39:PIPELINE_CREATED:1",
        "staging": "devlake:staging/39:PIPELINE_CREATED:1",
    }


def test_when_devlake_was_heard_last_is_not_worth_a_delivery(world: World):
    world.heard.away = True

    again = world.fan_out([a_notice("m1", event_id="devlake:39:PIPELINE_CREATED:1")])

    assert (again, world.sent()) == ([], ["sub_all#39#1"])
    (trouble,) = (one for one in world.telemetry.reports if one[0] == "trouble")
    assert str(trouble[1]) == "DynamoDB is away"


def test_a_pattern_that_takes_too_long_is_told_and_its_event_goes_out(world: World):
    pattern = json.dumps({"data": {"l": [{"suffix": "x"}] * 200}})
    world.subscriptions.by_id["sub_all"] = a_subscription(id="sub_all", pattern=pattern)

    assert world.fan_out([a_notice(data={"l": ["a"] * 20_000})]) == []

    assert world.sent() == ["sub_all#39#1"]
    assert ("pattern exhausted", "sub_all") in world.telemetry.reports
