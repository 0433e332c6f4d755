import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.adapters.system import SystemRandom
from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.errors import InvalidMessage
from lakehook.domain.event import Event
from lakehook.domain.json_document import MAX_LEVELS, parse_json_object, to_json
from lakehook.domain.ping import Ping
from lakehook.domain.queue_message import MAX_LANE, VERSION, Message, Resume, decode, encode
from tests.builders import a_delivery

LANE = Lane("sub_a", "39")

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
sequences = st.integers(1, 10**10 - 1)
deliveries = st.builds(
    lambda sequence, previous, data, message, late: replace(
        a_delivery(sequence, previous=previous, data=data, message=message), late=late
    ),
    sequences,
    st.none() | st.sampled_from(["PIPELINE_CREATED", "TASK_FAILED"]),
    st.dictionaries(texts, values, max_size=4),
    texts,
    st.booleans(),
)
resumes = st.builds(Resume, st.just(LANE), st.integers(1, 10**14 - 1))
tokens = st.text("0123456789abcdef", min_size=1, max_size=50)
times = st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
pings = st.builds(Ping, st.just("sub_a"), tokens, times, challenge=st.none() | tokens)


@given(deliveries | resumes | pings)
def test_a_message_comes_out_as_it_went_in(message: Message):
    assert decode(encode(message)) == message


@given(deliveries | resumes | pings)
def test_a_message_is_ascii_since_sqs_refuses_some_of_the_rest(message: Message):
    assert encode(message).isascii()


def test_an_id_given_at_fan_out_travels_with_the_delivery():
    delivery = a_delivery(event_id=...)

    decoded = decode(encode(delivery))

    assert isinstance(decoded, Delivery)
    assert decoded.event.id == delivery.event.id


@given(deliveries, st.sampled_from(["staging", "x" * 32]))
def test_a_lane_says_of_which_source_its_pipeline_is(delivery: Delivery, source: str):
    of_source = a_delivery(delivery.sequence, source=source)

    assert decode(encode(of_source)) == of_source
    assert of_source.id == f"sub_a#{source}/39#{delivery.sequence}"


def test_the_longest_lane_is_a_message_group_of_sqs():
    subscription = f"sub_{SystemRandom().new_id()}"
    delivery = a_delivery(subscription=subscription, source="s" * 32, pipeline_id="p" * 64)

    assert decode(encode(delivery)) == delivery
    assert len(str(delivery.lane)) <= MAX_LANE


def test_a_lane_that_is_no_message_group_of_sqs_is_refused():
    fitting, too_long = (f"{'a' * 60}#{'b' * 32}/{'3' * digits}" for digits in (34, 35))

    assert (len(fitting), len(too_long)) == (MAX_LANE, MAX_LANE + 1)
    assert decode(changed(RESUME, lane=fitting))
    with pytest.raises(InvalidMessage):
        decode(changed(RESUME, lane=too_long))


def test_neither_a_url_nor_a_secret_has_a_place_in_a_message():
    assert set(json.loads(encode(a_delivery()))) == {
        "version",
        "lane",
        "kind",
        "sequence",
        "previous_event_type",
        "event_id",
        "event",
    }


DELIVERY: dict[str, Any] = json.loads(encode(a_delivery(2, previous="PIPELINE_CREATED")))
RESUME: dict[str, Any] = json.loads(encode(Resume(LANE, 5)))
EVENT: dict[str, Any] = DELIVERY["event"]


def changed(message: dict[str, Any], **changes: Any) -> str:
    return json.dumps(
        {name: value for name, value in (message | changes).items() if value is not ...}
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '"text"',
        "{}",
        '{"version": NaN}',
        '{"a": 1e999}',
        '{"a": "\\ud800"}',
        "[" * 100_000,
        '{"a":' * 100_000,
        f'{{"version": {"9" * 5000}}}',
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_document_is_a_bad_message(text: str):
    with pytest.raises(InvalidMessage):
        decode(text)


@pytest.mark.parametrize("name", DELIVERY)
def test_a_delivery_with_a_part_missing_is_a_bad_message(name: str):
    with pytest.raises(InvalidMessage):
        decode(changed(DELIVERY, **{name: ...}))


@pytest.mark.parametrize("name", [name for name in RESUME if name != "probe"])
def test_a_resume_with_a_part_missing_is_a_bad_message(name: str):
    with pytest.raises(InvalidMessage):
        decode(changed(RESUME, **{name: ...}))


@pytest.mark.parametrize("version", [0, VERSION + 1, "1", None, [], {}, -1])
def test_an_unknown_version_is_refused(version: object):
    with pytest.raises(InvalidMessage):
        decode(changed(DELIVERY, version=version))


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "ping"},
        {"kind": []},
        {"lane": 39},
        {"lane": ""},
        {"lane": "sub_a"},
        {"lane": "#39"},
        {"lane": "sub_a#"},
        {"lane": "sub_a#40"},
        {"lane": "sub_a#39#1"},
        {"lane": "sub_a#staging/39"},
        {"lane": "sub_a#a/b/39"},
        {"lane": "sub_a#/39"},
        {"lane": "a" * 61 + "#39"},
        {"lane": "sub_ä#39"},
        {"sequence": 0},
        {"sequence": -1},
        {"sequence": 1.5},
        {"sequence": "2"},
        {"sequence": True},
        {"sequence": 10**10},
        {"sequence": 10**4000},
        {"sequence": None},
        {"event_id": None},
        {"event_id": 7},
        {"previous_event_type": 7},
        {"previous_event_type": ["PIPELINE_CREATED"]},
        {"event": None},
        {"event": "text"},
        {"event": []},
        {"event": {}},
        {"event": {**EVENT, "event_type": "PIPELINE_EXPLODED"}},
        {"event": {**EVENT, "event_type": ["PIPELINE_CREATED"]}},
        {"event": {**EVENT, "pipeline_id": 40}},
        {"event": {**EVENT, "pipeline_id": {}}},
        {"event": {**EVENT, "timestamp": "yesterday"}},
    ],
    ids=str,
)
def test_a_delivery_that_could_not_be_worked_off_is_a_bad_message(changes: dict[str, Any]):
    with pytest.raises(InvalidMessage):
        decode(changed(DELIVERY, **changes))


@pytest.mark.parametrize("token", [0, -1, 1.5, "5", None, True, 10**14, [], {}])
def test_a_resume_needs_a_time_for_its_token(token: object):
    with pytest.raises(InvalidMessage):
        decode(changed(RESUME, token=token))


@given(st.text() | values.map(json.dumps))
def test_any_text_is_a_bad_message_and_nothing_else(text: str):
    with pytest.raises(InvalidMessage):
        decode(text)


@given(st.sampled_from([DELIVERY, RESUME]), st.data(), values)
def test_whatever_is_put_into_a_part_the_message_is_good_or_bad(
    message: dict[str, Any], data: st.DataObject, value: object
):
    name = data.draw(st.sampled_from(sorted(message)))

    try:
        decoded = decode(changed(message, **{name: value}))
    except InvalidMessage:
        return

    assert decode(encode(decoded)) == decoded


def test_the_reason_is_short_and_of_one_line_whatever_came():
    with pytest.raises(InvalidMessage) as bad:
        decode(changed(DELIVERY, kind="\n\uffff" * 10_000))

    assert str(bad.value).isprintable()
    assert len(str(bad.value)) < 300


def test_an_event_is_carried_as_its_producer_wrote_it():
    delivery = a_delivery(pipeline_id="0039", unknown={"湖": 1.5})

    decoded = decode(encode(delivery))

    assert isinstance(decoded, Delivery)
    assert decoded.event == Event.restored("e1", delivery.event.document)


@pytest.mark.parametrize("timestamp", ["", "soon", "2026-01-01T12:00:00", 7, None])
def test_a_ping_that_does_not_say_when_it_was_asked_for_is_a_bad_message(timestamp: Any):
    body = json.loads(encode(Ping("sub_a", "1", "2026-01-01T12:00:00Z")))

    with pytest.raises(InvalidMessage, match="resume or a ping"):
        decode(json.dumps(body | {"timestamp": timestamp}))


def test_a_ping_in_a_pipelines_lane_is_a_bad_message():
    text = encode(Ping("sub_a", "1", "2026-01-01T12:00:00Z")).replace("#ping-1", "#39")

    with pytest.raises(InvalidMessage, match="no lane of its own"):
        decode(text)


def test_an_event_as_deep_as_may_be_travels():
    deepest: Any = 0
    for _ in range(MAX_LEVELS - 2):
        deepest = [deepest]
    delivery = a_delivery(data={"deepest": deepest})
    parse_json_object(to_json(delivery.event.document))

    assert decode(encode(delivery)) == delivery
