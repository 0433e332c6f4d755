"""Replays from their start to their end: counts, deliveries and interruptions."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from lakehook.domain.destination import Endpoint
from lakehook.domain.errors import InfrastructureError, InvalidInput, NotFound
from lakehook.domain.event import EventType
from lakehook.domain.lane import DeliveryStatus
from lakehook.domain.pipeline import AcceptedEvent
from lakehook.domain.replay import ReplayRequest, ReplayState
from lakehook.ports.stores import JournalPage
from lakehook.replay.manage import ReplayCount, StopReplay
from tests.builders import a_subscription
from tests.fakes import NOON
from tests.replaying import World
from tests.ticking import a_tick

DELIVERED, DEAD, WAITING = DeliveryStatus.DELIVERED, DeliveryStatus.DEAD, DeliveryStatus.WAITING


@pytest.fixture
def world() -> World:
    return World()


def test_all_deliveries_are_replayed_in_order_with_their_ids_and_marked(world: World):
    world.pass_through(1)
    world.pass_through(2)
    world.record(1, DELIVERED, 1, 2, 3)
    world.record(2, DELIVERED, 1, 2, 3)

    replay = world.replay()
    world.process_resumes()

    assert (replay.state, replay.matched, replay.sent) == (ReplayState.DONE, 6, 6)
    assert world.received_ids == ["1#1", "1#2", "1#3", "2#1", "2#2", "2#3"]
    assert all(sending.replayed for sending in world.sent)
    assert world.statuses(1) == [DELIVERED] * 3
    assert world.ledger.lanes == {}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("dead", ["1#2"]),
        ("delivered", ["1#1"]),
        ("missing", ["2#2"]),
        ("any", ["1#1", "1#2", "2#1", "2#2"]),
    ],
)
def test_deliveries_are_selected_by_status_and_waiting_ones_are_left(
    world: World, status: str, expected: list[str]
):
    world.pass_through(1)
    world.record(1, DELIVERED, 1)
    world.record(1, DEAD, 2)
    world.record(1, WAITING, 3)
    world.pass_through(2, "CREATED", "RUNNING")
    world.record(2, DeliveryStatus.ABORTED, 1)

    replay = world.replay(status=status)

    records = world.ledger.records.values()
    replayed = [
        f"{record.lane.pipeline_key}#{record.sequence}" for record in records if record.replayed_by
    ]
    assert sorted(replayed) == expected
    assert (replay.sent, replay.waiting) == (len(expected), 1)


def test_only_events_of_the_time_range_and_types_are_replayed(world: World):
    world.pass_through(1, "CREATED")
    world.clock.sleep(600)
    world.pass_through(1, "RUNNING", "COMPLETED")
    world.clock.sleep(600)
    world.pass_through(2, "CREATED")
    world.clock.sleep(60)

    world.replay(since="15m", until="2m", event_types=("PIPELINE_COMPLETED", "PIPELINE_CREATED"))
    world.process_resumes()

    assert world.received_ids == ["1#3"]


def test_a_replay_follows_the_present_filters_of_the_subscription(world: World):
    world.pass_through(1)
    world.pass_through(2, "CREATED")
    pattern = '{"pipeline_id": [1]}'
    failures = a_subscription(event_types=(EventType.PIPELINE_RUNNING,), pattern=pattern)
    world.subscriptions.put(failures)

    world.replay()
    world.process_resumes()

    assert world.received_ids == ["1#2"]


def test_an_event_that_the_format_does_not_support_is_not_replayed(world: World):
    world.pass_through(1, "CREATED", "STALLED")
    endpoint = Endpoint.parse("https://ci.example/devlake")
    world.subscriptions.put(a_subscription(channel="devlake", endpoint=endpoint))

    assert world.start().replay.matched == 1


def test_a_replay_is_counted_before_it_starts_and_a_count_writes_nothing(world: World):
    world.pass_through(1)
    world.pass_through(2, "CREATED")
    world.record(1, WAITING, 1)
    world.journal.events_a_page = 2
    terms = world.start_replay.criteria(ReplayRequest(since="1h"))

    tally = world.count(terms, world.subscription)

    by_type = {"PIPELINE_CREATED": 1, "PIPELINE_RUNNING": 1, "PIPELINE_COMPLETED": 1}
    assert tally == ReplayCount(deliveries=3, pipelines=2, waiting=1, by_type=by_type)
    assert world.replays.list_open() == []
    assert world.statuses(1) == [WAITING]


def test_a_tick_lines_up_a_minute_of_its_rate_and_spreads_it(world: World):
    for pipeline in range(100, 140):
        world.pass_through(pipeline, "CREATED")

    world.start(rate="30/m")
    first_count = world.tick()
    second_count = world.tick()

    assert (first_count, second_count) == (30, 0)
    dues = sorted(held.due_at - NOON for held in world.ledger.lanes.values())
    assert dues == [2.0 * number for number in range(30)]


def test_a_rate_of_less_than_one_a_minute_is_kept_too(world: World):
    for pipeline in range(100, 103):
        world.pass_through(pipeline, "CREATED")
    world.start(rate="20/h")
    counts = []

    for _ in range(8):
        counts.append(world.tick())
        world.clock.sleep(60)

    assert counts == [1, 0, 0, 1, 0, 0, 1, 0]


def test_a_minute_without_a_tick_is_not_made_up_for(world: World):
    for pipeline in range(100, 300):
        world.pass_through(pipeline, "CREATED")
    world.start(rate="30/m")
    world.tick()

    world.clock.sleep(3600)

    assert world.tick() == 30


def test_pages_and_ticks_break_anywhere_and_each_pipeline_goes_out_once(world: World):
    for pipeline in range(10, 20):
        world.pass_through(pipeline)
    world.journal.events_a_page = 4

    replay = world.replay(rate="5/m")
    world.process_resumes()

    assert (replay.sent, replay.failed) == (30, 0)
    assert world.received_ids == [
        f"{pipeline}#{n}" for pipeline in range(10, 20) for n in (1, 2, 3)
    ]


class Dead(BaseException):
    """A kill: no error handler catches it."""


def fail_at_last_write(write: Callable[..., Any], writes_left: Iterator[int]) -> Callable[..., Any]:
    """Wrap a write, so that the process is killed right after the last one left."""

    def writing(*args: Any, **kwargs: Any) -> Any:
        result = write(*args, **kwargs)
        if next(writes_left, 0) == 1:
            raise Dead
        return result

    return writing


@pytest.mark.parametrize("writes", range(1, 9))
def test_a_scheduler_killed_at_any_write_sends_nothing_twice_and_loses_nothing(
    world: World, writes: int
):
    for pipeline in (1, 2, 3):
        world.pass_through(pipeline)
        world.record(pipeline, DELIVERED, 1, 2, 3)
    world.journal.events_a_page = 2
    started = world.start().replay
    writes_left = iter(range(writes, 0, -1))
    world.replays.save = fail_at_last_write(world.replays.save, writes_left)  # type: ignore[method-assign]
    world.ledger.requeue = fail_at_last_write(world.ledger.requeue, writes_left)  # type: ignore[method-assign]

    with pytest.raises(Dead):
        world.tick()
    world.process_resumes()  # resumed lanes are sent before the next tick
    replay = world.tick_until_ended(started)
    world.clock.sleep(60)
    a_tick(world.ledger, world.queue, world.clock).resume_lanes()
    world.process_resumes()

    assert (replay.matched, replay.sent) == (9, 9)
    by_pipeline = [
        [delivery_id for delivery_id in world.received_ids if delivery_id.startswith(f"{n}#")]
        for n in (1, 2, 3)
    ]
    assert by_pipeline == [[f"{n}#{sequence}" for sequence in (1, 2, 3)] for n in (1, 2, 3)]


def test_two_ticks_at_once_share_nothing(world: World):
    world.pass_through(1)
    world.pass_through(2)
    world.start()
    second_counts = []
    open_ = world.replays.list_open()
    page = world.journal.page

    def tick_during_read(**criteria: Any) -> JournalPage:
        world.journal.page = page  # type: ignore[method-assign]
        world.replays.list_open = lambda: open_  # type: ignore[method-assign]
        second_counts.append(world.tick())
        return page(**criteria)

    world.journal.page = tick_during_read  # type: ignore[method-assign]

    assert world.tick() == 6
    assert second_counts == [0]


def test_a_repeated_start_returns_the_running_replay(world: World):
    world.pass_through(1)
    first = world.start(since="2h")
    world.clock.sleep(5)

    second = world.start(since="2h")

    assert (first.already_running, second.already_running) == (False, True)
    assert second.replay == first.replay


def test_a_second_replay_waits_until_the_first_has_ended(world: World):
    first = world.start().replay

    with pytest.raises(InvalidInput, match=f"{first.id}.*lakehook replays stop {first.id}"):
        world.start(status="dead")

    world.tick_until_ended(first)
    assert not world.start(status="dead").already_running


def test_a_stopped_replay_enqueues_nothing_more_and_enqueued_deliveries_go_out(world: World):
    for pipeline in range(10, 20):
        world.pass_through(pipeline, "CREATED")
    started = world.start(rate="3/m").replay
    world.tick()

    stopped = StopReplay(world.look_up, world.clock)(started.id)
    world.clock.sleep(60)
    world.tick()
    world.process_resumes()

    assert (stopped.state, stopped.reason) == (ReplayState.STOPPED, "by an operator")
    assert len(world.received_ids) == 3
    assert StopReplay(world.look_up, world.clock)(started.id) == stopped
    with pytest.raises(NotFound):
        world.look_up("rpl_unknown")


def test_a_removed_subscription_stops_its_replay(world: World):
    world.pass_through(1)
    started = world.start().replay
    world.subscriptions.put(world.subscription.removed(at=NOON))

    world.tick()

    ended = world.look_up(started.id)
    assert (ended.state, ended.reason) == (ReplayState.STOPPED, "subscription_removed")
    assert world.ledger.lanes == {}


def test_a_failing_replay_stops_no_other_and_continues_after_the_error(world: World):
    world.pass_through(1)
    other_subscription = a_subscription(id="sub_b")
    world.subscriptions.put(other_subscription)
    first = world.start().replay
    world.clock.sleep(1)
    world.start_replay(other_subscription, world.start_replay.criteria(ReplayRequest(since="1h")))
    page, errors = world.journal.page, [InfrastructureError("simulated")]
    world.journal.page = lambda **criteria: raise_next(errors) or page(**criteria)  # type: ignore[method-assign]

    assert world.tick() == 3
    assert world.telemetry.reports[0][0] == "internal_error"
    assert world.tick_until_ended(first).sent == 3


def raise_next(errors: list[InfrastructureError]) -> None:
    if errors:
        raise errors.pop()


def test_a_pipeline_that_cannot_be_read_is_left_out_and_reported(world: World):
    for pipeline in (1, 2, 3):
        world.pass_through(pipeline, "CREATED")
    history = world.journal.events

    def poisoned(pipeline: str) -> Sequence[AcceptedEvent]:
        if pipeline == "2":
            raise KeyError("sequence")
        return history(pipeline)

    world.journal.events = poisoned  # type: ignore[method-assign]

    replay = world.replay()

    assert (replay.state, replay.sent, replay.failed) == (ReplayState.DONE, 2, 1)
    assert "internal_error" in dict(world.telemetry.reports)


def test_a_start_before_the_journals_retention_is_a_warning(world: World):
    world.kept_days = 14

    world.start_replay.criteria(ReplayRequest(since="14d"))
    world.start_replay.criteria(ReplayRequest(since="15d"))

    warning = "since: 15d: events are kept for 14 days; what is older is not sent"
    assert world.warnings == [warning]


@pytest.mark.parametrize(
    ("wish", "complaint"),
    [
        ({"since": "2026-01-01T12:00:00"}, "since: .* is neither a time with an offset"),
        ({"since": "1767272400"}, "since: '1767272400' is in the future"),
        ({"since": "1h", "until": "2026-01-02T12:00:00Z"}, "until: .* is in the future"),
        ({"since": "1h", "until": "2h"}, "since: '1h' is after until, '2h'"),
        ({"since": "1h", "event_types": ("X",)}, "event type: 'X' is not one"),
        ({"since": "1h", "status": "lost"}, "status: 'lost' is not one of dead, delivered"),
        ({"since": "1h", "rate": "0/s"}, "rate: '0/s' is not a rate such as 20/m"),
    ],
)
def test_an_invalid_request_is_refused_and_nothing_is_saved(
    world: World, wish: dict[str, str], complaint: str
):
    with pytest.raises(InvalidInput, match=complaint):
        world.start(**wish)

    assert world.replays.list_open() == []


def test_a_new_subscription_receives_past_events_once_and_in_order(world: World):
    world.pass_through(1, "CREATED", "RUNNING")
    world.pass_through(2, "CREATED")
    terms = world.start_replay.criteria(ReplayRequest(since="0"))
    started = world.start_replay.for_new(world.subscription, terms).replay
    (in_both,) = world.fan_out(2, "RUNNING")  # accepted before the replay begins, and delivered
    world.receive(in_both)

    assert world.tick() == 0, "some fan-out may not know the subscription yet"
    world.clock.sleep(61)
    replay = world.tick_until_ended(started)
    world.process_resumes()

    assert (replay.matched, replay.sent) == (None, 3)
    assert sorted(world.received_ids) == ["1#1", "1#2", "2#1", "2#2"]
    assert world.received_ids.index("1#1") < world.received_ids.index("1#2")


def test_an_event_not_yet_fanned_out_to_a_new_subscription_is_not_lost(world: World):
    terms = world.start_replay.criteria(ReplayRequest(since="0"))
    started = world.start_replay.for_new(world.subscription, terms).replay
    world.clock.sleep(20)
    world.pass_through(1, "CREATED")  # by a fan-out that does not know it yet

    world.clock.sleep(41)
    world.tick_until_ended(started)
    world.process_resumes()

    assert world.received_ids == ["1#1"]


def test_a_pending_subscription_receives_past_events_once_it_is_confirmed(world: World):
    world.pass_through(1, "CREATED")
    world.subscriptions.put(replace(world.subscription, pending_since="2026-01-01T12:00:00Z"))
    terms = world.start_replay.criteria(ReplayRequest(since="0"))
    started = world.start_replay.for_new(world.subscription, terms).replay
    for _ in range(2):
        assert world.tick() == 0
        world.clock.sleep(3600)
    world.pass_through(1, "RUNNING")

    world.subscriptions.put(replace(world.subscription, pending_since=None))
    world.tick()
    world.clock.sleep(61)
    world.tick_until_ended(started)
    world.process_resumes()

    assert world.received_ids == ["1#1", "1#2"]
