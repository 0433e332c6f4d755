from collections.abc import Callable
from typing import Any

import pytest

from lakehook.domain.errors import InvalidSubscription
from lakehook.domain.event import EventType
from lakehook.domain.signing import EncryptedSecret
from lakehook.domain.subscription import (
    parse_deadline,
    parse_event_types,
    parse_name,
)
from lakehook.domain.time import format_rfc3339
from lakehook.subscriptions.lifecycle import FindSubscription
from tests.builders import a_subscription, an_event
from tests.fakes import NOON, FakeSubscriptions

PIPELINE_EVENTS = {event_type for event_type in EventType if event_type.startswith("PIPELINE_")}


def accepted_types(*names: EventType) -> set[EventType]:
    return {
        event_type
        for event_type in EventType
        if a_subscription(event_types=names).accepts_type(event_type)
    }


def test_the_default_event_types_are_those_of_pipelines():
    assert accepted_types() == PIPELINE_EVENTS


def test_a_pending_subscription_accepts_no_events():
    assert not a_subscription(pending_since="2026-01-01T12:00:00Z").accepts(an_event())


def test_only_named_event_types_are_accepted():
    named = (EventType.PIPELINE_FAILED, EventType.TASK_FAILED)

    assert accepted_types(*named) == set(named)


def test_a_tombstone_keeps_the_subscriptions_fields_and_no_secrets():
    subscription = a_subscription(
        secrets=(EncryptedSecret(ciphertext=b"sealed"),),
        encrypted_headers=b"sealed",
        header_names=("authorization",),
    )

    tombstone = subscription.removed(at=NOON)

    assert tombstone == a_subscription(removed_at="2026-01-01T12:00:00.000+00:00")
    assert "sealed'" not in repr(tombstone)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOON, "2026-01-01T12:00:00.000+00:00"),
        (NOON + 0.0625, "2026-01-01T12:00:00.062+00:00"),
        (0, "1970-01-01T00:00:00.000+00:00"),
    ],
)
def test_a_time_is_written_as_rfc_3339_with_milliseconds(at: float, text: str):
    assert format_rfc3339(at) == text


@pytest.mark.parametrize("name", ["a", "湖 and more", "é" * 100])
def test_a_name_is_a_line_of_text(name: str):
    assert parse_name(name) == name


@pytest.mark.parametrize("name", ["", " ", " a", "a ", "a\nb", "a\x1b[2J", "\u202ea", "a" * 101])
def test_an_invalid_name_is_refused(name: str):
    with pytest.raises(InvalidSubscription, match="name: not 1 to 100 printable characters"):
        parse_name(name)


def test_event_types_are_known_ones_each_once_as_first_named():
    names = ["TASK_FAILED", "PIPELINE_FAILED", "TASK_FAILED"]

    assert parse_event_types(names) == (EventType.TASK_FAILED, EventType.PIPELINE_FAILED)


@pytest.mark.parametrize("name", ["", "pipeline_failed", "PIPELINE", "PIPELINE_EXPLODED", "湖"])
def test_an_unknown_event_type_is_refused_with_the_known_ones(name: str):
    with pytest.raises(
        InvalidSubscription, match=r"is not one of PIPELINE_CREATED, .*TASK_CANCELLED"
    ):
        parse_event_types(["PIPELINE_FAILED", name])


@pytest.mark.parametrize("seconds", [1, 2.5, 20])
def test_a_deadline_is_of_1_to_20_seconds(seconds: float):
    assert parse_deadline(seconds) == seconds


@pytest.mark.parametrize("seconds", [0, 0.99, 20.01, -1, float("nan"), float("inf")])
def test_a_deadline_out_of_bounds_is_refused(seconds: float):
    with pytest.raises(InvalidSubscription, match="is not within 1 to 20 s"):
        parse_deadline(seconds)


class Interrupting(dict[str, Any]):
    """Fields of an event; while one is read, another thread matches another event."""

    def __init__(self, fields: dict[str, Any], interrupt: Callable[[], object]) -> None:
        super().__init__(fields)
        self._interrupt = interrupt

    def get(self, name: str, default: Any = None) -> Any:
        self._interrupt()
        return super().get(name, default)


def test_threads_that_match_at_the_same_time_do_not_disturb_each_other() -> None:
    subscription = a_subscription(pattern='{"project_name": [{"exists": false}]}')
    find = FindSubscription(FakeSubscriptions({subscription.id: subscription}))
    event, other = an_event(project_name=...), an_event()
    fields = Interrupting(event.expanded, lambda: find("ci").matches(other))
    vars(event)["expanded"] = fields

    assert find("ci").matches(event)
    assert find("sub_a", removed=True).matches(event)
