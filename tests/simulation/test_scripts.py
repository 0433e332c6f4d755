"""Histories that were once feared, played on purpose."""

from dataclasses import replace

import pytest

from lakehook.domain.lane import DeliveryStatus
from lakehook.domain.subscription import Ordering
from lakehook.ports.outbound import NoResponse
from local.fifo import Received
from tests.fakes import NOON
from tests.simulation.faults import Fault
from tests.simulation.operators import PAUSED_SECONDS, Operator
from tests.simulation.play import Played, Script, play
from tests.simulation.receivers import REFUSED, SORRY, TIMED_OUT, ScriptedReceiver, Temper
from tests.simulation.scenario import Publication, Scenario, Subscriber
from tests.simulation.system import System
from tests.simulation.wiring import DEAD, DELIVERIES, VISIBILITY_SECONDS

ONE = (Publication(NOON, "1", 0),)
RECHECKED = NOON + 300  # its recheck, and the tick after it: the command may be interrupted
THREE = tuple(Publication(NOON + number, "1", number) for number in range(3))


def a_scenario(**changes: object) -> Scenario:
    return Scenario(publications=ONE, calm_at=NOON + 7200).with_(**changes)


def sent_sequences(played: Played) -> list[int]:
    return [post.sequence for post in played.system.history.lanes["a#1"].posts]


def statuses(played: Played) -> list[DeliveryStatus]:
    records = played.system.ledger.records
    return [records[key].status for key in sorted(records, key=lambda record: record[1])]


def test_a_late_duplicate_revives_no_dead_letter():
    def copy(system: System, _operator: Operator) -> None:
        body = []
        queue = system.queues[DELIVERIES]
        send = queue.send

        def remember(text: str, **message: object) -> object:
            body.append((text, message["group_id"]))
            return send(text, **message)  # type: ignore[arg-type]

        queue.send = remember  # type: ignore[assignment,method-assign]
        system.timeline.at(NOON + 1000, lambda: repeat_send(system, *body[0]))

    def repeat_send(system: System, text: str, group: str) -> None:
        system.sqs.send_message(
            QueueUrl=DELIVERIES,
            MessageBody=text,
            MessageGroupId=group,
            MessageDeduplicationId="late",
        )

    dead = Subscriber(id="a", temper=Temper.DEAD, recovers=False, schedule="5,70")

    played = play(a_scenario(subscribers=(dead,)), copy)

    assert not played.violations
    assert statuses(played) == [DeliveryStatus.DEAD]
    assert sent_sequences(played) == [1, 1, 1]


def test_a_fan_out_that_is_repeated_after_the_deduplication_window_sends_nothing_twice():
    repeat = lambda system, _: system.timeline.at(  # noqa: E731
        NOON + 400, lambda: system.publish(ONE[0], copy=1)
    )

    played = play(a_scenario(), repeat)

    assert not played.violations
    assert sent_sequences(played) == [1]


def test_a_crash_between_the_request_and_its_record_repeats_it_under_its_id():
    played = play(a_scenario(planned={"ledger.save": [Fault.KILL_BEFORE]}))

    assert not played.violations
    assert sent_sequences(played) == [1, 1]
    assert {post.id for post in played.system.history.lanes["a#1"].posts} == {"a#1#1"}


def test_a_batch_that_begins_as_its_messages_become_visible_overlaps_with_no_other():
    """Lambda invokes a throttled function until then."""
    visibility = VISIBILITY_SECONDS[DELIVERIES]

    def throttle(system: System, _operator: Operator) -> None:
        system.receivers["a"] = ScriptedReceiver([], seconds=9.0)
        source, timeline = system.sources[DELIVERIES], system.timeline
        begin, late = source._begin, [visibility - 2.0]

        def begin_late(messages: list[Received]) -> None:
            at = timeline.now() + (late.pop() if late else 0.0)
            timeline.at(at, lambda: begin(messages))

        source._begin = begin_late  # type: ignore[method-assign]

    played = play(a_scenario(), throttle)

    assert not played.violations
    (post,) = played.system.history.lanes["a#1"].posts
    assert post.began_at >= NOON + visibility - 2


def test_a_zombie_that_wakes_after_another_has_delivered_undoes_nothing():
    recovers_soon = Subscriber(id="a", temper=Temper.RECOVERING)
    scenario = a_scenario(
        seed=2,
        subscribers=(recovers_soon,),
        publications=(Publication(NOON + 590, "1", 0),),
        planned={"ledger.save": [Fault.FREEZE_BEFORE]},
    )

    played = play(scenario)

    assert not played.violations
    assert statuses(played) == [DeliveryStatus.DELIVERED]
    assert [post.answer_text for post in played.system.history.lanes["a#1"].posts] == ["500", "200"]


def test_a_letter_that_dies_again_within_five_minutes_has_its_second_letter():
    def redrive_twice(system: System, operator: Operator) -> None:
        for seconds in (30, 60, 90):
            system.timeline.at(NOON + seconds, lambda: operator.act("console", "a"))

    dead = Subscriber(id="a", temper=Temper.DEAD, recovers=False, schedule="1")

    played = play(a_scenario(subscribers=(dead,)), redrive_twice)

    assert not played.violations
    assert statuses(played) == [DeliveryStatus.DEAD]
    assert sent_sequences(played) == [1] * 8


def console_while_followers_arrive(ordering: Ordering) -> Played:
    down = Subscriber(id="a", temper=Temper.RECOVERING, schedule="1", ordering=ordering)
    later = Publication(NOON + 700, "1", 3)

    def redrive(system: System, operator: Operator) -> None:
        system.timeline.at(NOON + 700, lambda: operator.act("console", "a"))

    scenario = a_scenario(subscribers=(down,), publications=(*THREE, later))
    return play(scenario, redrive)


def test_a_redrive_while_followers_arrive_keeps_the_order_of_a_strict_lane():
    played = console_while_followers_arrive(Ordering.STRICT)

    assert not played.violations
    assert statuses(played) == [DeliveryStatus.DELIVERED] * 4
    assert sent_sequences(played) == [1, 1, 1, 2, 3, 4]


def test_a_redrive_while_followers_arrive_is_late_where_a_lane_skips():
    played = console_while_followers_arrive(Ordering.SKIP)

    assert not played.violations
    assert statuses(played) == [DeliveryStatus.DELIVERED] * 4
    assert any(post.late for post in played.system.history.lanes["a#1"].posts)


def acting(*acts: tuple[float, str]) -> Script:
    def act(system: System, operator: Operator) -> None:
        for seconds, action in acts:
            system.timeline.at(NOON + seconds, lambda action=action: operator.act(action, "a"))

    return act


def test_what_waits_while_paused_goes_in_order_once_it_is_resumed():
    later = tuple(Publication(NOON + 60 + number, "1", number) for number in range(3))

    played = play(a_scenario(publications=later), acting((30, "pause")))

    posts = played.system.history.lanes["a#1"].posts
    assert not played.violations
    assert [post.sequence for post in posts] == [1, 2, 3]
    assert min(post.began_at for post in posts) > NOON + 30 + PAUSED_SECONDS


def test_what_waits_for_a_subscriber_that_is_removed_is_discarded_unsent():
    dead = Subscriber(id="a", temper=Temper.DEAD, recovers=False, schedule="1")
    scenario = a_scenario(subscribers=(dead,), publications=THREE)

    played = play(scenario, acting((60, "remove")))

    assert not played.violations
    assert statuses(played) == [DeliveryStatus.DISCARDED] * 3
    assert sent_sequences(played) == [1, 1]
    assert played.system.ledger.lanes == {}


def test_a_lane_behind_a_letter_goes_on_once_it_may_skip():
    once = ScriptedReceiver([SORRY, SORRY])
    scenario = a_scenario(subscribers=(Subscriber(id="a", schedule="1"),), publications=THREE)

    def skips(system: System, operator: Operator) -> None:
        system.receivers["a"] = once
        acting((60, "skip"))(system, operator)

    played = play(scenario, skips)

    assert statuses(played) == [
        DeliveryStatus.DEAD,
        DeliveryStatus.DELIVERED,
        DeliveryStatus.DELIVERED,
    ]
    assert max(post.began_at for post in played.system.history.lanes["a#1"].posts) < RECHECKED


@pytest.mark.parametrize(
    ("schedule", "answer", "seconds"), [("30,30", REFUSED, 0.1), ("1", TIMED_OUT, 20.0)]
)
def test_a_redrive_is_one_budget_whatever_its_visit_does_next(
    schedule: str, answer: NoResponse, seconds: float
):
    """Under skip, other messages of the lane are worked off while the redriven one waits."""
    events = tuple(Publication(NOON + 20 * number, "1", number) for number in range(6))
    dead = Subscriber(
        id="a",
        temper=Temper.DEAD,
        recovers=False,
        schedule=schedule,
        ordering=Ordering.SKIP,
        deadline=20.0,
    )

    def redrive_first(system: System, operator: Operator) -> None:
        system.receivers["a"] = ScriptedReceiver([], then=answer, seconds=seconds)
        redrive_once_something_is_dead(system, operator)

    played = play(a_scenario(subscribers=(dead,), publications=events), redrive_first)

    assert not played.violations
    assert sent_sequences(played).count(1) == 2 * dead.budget


def redrive_once_something_is_dead(system: System, operator: Operator) -> None:
    def look() -> None:
        if any(system.ledger.dead_letters("a")):
            operator.act("redrive", "a")
        else:
            system.timeline.at(system.timeline.now() + 1, look)

    system.timeline.at(NOON + 1, look)


@pytest.mark.parametrize("kill_at", [1, 2, 3])
def test_a_death_that_was_not_recorded_leaves_room_for_the_letter_of_the_next(kill_at: int):
    """Kill a worker between letter and record, and redrive the letter from the console."""

    def script(system: System, operator: Operator) -> None:
        system.receivers["a"] = ScriptedReceiver([], then=REFUSED)
        for seconds, action in ((60, "pause"), (100, "console"), (190, "unpause")):
            system.timeline.at(NOON + seconds, lambda action=action: operator.act(action, "a"))

    dead = Subscriber(id="a", temper=Temper.DEAD, recovers=False, schedule="1")
    planned = {"ledger.save": [None] * kill_at + [Fault.KILL_BEFORE]}

    played = play(a_scenario(subscribers=(dead,), planned=planned), script)

    assert not played.violations
    assert played.system.queues[DEAD].next_free()


def test_lanes_that_a_resume_has_missed_go_on_within_the_hour():
    """The command that ends a pause dies before it has found a single lane."""
    published = tuple(Publication(NOON + number, str(number), 0) for number in range(1, 9))

    def pause_and_die(system: System, _operator: Operator) -> None:
        set_pause(system, "2026-01-01T12:00:00Z")
        system.timeline.at(NOON + 200, lambda: set_pause(system, None))

    def set_pause(system: System, paused_at: str | None) -> None:
        subscriptions = system.subscriptions.by_id
        subscriptions["a"] = replace(subscriptions["a"], paused_at=paused_at)

    played = play(a_scenario(publications=published), pause_and_die)

    assert not played.violations
    lanes = played.system.history.lanes.values()
    began = sorted(post.began_at - NOON for lane in lanes for post in lane.posts)
    assert len(began) == len(published)
    assert 200 < began[0] <= began[-1] < 200 + 1800 + 120


def test_a_deletion_that_fails_is_named_by_its_entry_as_sqs_names_it():
    """See BatchResultErrorEntry.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_BatchResultErrorEntry.html
    """
    entry = {"Id": "7", "ReceiptHandle": "of no message"}

    answer = System(a_scenario()).sqs.delete_message_batch(QueueUrl=DEAD, Entries=[entry])

    assert [failed["Id"] for failed in answer["Failed"]] == ["7"]
