"""Failing deliveries at the operator's command."""

import pytest

from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.delivery import Lane
from lakehook.domain.json_document import parse_json_object
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus, HeldLane
from tests.builders import a_delivery, a_subscription, an_event
from tests.fakes import NOON
from tests.fakes_ops import FakeStack
from tests.journaling import accept, append_step, load_event
from tests.terminal import Terminal

LANE = Lane("sub_a", "39")
AT_NOON = "2026-01-01T12:00:00.000+00:00"
OF_LANE = {
    "subscription_id": "sub_a",
    "subscription_name": "ci",
    "pipeline_id": "39",
    "source": None,
    "console_path": "/deliveries/sub_a%2339%231",
}
FIRST, SECOND = "sub_a#39#1", "sub_a#39#2"
SUCCESS = Attempt(at=NOON, outcome=Outcome.DELIVERED, milliseconds=7, status=200)
FAILURE = Attempt(at=NOON, outcome=Outcome.REJECTED, milliseconds=7, status=500, excerpt="[red] no")


@pytest.fixture
def stack() -> FakeStack:
    stack = FakeStack()
    stack.subscriptions.save(a_subscription())
    return stack


def status(terminal: Terminal, sequence: int) -> DeliveryStatus:
    return terminal.stack.ledger.records[LANE, sequence].status


def with_letter(terminal: Terminal) -> None:
    """Add a dead head, and a delivery that waits behind it."""
    letter = DeliveryRecord.waiting(a_delivery(1)).with_attempt(FAILURE).dead("rejected")
    held = HeldLane.held_at(LANE, 1, now=NOON).with_dead_head()
    ledger = terminal.stack.ledger
    ledger.save(letter, before=None, after=held)
    waiting = DeliveryRecord.waiting(a_delivery(2))
    ledger.save(waiting, before=held, after=held.with_appended(2, now=NOON))


def with_letters(terminal: Terminal, *sequences: int) -> None:
    for sequence in sequences:
        letter = DeliveryRecord.waiting(a_delivery(sequence)).dead("timed_out")
        terminal.stack.ledger.save(letter, before=None, after=None)


# --- subscriptions ---


def test_ordering_and_retry_schedule_are_fields_of_a_subscription(terminal: Terminal) -> None:
    options = ("--ordering", "skip", "--retry-schedule", "5,300")
    url = "https://ci.example/hook"

    added = terminal.json("subscriptions", "add", "--name", "x", "--url", url, *options)
    updated = terminal.json("subscriptions", "update", "x", "--ordering", "strict")
    reset = terminal.json("subscriptions", "update", "x", "--default-retry-schedule")

    assert (added["ordering"], added["retry_schedule"]) == ("skip", "5,300")
    assert (updated["ordering"], updated["retry_schedule"]) == ("strict", "5,300")
    assert reset["retry_schedule"] == "default"


def test_the_state_of_a_subscription_is_shown(terminal: Terminal) -> None:
    paused = terminal.json("subscriptions", "pause", "ci")
    listed = terminal.json("subscriptions", "list")
    resumed = terminal.json("subscriptions", "resume", "ci")

    assert (paused["state"], paused["paused_at"]) == ("paused", AT_NOON)
    assert listed == [{**paused, "health": "paused"}]
    assert (resumed["state"], resumed["paused_at"], resumed["lanes_resumed"]) == ("active", None, 0)


def test_a_disabled_subscription_says_why_until_it_is_enabled(terminal: Terminal) -> None:
    terminal.stack.subscriptions.disable("sub_a", "the receiver asked for it (410)")

    assert terminal("subscriptions", "list") == 0
    assert "disabled (the receiver asked for it (410))" in terminal.out
    assert terminal.json("subscriptions", "enable", "ci")["state"] == "active"
    assert terminal("subscriptions", "enable", "nobody") == 3


@pytest.fixture
def removed(terminal: Terminal) -> Terminal:
    """A removal that was interrupted before its letters were discarded."""
    with_letter(terminal)
    service = terminal.stack.service()
    service.unsubscribe(service.find_subscription("ci"), discard_waiting=True)
    return terminal


@pytest.mark.parametrize(
    ("command", "count"),
    [
        (("dead-letters", "list"), 1),
        (("deliveries", "list"), 2),
        (("lanes", "list"), 1),
    ],
)
def test_deliveries_of_a_removed_subscription_are_listed_by_its_id(
    removed: Terminal, command: tuple[str, ...], count: int
) -> None:
    listed = removed.json(*command, "--subscription", "sub_a")

    assert [item["subscription_id"] for item in listed] == ["sub_a"] * count
    assert removed(*command, "--subscription", "ci") == 3


@pytest.mark.parametrize("action", ["redrive", "discard"])
def test_the_letters_of_a_removed_subscription_are_named_by_its_id(
    removed: Terminal, action: str
) -> None:
    acted = removed.json("dead-letters", action, "--subscription", "sub_a")

    assert [letter["delivery_id"] for letter in acted["dead_letters"]] == [FIRST]
    assert removed("dead-letters", action, "--subscription", "ci") == 3


# --- dead letters ---


def test_dead_letters_are_listed(terminal: Terminal) -> None:
    with_letter(terminal)

    (letter,) = terminal.json("dead-letters", "list", "--subscription", "ci")

    assert letter == {
        **OF_LANE,
        "delivery_id": FIRST,
        "reference": "ci#39#1",
        "sequence": 1,
        "event_id": "e1",
        "event_type": "PIPELINE_CREATED",
        "status": "dead",
        "reason": "rejected",
        "attempts": 1,
        "last_status": "500",
        "last_attempt_at": AT_NOON,
    }
    assert terminal.json("dead-letters", "list", "--reason", "crashed") == []
    for none in (("list", "--reason", "crashed"), ("redrive", "--reason", "crashed")):
        assert terminal("dead-letters", *none) == 0
        assert terminal.out.endswith("no dead letters\n")


def test_a_dead_letter_is_shown_with_its_attempts_and_its_event(terminal: Terminal) -> None:
    with_letter(terminal)
    record = terminal.stack.ledger.records[LANE, 1]
    assert record.delivery
    record.delivery.event.document["data"] = parse_json_object('{"cost": 1.10, "of": [1E+2]}')

    letter = terminal.json("dead-letters", "show", FIRST)
    assert terminal("dead-letters", "show", FIRST) == 0

    assert letter["event"]["event_id"] == "e1"
    attempt = {"outcome": "rejected", "status": 500, "milliseconds": 7, "answer": "[red] no"}
    assert letter["log"] == [{"at": AT_NOON, **attempt}]
    assert "[red] no" in terminal.out
    assert '"pipeline_id":39' in terminal.out
    assert '{"cost":1.10,"of":[1E+2]}' in terminal.out


def test_one_letter_is_redriven_at_once(terminal: Terminal) -> None:
    with_letter(terminal)

    result = terminal.json("dead-letters", "redrive", FIRST)

    assert (result["action"], result["dry_run"], result["number"]) == ("redrive", False, 1)
    assert result["waiting_behind"] == 1
    assert [record.sequence for record in terminal.stack.redriver.sent] == [1]


@pytest.mark.parametrize("action", ["redrive", "discard"])
@pytest.mark.parametrize(
    "selector", [("--all",), ("--subscription", "ci"), ("--reason", "timed_out"), (FIRST, SECOND)]
)
def test_an_action_on_several_letters_needs_a_confirmation(
    terminal: Terminal, action: str, selector: tuple[str, ...]
) -> None:
    with_letters(terminal, 2, 1)

    dry_run = terminal.json("dead-letters", action, *selector)
    assert terminal("dead-letters", action, *selector) == 0
    assert "nothing is done yet; --yes does it" in terminal.out
    assert terminal.stack.redriver.sent == []
    assert status(terminal, 1) is status(terminal, 2) is DeliveryStatus.DEAD
    result = terminal.json("dead-letters", action, *selector, "--yes")

    assert (dry_run["dry_run"], result["dry_run"]) == (True, False)
    assert [letter["delivery_id"] for letter in dry_run["dead_letters"]] == [FIRST, SECOND]
    assert result["number"] == 2


def test_a_discarded_letter_lets_its_lane_move_on(terminal: Terminal) -> None:
    with_letter(terminal)

    result = terminal.json("dead-letters", "discard", FIRST)

    assert result["number"] == 1
    assert status(terminal, 1) is DeliveryStatus.DISCARDED
    assert terminal.stack.ledger.lanes[LANE].head == 2
    assert terminal("dead-letters", "discard", FIRST) == 3
    assert terminal.err == f"error: {FIRST}: not a dead letter; it is discarded\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("dead-letters", "redrive"), 2),
        (("dead-letters", "discard", FIRST, "--all"), 2),
        (("dead-letters", "redrive", "--all", "--reason", "crashed"), 2),
        (("dead-letters", "redrive", FIRST), 3),
        (("dead-letters", "list", "--subscription", "nobody"), 3),
        (("lanes", "list", "--held", "--subscription", "nobody"), 3),
        (("deliveries", "list", "--pipeline", "39", "--status", "lost"), 2),
        (("deliveries", "list", "--pipeline", "39", "--since", "yesterday"), 2),
        (("deliveries", "show", "sub_a#39"), 2),
        (("deliveries", "show", FIRST), 3),
        (("pipelines", "show", "40"), 3),
        (("pipelines", "list", "--state", "ended"), 2),
        (("pipelines", "list", "--older-than", "soon"), 2),
    ],
)
def test_bad_input_is_one_line(terminal: Terminal, arguments: tuple[str, ...], code: int) -> None:
    assert terminal(*arguments) == code
    assert terminal.out == ""
    assert terminal.err.startswith("error: ")
    assert terminal.err.count("\n") == 1


# --- lanes, deliveries, pipelines ---


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("deliveries", "show", "the lake's #1#39#1"), 0),
        (("dead-letters", "show", "the lake's #1#39#1"), 0),
        (("dead-letters", "redrive", "the lake's #1#39#1"), 0),
        (("deliveries", "show", "nobody#39#1"), 3),
        (("deliveries", "show", "39#1"), 2),
    ],
)
def test_a_delivery_goes_by_the_name_of_its_subscription(
    terminal: Terminal, command: tuple[str, ...], code: int
) -> None:
    with_letter(terminal)
    terminal.stack.subscriptions.put(a_subscription(name="the lake's #1"))

    assert terminal(*command) == code, terminal.err


def test_held_lanes_are_listed(terminal: Terminal) -> None:
    with_letter(terminal)

    (lane,) = terminal.json("lanes", "list", "--held")

    assert lane == {
        **OF_LANE,
        "lane": "sub_a#39",
        "head": 1,
        "state": "dead letter",
        "attempts": 1,
        "held_since": AT_NOON,
        "due_at": None,
        "waiting_behind": 1,
    }


def test_people_read_lanes_by_subscription_with_totals_and_no_more_than_they_ask_for(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pipeline in (39, 40, 41):
        record = DeliveryRecord.waiting(a_delivery(1, pipeline_id=pipeline))
        held = HeldLane.held_at(record.lane, 1, now=NOON - pipeline * 60)
        terminal.stack.ledger.save(record, before=None, after=held)

    assert terminal("lanes", "list", "--limit", "2") == 0

    heading, columns, *rows = terminal.out.splitlines()
    assert heading == "ci (ok): 3 lanes held; the 2 held longest (--limit)"
    assert columns.split()[:4] == ["PIPELINE", "HEAD", "STATE", "ATTEMPTS"]
    assert [row.split()[0] for row in rows] == ["41", "40"]
    assert "41 min ago" in rows[0]
    assert terminal("lanes", "list", "--utc") == 0
    assert "2026-01-01T11:19:00.000+00:00" in terminal.out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    assert terminal("lanes", "list") == 0
    assert all(len(line) <= 80 for line in terminal.out.splitlines())


def test_deliveries_are_listed_by_status_and_time(terminal: Terminal) -> None:
    with_letter(terminal)
    list_pipeline = ("deliveries", "list", "--pipeline", "39")

    listed = terminal.json(*list_pipeline)
    waiting = terminal.json("deliveries", "list", "--subscription", "ci", "--status", "waiting")
    later = terminal.json(*list_pipeline, "--since", "2026-01-01T13:00:01+01:00")
    sooner = terminal.json(*list_pipeline, "--since", "2026-01-01T13:00:00+01:00", "--limit", "1")
    terminal.stack.clock.sleep(3600)
    within_2h = terminal.json(*list_pipeline, "--since", "2h")
    within_30m = terminal.json(*list_pipeline, "--since", "30m")

    assert [delivery["delivery_id"] for delivery in listed] == [SECOND, FIRST]
    assert [delivery["delivery_id"] for delivery in waiting] == [SECOND]
    assert (later, len(sooner)) == ([], 1)
    assert (within_2h, within_30m) == (listed, [])
    assert terminal(*list_pipeline) == 0
    assert "ci#39#2" in terminal.out


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--source", "staging"), ["sub_a#staging/39#1"]),
        (("--source", "default"), [SECOND, FIRST]),
        (("--pipeline", "staging/39"), ["sub_a#staging/39#1"]),
        (("--pipeline", "39", "--source", "staging"), ["sub_a#staging/39#1"]),
        (("--pipeline", "39", "--source", "default"), [SECOND, FIRST]),
    ],
)
def test_deliveries_are_listed_by_the_source_of_their_pipeline(
    terminal: Terminal, options: tuple[str, ...], count: list[str]
) -> None:
    with_letter(terminal)
    of_staging = DeliveryRecord.waiting(a_delivery(1, source="staging"))
    terminal.stack.ledger.save(of_staging, before=None, after=None)

    listed = terminal.json("deliveries", "list", *options)
    explained = terminal.json("deliveries", "show", "sub_a#staging/39#1")

    assert [delivery["delivery_id"] for delivery in listed] == count
    assert (explained["pipeline_id"], explained["source"]) == ("39", "staging")


def test_a_delivery_is_shown_with_what_happens_next(terminal: Terminal) -> None:
    with_letter(terminal)

    delivery = terminal.json("deliveries", "show", SECOND)
    assert terminal("deliveries", "show", SECOND) == 0

    assert (delivery["status"], delivery["log"]) == ("waiting", [])
    assert delivery["next"] == "waits behind #1, which is a dead letter"
    assert delivery["next_at"] is None
    assert "waits behind #1, which is a dead letter" in terminal.out
    assert "no attempts" in terminal.out


def test_a_pipeline_is_shown_with_its_events_and_its_subscribers(terminal: Terminal) -> None:
    with_letter(terminal)
    accept(terminal.stack.journal, event_id="e1")
    repeat = an_event(event_id="e2")
    pipeline, _ = load_event(terminal.stack.journal, repeat)
    append_step(terminal.stack.journal, pipeline.apply(repeat))

    pipeline_view = terminal.json("pipelines", "show", "39")
    assert terminal("pipelines", "show", "39") == 0

    event = {
        "event_type": "PIPELINE_CREATED",
        "timestamp": "2024-09-05T15:08:00.389+08:00",
        "accepted_at": AT_NOON,
    }
    subscriber = {"subscription_id": "sub_a", "name": "ci", "state": "active"}
    assert pipeline_view == {
        "pipeline_id": "39",
        "source": None,
        "events": [{**event, "sequence": 1, "event_id": "e1", "inferred": False}],
        "not_sent": [{**event, "event_id": "e2", "reason": "duplicate"}],
        "subscribers": [{**subscriber, "last_delivered": None, "waiting": 1, "dead": 1}],
        "console_path": "/pipelines/39",
    }
    assert "LAST DELIVERED" in terminal.out


def test_a_delivered_one_is_sent_again_with_the_same_id(terminal: Terminal) -> None:
    stack, delivery = terminal.stack, a_delivery(1)
    accept(stack.journal, event_id="e1")
    delivered = DeliveryRecord.waiting(delivery).with_attempt(SUCCESS)
    stack.ledger.save(delivered, before=None, after=None)

    assert terminal("deliveries", "send", "ci#39#1") == 0
    assert terminal.out.endswith("ci#39#1 goes out once more, marked replayed\n")

    record = stack.ledger.records[LANE, 1]
    assert record.status is DeliveryStatus.WAITING
    assert record.delivery
    assert (record.delivery.replayed, record.delivery.id) == (True, FIRST)
    assert stack.ledger.lanes[LANE].head == 1
    assert terminal("deliveries", "send", "ci#39#1") == 2
    assert "it waits, and goes out by itself" in terminal.err


@pytest.mark.parametrize(("sequence", "code"), [(1, 2), (2, 2), (7, 3)])
def test_a_waiting_dead_or_unknown_delivery_is_not_sent_again(
    terminal: Terminal, sequence: int, code: int
) -> None:
    with_letter(terminal)

    assert terminal("deliveries", "send", f"ci#39#{sequence}") == code
    assert terminal.stack.queue.resumes == []
