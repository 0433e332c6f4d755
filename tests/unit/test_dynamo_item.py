"""Values of DynamoDB, written and read as boto3 does, without boto3."""

from dataclasses import replace
from http import HTTPStatus
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehook.adapters.dynamodb.items import from_item, to_item
from lakehook.adapters.dynamodb.ledger import record_put
from lakehook.domain.event import EventType
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus
from lakehook.settings import DeliveriesTable
from tests.builders import a_delivery
from tests.fakes import NOON

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40)
@given(st.dictionaries(st.text(), values, max_size=4))
def test_values_are_written_as_boto3_writes_them_and_read_back(plain: dict[str, Any]):
    members = {name: value for name, value in plain.items() if value is not None}

    item = to_item(plain)

    assert item == {name: TypeSerializer().serialize(value) for name, value in members.items()}
    assert from_item(item) == members


@given(values)
def test_values_are_read_as_boto3_reads_them(value: Any):
    typed = TypeSerializer().serialize(value)

    back = from_item({"value": typed})["value"]

    assert back == TypeDeserializer().deserialize(typed)
    assert isinstance(back, type(value))


def test_a_member_of_an_enumeration_is_its_value():
    values = {"type": EventType.TASK_FAILED, "status": HTTPStatus.OK}

    assert to_item(values) == {"type": {"S": "TASK_FAILED"}, "status": {"N": "200"}}


@pytest.mark.parametrize("value", [0.5, {1, 2}, object()])
def test_a_value_that_we_never_store_is_refused(value: Any):
    with pytest.raises(TypeError, match="nothing that we keep"):
        to_item({"value": value})


@pytest.mark.parametrize("status", DeliveryStatus)
def test_a_record_expires_once_it_is_final(status: DeliveryStatus):
    waiting = DeliveryRecord.waiting(a_delivery(1))
    record = replace(waiting, status=status, changed_at=NOON)

    item = record_put("t", waiting, record, retention_seconds=60)["Item"]

    is_final = status in ("delivered", "discarded", "aborted")
    assert item.get(DeliveriesTable.TTL) == ({"N": str(int(NOON) + 60)} if is_final else None)
