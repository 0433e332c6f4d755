"""The WeCom channel: markdown within 4,096 bytes, and responses by ``errcode``."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lakehook.domain.attempt import Outcome, Response, ResponseVerdict
from lakehook.domain.channels import CHANNELS
from lakehook.domain.channels.base import RenderedMessage
from lakehook.domain.channels.wecom import MAX_BYTES, cut_markdown
from lakehook.domain.destination import Endpoint, MailDestination
from lakehook.domain.rate_limit import Rate
from lakehook.domain.subscription import Language, Locale
from lakehook.domain.template import RenderedTemplate
from lakehook.ports.outbound import SubscriptionCredentials
from tests.builders import a_delivery, a_subscription
from tests.fakes import (
    NOON,
    FakeTransport,
)
from tests.sending import an_attempt

WECOM = CHANNELS["wecom"]
KEY = "693a91f6-7aaa-4bc4-97a0-0ec2sifa5aaa"
URL = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}"
DISPLAY_URL = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…"
OWN_MARKUP = re.compile(r'<font color="(?:info|warning|comment)">|</font>')
LONGEST_URL = f"https://lake.example/{'a' * 579}"
ANY_TEXT = st.text() | st.text("湖<>@[](]\n𠮷", max_size=600) | st.just("湖" * 5000)


def content_of(content: RenderedMessage) -> str:
    document = json.loads(content.body)
    assert document["msgtype"] == "markdown"
    return str(document["markdown"]["content"])


def rendered(language: Language = Language.CHINESE, **changes: object) -> str:
    return content_of(WECOM.render(a_delivery(**changes), Locale(language)))


def test_the_markdown_has_the_facts_in_the_language_of_the_subscription():
    assert rendered(
        event_type="PIPELINE_FAILED", began_at="2024-09-05T15:00:00+08:00", message="jira: 401"
    ) == (
        '**<font color="warning">❌ 湖：流水线 39 运行失败</font>**\n'
        ">项目：湖\n"
        ">流水线：39\n"
        ">触发方式：蓝图 7\n"
        ">耗时：8 分\n"
        ">时间：2024-09-05 15:08:00 UTC+08:00\n"
        "\n"
        "jira: 401"
    )
    assert rendered(Language.ENGLISH).startswith("**🔵 湖: pipeline 39 created**")


@given(ANY_TEXT, ANY_TEXT)
def test_a_message_of_any_event_has_room_for_its_error_and_no_strangers_markup(
    name: str, message: str
):
    tasks = [{"id": name, "plugin": name, "message": "湖" * 300}] * 10
    of_task = a_delivery(
        event_type="TASK_FAILED",
        project_name=name,
        message=message,
        task={"id": name, "plugin": message},
    )
    of_pipeline = a_delivery(
        event_type="PIPELINE_FAILED",
        trigger_source=f"blueprint:{'7' * 64}",
        project_name=name,
        pipeline_name=name,
        source="s" * 32,
        message=message,
        total_tasks=10**12,
        finished_tasks=10**13,
        failed_tasks=tasks,
        began_at="2024-09-05T15:00:00+08:00",
        pipeline_url=LONGEST_URL,
        inferred=True,
    )

    for delivery in (of_task, replace(of_pipeline, late=True, replayed=True)):
        text = content_of(WECOM.render(delivery, Locale(Language.CHINESE)))
        assert len(text.encode()) <= MAX_BYTES
        assert text.count("<font") == text.count("</font>")
        assert "<" not in OWN_MARKUP.sub("", text)
        assert "](" not in text.replace(f"]({LONGEST_URL})", "")
    assert "湖" * 300 in text or message.strip()


def test_failed_tasks_and_the_link_are_shown():
    text = rendered(
        event_type="PIPELINE_FAILED",
        total_tasks=9,
        finished_tasks=12,
        failed_tasks=[{"id": 131, "plugin": "jira", "message": "[a](b) <@me> 401"}],
        pipeline_url="https://lake.example/pipeline/39?(a)",
    )

    assert "\n>任务数：共 9 个，含重跑共执行 12 次，其中失败 1 个\n" in text
    assert "\n[查看流水线](https://lake.example/pipeline/39?%28a%29)\n" in text
    assert text.endswith("\n\n失败的任务：\n131（jira）：[a] (b) ＜@me＞ 401")


def test_a_link_so_long_that_it_would_leave_the_message_no_room_is_left_out():
    assert LONGEST_URL in rendered(pipeline_url=LONGEST_URL)
    assert "查看流水线" not in rendered(pipeline_url=f"{LONGEST_URL}a")


def test_a_long_message_is_truncated_between_characters_and_uses_the_whole_limit():
    text = rendered(message="湖" * 4000)

    assert text.endswith("湖…")
    assert MAX_BYTES - 3 < len(text.encode()) <= MAX_BYTES


@given(
    st.lists(
        st.sampled_from(['<font color="info">', "</font>", "湖", "a", "**", "\n", "<@me>"]),
        max_size=60,
    ),
    st.integers(0, 4200),
)
@example(['<font color="info">', "湖", "</font>"], 4080)
@example(['<font color="info">', *["湖"] * 40, "</font>"], 4000)
def test_the_output_of_a_template_is_truncated_outside_of_markup(parts: list[str], filler: int):
    text = "x" * filler + "".join(parts)

    cut = cut_markdown(text)

    assert len(cut.encode()) <= MAX_BYTES
    if cut != text:
        assert len(text.encode()) > MAX_BYTES
        assert re.fullmatch(r"(?:[^<>]|<[^<>]*>)*", cut)
        assert cut.rfind("<font") <= cut.rfind("</font>")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# done", {"msgtype": "markdown", "markdown": {"content": "# done"}}),
        ('{"msgtype": "text", "text": {}}', {"msgtype": "text", "text": {}}),
        ('{"done": 1}', {"msgtype": "markdown", "markdown": {"content": '{"done": 1}'}}),
    ],
)
def test_a_template_gives_markdown_or_the_whole_message(text: str, message: object):
    composed = WECOM.apply_template(RenderedTemplate(body=text), RenderedMessage(body=b"usual"))

    assert json.loads(composed.body) == message


# --- where it goes ---


@pytest.mark.parametrize(
    "url",
    [
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send",
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=",
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?debug=1",
    ],
)
def test_a_url_without_the_key_is_refused(url: str):
    assert (
        WECOM.validate_destination(Endpoint.parse(url)) == "a robot's ends in ?key=…; copy it whole"
    )


def test_wecom_is_reached_over_http_alone_and_twenty_times_a_minute():
    assert WECOM.validate_destination(Endpoint.parse(URL)) is None
    assert WECOM.validate_destination(MailDestination.parse("mailto:me@team.example"))
    assert WECOM.rate == Rate.parse("20/m")


@pytest.mark.parametrize(
    "error_text",
    [
        f"invalid webhook url, hint: [17], key: {KEY}",
        f"POST /cgi-bin/webhook/send?key={KEY}",
        f"<a href='{URL}'>",
    ],
)
def test_the_key_is_never_shown_whatever_wecom_says(error_text: str):
    body = json.dumps({"errcode": 93000, "errmsg": error_text}).encode()
    receiver = FakeTransport([Response(status=200, headers={}, body=body)])
    subscription = a_subscription(
        channel="wecom", endpoint=replace(Endpoint.parse(URL), url=DISPLAY_URL)
    )

    attempt = an_attempt(receiver, SubscriptionCredentials((), url=URL))(a_delivery(), subscription)

    (request,) = receiver.requests
    assert request.endpoint.url == URL
    assert request.endpoint.display_url == DISPLAY_URL
    assert attempt.outcome is Outcome.GONE
    assert "93000" in attempt.excerpt
    assert KEY not in f"{attempt} {request} {request.endpoint!r}"


# --- answers ---


def read(body: bytes, status: int = 200, **headers: str) -> ResponseVerdict:
    return WECOM.interpret(Response(status=status, headers=headers, body=body), now=NOON)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (0, Outcome.DELIVERED),
        (93000, Outcome.GONE),
        (40058, Outcome.UNACCEPTABLE),
        *((code, Outcome.REJECTED) for code in (1, 40001, 40008, 44004, 45002, 93004, 93008)),
    ],
)
def test_an_errcode_determines_the_outcome(code: int, outcome: Outcome):
    reading = read(json.dumps({"errcode": code, "errmsg": "ok"}).encode())

    expected = ResponseVerdict(outcome=outcome, disable_requested=outcome is Outcome.GONE)
    assert replace(reading, reason="") == expected
    assert bool(reading.reason) is (code in (93000, 40058))


@pytest.mark.parametrize(
    "body",
    [b"", b"ok", b"[]", b'{"errmsg":"ok"}', b'{"errcode":"no"}', b'{"errcode":false}', b"\xff"],
)
def test_a_response_without_an_errcode_is_a_rejection(body: bytes):
    assert read(body) == ResponseVerdict(outcome=Outcome.REJECTED)


@pytest.mark.parametrize("code", [-1, 45009])
@pytest.mark.parametrize(("hint", "seconds"), [({}, 60), ({"retry-after": "90"}, 90)])
def test_too_many_or_busy_waits_at_least_a_minute(code: int, hint: dict[str, str], seconds: float):
    reading = read(json.dumps({"errcode": code}).encode(), **hint)

    assert (reading.outcome, reading.retry_after) == (Outcome.THROTTLED, seconds)


def test_a_status_other_than_200_is_not_read_by_its_body():
    outcomes = {status: read(b'{"errcode":0}', status).outcome for status in (204, 404, 500, 502)}

    assert outcomes.pop(502) is Outcome.THROTTLED
    assert set(outcomes.values()) == {Outcome.REJECTED}
