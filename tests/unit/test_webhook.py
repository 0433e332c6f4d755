import json
import time
from dataclasses import replace
from datetime import UTC
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lakehook import __version__
from lakehook.domain.attempt import Outcome, Response
from lakehook.domain.channels.base import OutboundMessage, RenderedMessage
from lakehook.domain.channels.webhook import Webhook as Channel
from lakehook.domain.channels.webhook import classify_response, render, request_headers, retry_after
from lakehook.domain.delivery import Delivery, Lane, SequencedEvent
from lakehook.domain.destination import Endpoint, Request
from lakehook.domain.signing import HmacSecret
from lakehook.domain.subscription import Locale
from lakehook.domain.template import RenderedTemplate
from tests.builders import a_delivery, a_document, an_event
from tests.fakes import NOON

SECRET = HmacSecret(b"a secret of thirty-two bytes, so")
NOON_TEXT = "Thu, 01 Jan 2026 12:00:00 GMT"


def retry_response(wish: str) -> Response:
    return Response(status=503, headers={"retry-after": wish}, body=b"")


# --- requests ---


def test_the_body_is_the_event_with_its_id_and_its_place():
    first, later = (
        a_delivery(1),
        a_delivery(3, previous="PIPELINE_RUNNING", extra={"湖": [1, None]}),
    )

    assert json.loads(render(first))["previous_event_type"] is None
    assert json.loads(render(later)) == {
        **a_document(event_id="e3", extra={"湖": [1, None]}),
        "sequence": 3,
        "previous_event_type": "PIPELINE_RUNNING",
    }


def test_a_producer_cannot_set_our_fields():
    event = an_event(sequence=99, previous_event_type="NONE")
    forged = Delivery(Lane("sub_a", "39"), SequencedEvent(event, 3, "PIPELINE_RUNNING"))

    body = json.loads(render(forged))

    assert (body["sequence"], body["previous_event_type"]) == (3, "PIPELINE_RUNNING")


def test_the_body_is_compact_utf_8_without_escapes():
    body = render(a_delivery(project_name="湖 é \U0001f30a"))

    assert '"project_name":"湖 é \U0001f30a"'.encode() in body
    assert b"\\u" not in body


def test_the_headers_have_the_delivery_the_attempt_and_the_user_agent():
    headers = request_headers(message_id="sub_a#39#1", at=NOON + 0.9, body=b"{}", secrets=[SECRET])

    assert headers.pop("webhook-signature").startswith("v1,")
    assert headers == {
        "content-type": "application/json",
        "user-agent": f"Lakehook/{__version__}",
        "webhook-id": "sub_a#39#1",
        "webhook-timestamp": "1767268800",
    }


def test_a_request_shows_neither_headers_nor_body():
    request = Request(
        endpoint=Endpoint.parse("https://ci.example/?key=s3cret"),
        headers={"authorization": "Bearer s3cret"},
        body=b"s3cret",
        deadline_seconds=1,
    )

    assert "s3cret" not in repr(request)


# --- responses ---


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        (range(200, 300), Outcome.DELIVERED),
        ([410], Outcome.GONE),
        ([429, 502, 503, 504], Outcome.THROTTLED),
        ([100, 101, 199, *range(300, 309), 400, 401, 404, 409, 418], Outcome.REJECTED),
        ([500, 501, 505, 599, 999], Outcome.REJECTED),
    ],
)
def test_an_answer_is_read_by_its_status(statuses: list[int], outcome: Outcome):
    outcomes = {
        classify_response(Response(status=status, headers={}, body=b"")) for status in statuses
    }

    assert outcomes == {outcome}


@pytest.mark.parametrize(
    ("seconds", "wishes"),
    [
        (0, ["0", NOON_TEXT, "Wed, 31 Dec 2025 12:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 GMT"]),
        (0.5, ["500 ms"]),
        (1.5, ["1.5"]),
        (7, ["7"]),
        (10, ['"10"']),
        (30, ["30s", "30 seconds", "PT30S", "30, 30"]),
        (60, ["1m"]),
        (90, ["Thu, 01 Jan 2026 12:01:30 GMT", "Thu, 01 Jan 2026 13:01:30 +0100"]),
        (90, ["Thu, 01 Jan 2026 12:01:30 -0000", "Thu, 01 Jan 2026 12:01:30"]),
        (90, ["Thursday, 01-Jan-26 12:01:30 GMT", "Thu Jan  1 12:01:30 2026"]),
        (90, ["2026-01-01T12:01:30Z", "1767268890"]),
        (90.5, ["2026-01-01T14:01:30.5+02:00", "1767268890500"]),
        (120, [" 120 "]),
        (600, ["10 min"]),
        (3723.5, ["PT1H2M3.5S"]),
        (7200, ["2 hours"]),
    ],
)
def test_a_receiver_asks_for_time_in_seconds_or_by_a_date(seconds: float, wishes: list[str]):
    assert {retry_after(retry_response(wish), now=NOON) for wish in wishes} == {seconds}


@pytest.mark.parametrize(
    "wish",
    [
        *("", "soon", "-1", "1e3", "1.5.5", "²", "٣", "0x10", "PT", "10 moons"),
        "Thu, 32 Jan 2026 12:00:00 GMT",
        "Thu, 01 Jan 2026 99:00:00 GMT",
        "Thu, 01 Jan 2026 12:00:00 +9999",
        "Thu, 01 Jan 99999999999999999999 12:00:00 GMT",
        "Thu, 01 Jan 2026 12:00:00 99999999999999999999",
    ],
)
def test_an_invalid_retry_after_is_ignored(wish: str):
    assert retry_after(retry_response(wish), now=NOON) is None


def test_a_date_without_a_zone_is_gmt_wherever_we_run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        wish = retry_after(retry_response("Thu, 01 Jan 2026 12:01:30"), now=NOON)
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()

    assert wish == 90


dates = st.datetimes(timezones=st.just(UTC)).map(format_datetime)
shuffled = st.lists(
    st.sampled_from(["Thu,", "01", "Jan", "2026", "12:00:00", "GMT", "+0100", "-", "9" * 30, "0"])
).map(" ".join)


@given(st.text() | dates | shuffled | st.text("0123456789:+-, JanGMT"))
@example("9" * 5000)
def test_any_retry_after_is_read_or_ignored(wish: str):
    seconds = retry_after(retry_response(wish), now=NOON)

    assert seconds is None or seconds >= 0


def test_a_replayed_delivery_is_marked_and_otherwise_the_same():
    replayed = json.loads(render(replace(a_delivery(1), replayed=True)))

    assert replayed.pop("replayed") is True
    assert replayed == json.loads(render(a_delivery(1)))


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_producers_trace_continues_and_each_attempt_is_a_span_of_its_own():
    delivery = a_delivery(traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")
    content = CHANNEL.render(delivery, Locale())
    spans = iter((b"\x01" * 32, b"\x02" * 32))

    headers = [
        CHANNEL.build_request(
            replace(an_outbound_message(content), random_bytes=lambda: next(spans))
        ).headers
        for _ in range(2)
    ]

    assert [header["traceparent"] for header in headers] == [
        f"00-{TRACE}-0101010101010101-01",
        f"00-{TRACE}-0202020202020202-01",
    ]
    assert json.loads(content.body)["traceparent"].endswith("-00f067aa0ba902b7-01")


def test_a_template_keeps_the_trace():
    default = CHANNEL.render(a_delivery(traceparent=f"00-{TRACE}-00f067aa0ba902b7-01"), Locale())

    content = CHANNEL.apply_template(RenderedTemplate(body="{}"), default)

    assert "traceparent" in CHANNEL.build_request(an_outbound_message(content)).headers


@pytest.mark.parametrize("traced", [..., None, 7, "nonsense"])
def test_without_a_trace_there_is_no_header(traced: object):
    content = CHANNEL.render(a_delivery(traceparent=traced), Locale())

    assert "traceparent" not in CHANNEL.build_request(an_outbound_message(content)).headers


CHANNEL = Channel()


def an_outbound_message(content: RenderedMessage) -> OutboundMessage:
    return OutboundMessage(
        id="sub_a#39#1",
        content=content,
        destination=Endpoint.parse("https://ci.example/hook"),
        at=NOON,
        deadline_seconds=10,
        secrets=(SECRET,),
    )
