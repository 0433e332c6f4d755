"""Contract of replays: their store, the scan of the journal, and requeued lanes."""

from collections.abc import Sequence
from dataclasses import replace

import boto3
import pytest

from lakehook.adapters.dynamodb.journal import DynamoJournal
from lakehook.adapters.dynamodb.ledger import DynamoLedger
from lakehook.adapters.dynamodb.replays import DynamoReplays
from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.delivery import Lane
from lakehook.domain.errors import Conflict, LaneConflict
from lakehook.domain.event import EventType
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus, HeldLane
from lakehook.domain.pipeline import PipelineTransition
from lakehook.domain.rate_limit import Rate
from lakehook.domain.replay import DeliveryFilter, Replay, ReplayCriteria, ReplayState
from lakehook.ports.stores import Journal, Ledger, ReplayStore, Requeued
from tests.builders import a_delivery, an_event
from tests.fakes import NOON, FakeClock, FakeJournal, FakeLedger
from tests.fakes_replay import FakeReplayStore
from tests.journaling import append_step, load_event

LANE = Lane("sub_a", "39")
SUCCESS = Attempt(at=NOON, outcome=Outcome.DELIVERED, milliseconds=12, status=200)


# --- jobs ---


@pytest.fixture(params=["fake", "dynamodb"])
def replays(request: pytest.FixtureRequest, clock: FakeClock) -> ReplayStore:
    if request.param == "fake":
        return FakeReplayStore()
    deployment = request.getfixturevalue("deployment")
    return DynamoReplays(boto3.client("dynamodb"), deployment.deliveries_table, clock)


def a_replay(**changes: object) -> Replay:
    terms = ReplayCriteria(
        since=NOON - 0.5,
        until=NOON,
        event_types=(EventType.PIPELINE_FAILED,),
        status=DeliveryFilter.DEAD,
        rate=Rate(20, "m"),
        requested=("2h", ""),
    )
    replay = Replay(id="rpl_1", subscription_id="sub_a", criteria=terms, started_at=NOON, matched=7)
    return replace(replay, **changes)  # type: ignore[arg-type]


def test_no_replay_is_open_at_first(replays: ReplayStore):
    assert (replays.list_open(), replays.list_finished()) == ([], [])


def test_an_open_replay_is_found_as_it_was_written(replays: ReplayStore):
    replay = a_replay(next_at=NOON + 0.25, cursor="39/event#e1", pipeline="39", sent=3)

    saved = replays.save(replay)

    assert saved == replace(replay, version=1)
    assert replays.list_open() == [saved]
    later = replays.save(replace(saved, sent=5, waiting=1, failed=1))
    assert replays.list_open() == [later]


def test_saving_a_replay_returns_it_as_it_will_be_read(replays: ReplayStore):
    """A part of a millisecond is not stored, so it must not be returned either."""
    saved = replays.save(a_replay(started_at=NOON + 0.0005678, next_at=NOON + 0.9999))

    assert replays.list_open() == [saved]


def test_a_finished_replay_makes_room_for_another(replays: ReplayStore):
    ended = replays.save(
        replays.save(a_replay()).ended(ReplayState.STOPPED, now=NOON + 9, reason="by an operator")
    )
    next_replay = replays.save(
        a_replay(id="rpl_2", criteria=replace(a_replay().criteria, until=None))
    )

    assert replays.list_open() == [next_replay]
    assert replays.list_finished() == [ended]


def test_a_subscription_has_one_open_replay_at_a_time(replays: ReplayStore):
    replays.save(a_replay())
    of_other_subscription = replays.save(a_replay(id="rpl_3", subscription_id="sub_b"))

    with pytest.raises(Conflict):
        replays.save(a_replay(id="rpl_2"))

    assert [replay.id for replay in replays.list_open()] == ["rpl_1", "rpl_3"]
    assert of_other_subscription in replays.list_open()


@pytest.mark.parametrize("ends", [False, True])
def test_a_stale_replay_does_not_overwrite_a_newer_write(replays: ReplayStore, ends: bool):  # noqa: FBT001
    read = replays.save(a_replay())
    newer = replays.save(replace(read, sent=3))

    with pytest.raises(Conflict):
        replays.save(read.ended(ReplayState.DONE, now=NOON) if ends else replace(read, sent=1))

    assert (replays.list_open(), replays.list_finished()) == ([newer], [])


def test_a_replay_that_ended_concurrently_is_not_opened_again(replays: ReplayStore):
    read = replays.save(a_replay())
    replays.save(read.ended(ReplayState.DONE, now=NOON))

    with pytest.raises(Conflict):
        replays.save(replace(read, sent=1))

    next_replay = replays.save(a_replay(id="rpl_2"))
    with pytest.raises(Conflict):
        replays.save(replace(read, sent=1))
    assert replays.list_open() == [next_replay]


# --- the past ---


@pytest.fixture(params=["fake", "dynamodb"])
def journal(request: pytest.FixtureRequest, clock: FakeClock) -> Journal:
    if request.param == "fake":
        return FakeJournal(clock=clock, events_a_page=2)
    table = request.getfixturevalue("deployment").pipelines_table
    return DynamoJournal(boto3.client("dynamodb"), table, clock, items_a_page=2)


def accept(journal: Journal, pipeline: int, *states: str) -> None:
    for state in states:
        event = an_event(
            pipeline_id=pipeline, event_type=f"PIPELINE_{state}", event_id=f"{pipeline}-{state}"
        )
        advance = load_event(journal, event)[0].apply(event)
        assert isinstance(advance, PipelineTransition)
        append_step(journal, advance)


def read_all(journal: Journal, *, since: float = 0.0, until: float = NOON + 9) -> list[str]:
    ids, cursor, is_first = [], "", True
    while cursor or is_first:
        page = journal.page(since=since, until=until, after=cursor)
        ids += [entry.accepted.sequenced.event.id for entry in page.entries]
        cursor, is_first = page.cursor, False
    return ids


def test_a_scan_of_an_empty_journal_has_no_entries(journal: Journal):
    page = journal.page(since=0, until=NOON, after="")

    assert (page.entries, page.cursor) == ([], "")


def test_every_event_is_found_once_pipeline_by_pipeline(journal: Journal):
    accept(journal, 39, "CREATED", "RUNNING")
    accept(journal, 40, "CREATED", "RUNNING", "COMPLETED")
    accept(journal, 41, "CREATED")

    event_ids = read_all(journal)

    assert len(event_ids) == len(set(event_ids)) == 6
    pipelines = [event_id.partition("-")[0] for event_id in event_ids]
    assert pipelines == sorted(pipelines)


def test_a_scan_finds_only_events_accepted_in_its_interval(journal: Journal, clock: FakeClock):
    for pipeline, at in ((39, NOON), (40, NOON + 1.5), (41, NOON + 3)):
        clock.time = at
        accept(journal, pipeline, "CREATED")

    assert read_all(journal, since=NOON + 1.5, until=NOON + 1.5) == ["40-CREATED"]


def test_reading_goes_on_behind_any_event(journal: Journal):
    accept(journal, 39, "CREATED")
    accept(journal, 40, "CREATED")
    (first, *_) = journal.page(since=0, until=NOON, after="").entries

    second_page = journal.page(since=0, until=NOON, after=first.cursor)

    assert [entry.accepted.sequenced.event.pipeline_id for entry in second_page.entries] == ["40"]
    assert second_page.entries[0].accepted.at == NOON


# --- reviving ---


@pytest.fixture(params=["fake", "dynamodb"])
def ledger(request: pytest.FixtureRequest, clock: FakeClock) -> Ledger:
    if request.param == "fake":
        return FakeLedger(clock=clock)
    table = request.getfixturevalue("deployment").deliveries_table
    return DynamoLedger(boto3.client("dynamodb"), table, clock)


def record_of(ledger: Ledger, sequence: int) -> DeliveryRecord | None:
    return ledger.load([a_delivery(sequence)], []).records.get((LANE, sequence))


def delivered(ledger: Ledger, sequence: int) -> DeliveryRecord:
    record = DeliveryRecord.waiting(a_delivery(sequence)).with_attempt(SUCCESS)
    return ledger.save(record, before=None, after=None)


def requeued(*records_by_sequence: tuple[int, DeliveryRecord | None]) -> Sequence[Requeued]:
    return [
        Requeued(
            (was or DeliveryRecord.waiting(a_delivery(n))).replayed(a_delivery(n), by="rpl_1"), was
        )
        for n, was in records_by_sequence
    ]


def held(head: int = 1) -> HeldLane:
    return HeldLane.held_at(LANE, head, now=NOON)


def test_a_final_delivery_is_requeued_with_its_event_and_its_lane_is_held(
    ledger: Ledger,
):
    was = delivered(ledger, 1)

    ledger.requeue(requeued((1, was), (2, None)), before=None, after=held())

    first, second = record_of(ledger, 1), record_of(ledger, 2)
    assert first
    assert second
    assert [record.status for record in (first, second)] == [DeliveryStatus.WAITING] * 2
    assert first.delivery == replace(a_delivery(1), replayed=True)
    assert (first.attempts_log, first.attempts, first.replayed_by) == (was.attempts_log, 1, "rpl_1")
    assert first.version > was.version
    assert ledger.load([], [LANE]).lanes[LANE] == held()
    assert [
        waiting_delivery.sequence for waiting_delivery in ledger.waiting_deliveries(held())
    ] == [1, 2]


def test_a_delivered_replay_keeps_the_id_of_the_replay(
    ledger: Ledger,
):
    ledger.requeue(requeued((1, None)), before=None, after=held())
    waiting = record_of(ledger, 1)
    assert waiting

    ledger.save(waiting.with_attempt(SUCCESS), before=held(), after=None)

    arrived = record_of(ledger, 1)
    assert arrived
    assert (arrived.status, arrived.replayed_by) == (DeliveryStatus.DELIVERED, "rpl_1")


def test_ninety_deliveries_are_requeued_at_once(ledger: Ledger):

    ledger.requeue(requeued(*((n, None) for n in range(1, 91))), before=None, after=held())

    assert len(list(ledger.waiting_deliveries(held()))) == 90


def test_requeueing_conflicts_with_a_lane_that_is_held_meanwhile(ledger: Ledger):
    was = delivered(ledger, 1)
    concurrent = held(2)
    ledger.save(DeliveryRecord.waiting(a_delivery(2)), before=None, after=concurrent)

    with pytest.raises(LaneConflict):
        ledger.requeue(requeued((1, was)), before=None, after=held())

    assert record_of(ledger, 1) == was
    assert ledger.load([], [LANE]).lanes[LANE] == concurrent


def test_requeueing_conflicts_with_a_lane_that_moves_on_meanwhile(ledger: Ledger):
    ledger.save(DeliveryRecord.waiting(a_delivery(2)), before=None, after=held(2))
    ledger.save_lane(held(2), newer := held(2).with_attempt_started())

    with pytest.raises(LaneConflict):
        ledger.requeue(requeued((1, None)), before=held(2), after=held(2).replayed(1, due_at=NOON))

    assert record_of(ledger, 1) is None
    assert ledger.load([], [LANE]).lanes[LANE] == newer


def test_requeueing_conflicts_with_a_delivery_that_was_written_meanwhile(ledger: Ledger):
    dead = ledger.save(
        DeliveryRecord.waiting(a_delivery(1)).dead("gone"), before=None, after=held()
    )
    ledger.save(dead.with_attempt(SUCCESS), before=held(), after=None)

    with pytest.raises(LaneConflict):
        ledger.requeue(requeued((1, dead)), before=None, after=held())
    with pytest.raises(LaneConflict):
        ledger.requeue(requeued((1, None)), before=None, after=held())

    arrived = record_of(ledger, 1)
    assert arrived
    assert arrived.status is DeliveryStatus.DELIVERED
    assert ledger.load([], [LANE]).lanes == {}


def test_a_blind_success_of_the_same_version_is_seen(ledger: Ledger):
    read = ledger.save(DeliveryRecord.waiting(a_delivery(1)), before=None, after=held())
    begun = ledger.save(read.mark_attempt_started(), before=held(), after=None)
    blind = ledger.save(read.with_attempt(SUCCESS), before=None, after=None)
    assert blind.version == begun.version

    with pytest.raises(LaneConflict):
        ledger.requeue(requeued((1, begun)), before=None, after=held())
