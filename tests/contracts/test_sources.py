"""Pipelines of two sources that bear the same id: nothing that is kept of one touches the other."""

from collections.abc import Iterator
from dataclasses import dataclass

import boto3
import pytest

from lakehook.adapters.dynamodb.journal import DynamoJournal
from lakehook.adapters.dynamodb.ledger import DynamoLedger
from lakehook.adapters.sqs.dead_letters import SqsDeadLetterQueue
from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.event import Event
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.pipeline import PipelineTransition
from lakehook.ports.stores import Journal, Ledger
from lakehook.settings import StackOutputs
from tests.builders import a_delivery, an_event
from tests.fakes import NOON, FakeClock, FakeJournal, FakeLedger
from tests.journaling import append_step, load_event

PIPELINE_KEYS = ("39", "staging/39")
MAX_PAGES = 20  # of one item each: six events, two counters, and what is empty
SUCCESS = Attempt(at=NOON, outcome=Outcome.DELIVERED, milliseconds=12, status=200)


@dataclass
class Stores:
    journal: Journal
    ledger: Ledger


@pytest.fixture(params=["fake", "aws"])
def stores(request: pytest.FixtureRequest, clock: FakeClock) -> Stores:
    if request.param == "fake":
        return Stores(FakeJournal(clock=clock, events_a_page=1), FakeLedger(clock=clock))
    deployment, dynamodb = request.getfixturevalue("deployment"), boto3.client("dynamodb")
    return Stores(
        DynamoJournal(dynamodb, deployment.pipelines_table, clock, items_a_page=1),
        DynamoLedger(dynamodb, deployment.deliveries_table, clock),
    )


def event_of(key: str, state: str, **changes: object) -> Event:
    """Build an event of either producer; both use the same ids, with a slash in them."""
    source = key.rpartition("/")[0] or ...
    fields = {"event_type": f"PIPELINE_{state}", "event_id": f"devlake/39/{state}", **changes}
    return an_event(source=source, **fields)


def delivery_of(key: str, sequence: int) -> Delivery:
    return a_delivery(sequence, source=key.rpartition("/")[0] or ...)


def accept(stores: Stores, key: str, state: str, **changes: object) -> None:
    event = event_of(key, state, **changes)
    advance = load_event(stores.journal, event)[0].apply(event)
    assert isinstance(advance, PipelineTransition)
    append_step(stores.journal, advance)


def test_each_pipeline_has_a_history_of_its_own(stores: Stores):
    for state in ("CREATED", "RUNNING"):
        for key in PIPELINE_KEYS:
            accept(stores, key, state)
    accept(stores, "39", "FAILED")

    histories = {
        key: [
            (event.sequenced.sequence, event.sequenced.event)
            for event in stores.journal.events(key)
        ]
        for key in PIPELINE_KEYS
    }

    states = {"39": ("CREATED", "RUNNING", "FAILED"), "staging/39": ("CREATED", "RUNNING")}
    assert histories == {
        key: [(n, event_of(key, state)) for n, state in enumerate(states[key], start=1)]
        for key in PIPELINE_KEYS
    }


def test_the_journal_of_both_sources_is_scanned_to_its_end_each_event_once(stores: Stores):
    for state in ("CREATED", "RUNNING", "COMPLETED"):
        for key in PIPELINE_KEYS:
            accept(stores, key, state)

    types_by_pipeline = [(event.pipeline_key, event.type.value) for event in _past(stores.journal)]

    assert sorted(types_by_pipeline) == sorted(
        (key, f"PIPELINE_{state}")
        for key in PIPELINE_KEYS
        for state in ("CREATED", "RUNNING", "COMPLETED")
    )
    assert [key for key, _ in types_by_pipeline].count("39") == 3


def _past(journal: Journal) -> Iterator[Event]:
    """Read on behind each event in turn, as a replay that stops at one does."""
    cursor = ""
    for _ in range(MAX_PAGES):
        page = journal.page(since=0, until=NOON, after=cursor)
        yield from (entry.accepted.sequenced.event for entry in page.entries)
        if not page.cursor:
            return
        cursor = page.entries[-1].cursor if page.entries else page.cursor
    raise AssertionError("reading goes round in circles")


def test_a_delivery_of_one_source_is_not_that_of_the_other(stores: Stores):
    delivered = DeliveryRecord.waiting(delivery_of("39", 1)).with_attempt(SUCCESS)
    stores.ledger.save(delivered, before=None, after=None)
    stores.ledger.save(
        DeliveryRecord.waiting(delivery_of("staging/39", 1)), before=None, after=None
    )

    records = {key: stores.ledger.find(Lane("sub_a", key), 1) for key in PIPELINE_KEYS}
    listed = stores.ledger.by_subscription("sub_a", on_scanned=lambda _: None)

    assert records["39"] == delivered
    assert records["staging/39"]
    assert records["staging/39"].delivery == delivery_of("staging/39", 1)
    assert sorted(str(record.lane) for record in listed) == ["sub_a#39", "sub_a#staging/39"]
    for key in PIPELINE_KEYS:
        assert [
            record.lane.pipeline_key for record in stores.ledger.by_lane(Lane("sub_a", key))
        ] == [key]


def test_a_dead_letter_says_the_id_and_stands_in_the_group_of_its_source(deployment: StackOutputs):
    sqs = boto3.client("sqs")
    letter = DeliveryRecord.waiting(delivery_of("staging/39", 1)).dead("gone")

    SqsDeadLetterQueue(sqs, deployment.dead_letter_queue_url).send(letter, endpoint="-")

    (message,) = sqs.receive_message(
        QueueUrl=deployment.dead_letter_queue_url,
        MessageAttributeNames=["All"],
        AttributeNames=["MessageGroupId"],
    )["Messages"]
    assert message["Attributes"]["MessageGroupId"] == "sub_a#staging/39"
    assert message["MessageAttributes"]["pipeline_id"]["StringValue"] == "39"
    assert len(message["MessageAttributes"]) == 9
