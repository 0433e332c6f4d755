"""The Slack channel: blocks within its limits, no markup of strangers, responses by their text."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.domain.attempt import Outcome, Response, ResponseVerdict
from lakehook.domain.channels import CHANNELS
from lakehook.domain.channels.base import OutboundMessage, RenderedMessage
from lakehook.domain.destination import Endpoint, MailDestination
from lakehook.domain.queue_message import Ping
from lakehook.domain.rate_limit import Rate
from lakehook.domain.subscription import Language, Locale
from lakehook.domain.template import RenderedTemplate
from lakehook.domain.text import utf16_size
from tests.builders import a_delivery
from tests.fakes import NOON

SLACK = CHANNELS["slack"]
URL = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
ANY_TEXT = st.text() | st.text("&<>@!*湖𠮷\n", max_size=500) | st.just("&" * 9000)


def rendered(language: Language = Language.ENGLISH, **changes: object) -> Any:
    return json.loads(SLACK.render(a_delivery(**changes), Locale(language)).body)


URL_OF_DEVLAKE = f"https://lake.example/{'&' * 500}"
LINK = f"<{URL_OF_DEVLAKE.replace('&', '&amp;')}|Open the pipeline>"
TIME = "<!date^1725520080^{date_num} {time_secs}|2024-09-05 15:08:00 UTC+08:00>"


def texts(document: Any) -> list[str]:
    if isinstance(document, dict):
        return [text for value in document.values() for text in texts(value)]
    if isinstance(document, list):
        return [text for value in document for text in texts(value)]
    return [document] if isinstance(document, str) else []


def test_the_blocks_have_the_facts_in_the_language_of_the_subscription():
    document = rendered(
        event_type="PIPELINE_FAILED",
        began_at="2024-09-05T15:00:00+08:00",
        message="jira: 401",
        inferred=True,
    )

    header, facts, message, remarks = document["blocks"]
    assert header["text"]["text"] == document["text"] == "❌ 湖: pipeline 39 failed"
    assert [fact["text"] for fact in facts["fields"]] == [
        "*Project*\n湖",
        "*Pipeline*\n39",
        "*Trigger*\nblueprint 7",
        "*Duration*\n8 min",
        f"*Time*\n{TIME}",
    ]
    assert message["text"]["text"] == "jira: 401"
    assert remarks["type"] == "context"
    assert rendered(Language.CHINESE)["text"] == "🔵 湖：流水线 39 已创建"


@given(ANY_TEXT, ANY_TEXT, st.lists(st.text(max_size=300), min_size=1, max_size=10))
def test_strangers_texts_are_never_markup_nor_longer_than_slack_allows(
    name: str, message: str, failures: list[str]
):
    tasks = [
        {"id": name, "plugin": name, "message": " ".join(failure.splitlines())}
        for failure in failures
    ]
    of_task = rendered(
        event_type="TASK_FAILED", project_name=name, message=message, task={"plugin": name}
    )
    of_pipeline = rendered(
        event_type="PIPELINE_FAILED",
        pipeline_name=name,
        message=message,
        failed_tasks=tasks,
        total_tasks=10**12,
        finished_tasks=1,
        began_at="2024-09-05T15:00:00+08:00",
        pipeline_url=URL_OF_DEVLAKE,
    )

    for document in (of_task, of_pipeline):
        for text in texts(document):
            assert not re.search("[<>]", text.replace(TIME, "").replace(LINK, ""))
            assert not re.search(r"&(?!amp;|lt;|gt;)", text)
        header, facts, *sections = document["blocks"]
        assert 1 <= utf16_size(header["text"]["text"]) <= 150
        assert len(facts["fields"]) <= 10
        assert all(utf16_size(fact["text"]) <= 2000 for fact in facts["fields"])
        assert all(1 <= utf16_size(section["text"]["text"]) <= 3000 for section in sections)


def test_failed_tasks_and_the_link_are_below_the_facts():
    document = rendered(
        event_type="PIPELINE_FAILED",
        total_tasks=9,
        finished_tasks=7,
        failed_tasks=[{"id": 131, "plugin": "jira", "message": "<!channel> 401"}],
        pipeline_url="https://lake.example/pipeline/39?a=1&b=<!here>|",
        inferred=True,
    )

    _, facts, message, link, remarks = document["blocks"]
    assert "*Tasks*\n7 of 9 finished, 1 of them failed" in [
        fact["text"] for fact in facts["fields"]
    ]
    assert message["text"]["text"] == "Failed tasks:\n131 (jira): &lt;!channel&gt; 401"
    assert link["text"]["text"] == (
        "<https://lake.example/pipeline/39?a=1&amp;b=%3C!here%3E%7C|Open the pipeline>"
    )
    assert remarks["type"] == "context"


def test_a_test_message_can_be_read():
    ping = Ping("sub_a", "f00d", "2026-01-01T12:00:00Z")
    greeting = SLACK.render_ping(ping, Locale())

    assert greeting
    assert json.loads(greeting.body)["text"] == "🔵 Lakehook: a test message"


# --- templates ---


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("*done*", {"text": "*done*"}),
        ('{"blocks": []}', {"blocks": []}),
        ('{"text": "a", "mrkdwn": false}', {"text": "a", "mrkdwn": False}),
        ('{"done": true}', {"text": '{"done": true}'}),
        ("", {"text": ""}),
    ],
)
def test_a_template_gives_markup_or_the_whole_message(text: str, message: object):
    composed = SLACK.apply_template(RenderedTemplate(body=text), RenderedMessage(body=b"usual"))

    assert json.loads(composed.body) == message


def test_a_template_without_a_body_leaves_the_usual_one():
    composed = SLACK.apply_template(
        RenderedTemplate(headers=(("x-a", "b"),)), RenderedMessage(body=b"usual")
    )

    assert composed == RenderedMessage(body=b"usual", headers={"x-a": "b"})


# --- addressing ---


def test_a_message_is_posted_as_json_with_the_delivery_s_id_and_without_a_signature():
    endpoint = Endpoint.parse(URL)
    content = RenderedMessage(body=b"{}", headers={"content-type": "text/plain"})
    letter = OutboundMessage(
        id="sub_a#39#1",
        content=content,
        destination=endpoint,
        at=NOON,
        deadline_seconds=5,
        headers={"x-team": "lake"},
    )

    request = SLACK.build_request(letter)

    assert request.endpoint is endpoint
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == "sub_a#39#1"
    assert request.headers["x-team"] == "lake"
    assert "webhook-signature" not in request.headers


def test_slack_is_reached_over_http_alone_and_once_a_second():
    assert SLACK.validate_destination(Endpoint.parse(URL)) is None
    assert SLACK.validate_destination(MailDestination.parse("mailto:me@team.example"))
    assert SLACK.rate == Rate.parse("1/s")


# --- answers ---


@pytest.mark.parametrize(
    ("outcome", "answers"),
    [
        (Outcome.DELIVERED, [(200, b"ok"), (200, b" ok\n"), (200, b""), (200, b'{"ok":true}')]),
        (Outcome.DELIVERED, [(200, b'{"success":true}')]),
        (Outcome.REJECTED, [(200, b'{"ok": false, "error": "x"}'), (200, b'{"success":false}')]),
        (Outcome.REJECTED, [(200, b"<html>sign in</html>"), (204, b""), (302, b""), (400, b"")]),
        (Outcome.REJECTED, [(400, b"<html>Bad Request</html>"), (413, b""), (403, b"")]),
        (Outcome.REJECTED, [(403, b"<html>your proxy says no</html>"), (404, b"<html>no</html>")]),
        (Outcome.REJECTED, [(405, b""), (500, b"rollup_error")]),
        (Outcome.UNACCEPTABLE, [(400, b"invalid_payload"), (200, b"invalid_payload")]),
        (Outcome.UNACCEPTABLE, [(400, b"invalid_blocks"), (400, b"no_text")]),
        (Outcome.GONE, [(410, b""), (400, b"no_team"), (200, b"no_service"), (404, b"no_service")]),
        (Outcome.GONE, [(403, b"action_prohibited"), (403, b"invalid_token")]),
        (Outcome.GONE, [(404, b"channel_not_found"), (410, b"channel_is_archived")]),
        (Outcome.THROTTLED, [(503, b"")]),
    ],
)
def test_a_response_is_read_by_its_status_and_its_text(
    outcome: Outcome, answers: list[tuple[int, bytes]]
):
    for status, body in answers:
        reading = SLACK.interpret(Response(status=status, headers={}, body=body), now=NOON)
        asked_to_stop = outcome is Outcome.GONE
        assert reading == ResponseVerdict(outcome=outcome, disable_requested=asked_to_stop), body


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({}, 1), ({"retry-after": "0"}, 1), ({"retry-after": "30"}, 30), ({"retry-after": "?"}, 1)],
)
def test_when_it_was_too_many_it_waits_at_least_a_second(headers: dict[str, str], seconds: float):
    body = b'{"retry_after":1,"ok":false,"error":"rate_limited"}'

    reading = SLACK.interpret(Response(status=429, headers=headers, body=body), now=NOON)

    assert reading == ResponseVerdict(outcome=Outcome.THROTTLED, retry_after=seconds)
