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
from lakehook.domain.queue_message import MAX_LANE, VERSION, Message, Ping, Resume, decode, encode
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
def test_a_message_comes_out_as_it_went_in_and_is_ascii_since_sqs_refuses_some_of_the_rest(
    message: Message,
):
    text = encode(message)

    assert text.isascii()
    assert decode(text) == message


def test_a_lane_says_of_which_source_its_pipeline_is_and_the_longest_is_a_message_group_of_sqs():
    of_source = a_delivery(7, source="staging")
    subscription = f"sub_{SystemRandom().new_id()}"
    longest = a_delivery(subscription=subscription, source="s" * 32, pipeline_id="p" * 64)

    assert of_source.id == "sub_a#staging/39#7"
    assert (decode(encode(of_source)), decode(encode(longest))) == (of_source, longest)
    assert len(str(longest.lane)) <= MAX_LANE


def test_a_lane_that_is_no_message_group_of_sqs_is_refused():
    fitting, too_long = (f"{'a' * 60}#{'b' * 32}/{'3' * digits}" for digits in (34, 35))

    assert (len(fitting), len(too_long)) == (MAX_LANE, MAX_LANE + 1)
    assert decode(with_change(RESUME, lane=fitting))
    with pytest.raises(InvalidMessage):
        decode(with_change(RESUME, lane=too_long))


DELIVERY: dict[str, Any] = json.loads(encode(a_delivery(2, previous="PIPELINE_CREATED")))
RESUME: dict[str, Any] = json.loads(encode(Resume(LANE, 5)))
EVENT: dict[str, Any] = DELIVERY["event"]


def test_neither_a_url_nor_a_secret_has_a_place_in_a_message():
    names = "version lane kind sequence previous_event_type event_id event"
    assert DELIVERY.keys() == set(names.split())


def with_change(message: dict[str, Any], **changes: Any) -> str:
    return json.dumps(
        {name: value for name, value in (message | changes).items() if value is not ...}
    )


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"version": NaN}', '{"a": 1e999}', '{"a": "\\ud800"}', '{"a":' * 100_000],
    ids=lambda text: text[:20],
)
def test_an_invalid_document_is_an_invalid_message(text: str):
    with pytest.raises(InvalidMessage):
        decode(text)


def assert_refused(message: dict[str, Any], part: str, value: object) -> None:
    with pytest.raises(InvalidMessage):
        decode(with_change(message, **{part: value}))


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("version", [..., 0, VERSION + 1, "1", None, [], {}, -1]),
        ("kind", [..., "ping", []]),
        ("lane", [..., 39, "", "sub_a", "#39", "sub_a#", "sub_a#40", "sub_a#39#1"]),
        ("lane", ["sub_a#staging/39", "sub_a#a/b/39", "sub_a#/39", "a" * 61 + "#39", "sub_ä#39"]),
        ("sequence", [..., 0, -1, 1.5, "2", True, 10**10, 10**4000, None]),
        ("event_id", [..., None, 7]),
        ("previous_event_type", [..., 7, ["PIPELINE_CREATED"]]),
        ("event", [..., None, "text", [], {}]),
        (
            "event",
            [
                {**EVENT, "event_type": event_type}
                for event_type in ("EXPLODED", ["PIPELINE_CREATED"])
            ],
        ),
        ("event", [{**EVENT, "pipeline_id": 40}, {**EVENT, "pipeline_id": {}}]),
        ("event", [{**EVENT, "timestamp": "yesterday"}]),
    ],
)
def test_a_delivery_that_could_not_be_processed_is_an_invalid_message(
    part: str, values: list[object]
):
    for value in values:
        assert_refused(DELIVERY, part, value)


def test_a_resume_needs_each_part_and_a_time_for_its_token():
    for part in RESUME.keys() - {"probe"}:
        assert_refused(RESUME, part, ...)
    for token in (0, -1, 1.5, "5", None, True, 10**14, [], {}):
        assert_refused(RESUME, "token", token)


@given(st.text() | values.map(json.dumps))
def test_any_text_is_an_invalid_message_and_no_other_error(text: str):
    with pytest.raises(InvalidMessage):
        decode(text)


@given(st.sampled_from([DELIVERY, RESUME]), st.data(), values)
def test_a_message_with_any_value_in_a_part_is_valid_or_refused(
    message: dict[str, Any], data: st.DataObject, value: object
):
    name = data.draw(st.sampled_from(sorted(message)))

    try:
        decoded = decode(with_change(message, **{name: value}))
    except InvalidMessage:
        return

    assert decode(encode(decoded)) == decoded


def test_the_reason_of_any_invalid_message_is_one_short_line():
    with pytest.raises(InvalidMessage) as bad:
        decode(with_change(DELIVERY, kind="\n\uffff" * 10_000))

    assert str(bad.value).isprintable()
    assert len(str(bad.value)) < 300


def test_an_event_is_carried_as_its_producer_wrote_it():
    delivery = a_delivery(pipeline_id="0039", unknown={"湖": 1.5})
    numbered_at_fan_out = a_delivery(event_id=...)

    decoded, numbered = decode(encode(delivery)), decode(encode(numbered_at_fan_out))

    assert isinstance(decoded, Delivery)
    assert decoded.event == Event.restored("e1", delivery.event.document)
    assert isinstance(numbered, Delivery)
    assert numbered.event.id == numbered_at_fan_out.event.id


@pytest.mark.parametrize("timestamp", ["", "soon", "2026-01-01T12:00:00", 7, None])
def test_a_ping_without_the_time_of_its_request_is_an_invalid_message(timestamp: Any):
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
