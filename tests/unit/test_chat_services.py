"""The channels of Feishu, DingTalk and Teams: what is sent, and what their answers mean."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehook.domain.attempt import Outcome, Response, ResponseVerdict
from lakehook.domain.channels import CHANNELS
from lakehook.domain.channels.base import OutboundMessage, RenderedMessage
from lakehook.domain.destination import Endpoint, MailDestination, Request
from lakehook.domain.devlake.signature import TextSecret
from lakehook.domain.errors import InvalidEndpoint, InvalidInput, InvalidSubscription
from lakehook.domain.subscription import Language, Locale
from lakehook.domain.template import RenderedTemplate
from lakehook.subscriptions.subscribe import SecretRequest, SubscriptionFields
from tests.builders import a_delivery
from tests.fakes import NOON
from tests.fakes_ops import FakeStack

FEISHU = "https://open.feishu.cn/open-apis/bot/v2/hook/9a1f-c4nary"
DINGTALK = "https://oapi.dingtalk.com/robot/send?access_token=c4nary"
TEAMS = (
    "https://default1.ab.environment.api.powerplatform.com/workflows/1/triggers/manual/run?sig=c4"
)
URLS = {"feishu": FEISHU, "dingtalk": DINGTALK, "teams": TEAMS}
MAX_BODY_BYTES = {"feishu": 20 * 1024, "dingtalk": 20_000, "teams": 28 * 1024}
ANY_TEXT = st.text() | st.text('湖<>@[](]\n𠮷"\\', max_size=3000) | st.just("湖" * 5000)
FAILED = {
    "event_type": "PIPELINE_FAILED",
    "began_at": "2024-09-05T15:00:00+08:00",
    "message": "jira: 401",
    "pipeline_url": "https://lake.example/pipeline/39",
}


SIGNATURE_MISMATCH = (
    '{"errcode":310000,"errmsg":"description:机器人发送签名不匹配;solution:请确认签名和生成'
    '签名的时间戳必须都放在调用的网址中"}'
)
SUSPENDED = """{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"state 'Suspended'"}}"""


def rendered(channel: str, language: Language = Language.CHINESE, **changes: object) -> Any:
    return json.loads(CHANNELS[channel].render(a_delivery(**changes), Locale(language)).body)


def requested(
    channel: str, *, secret: str | None = None, content: RenderedMessage | None = None
) -> Request:
    secrets = () if secret is None else (TextSecret.parse(secret),)
    request = CHANNELS[channel].build_request(
        OutboundMessage(
            id="sub_a#39#1",
            content=content or CHANNELS[channel].render(a_delivery(), Locale()),
            destination=Endpoint.parse(URLS[channel]),
            at=NOON,
            deadline_seconds=10,
            secrets=secrets,
        )
    )
    assert isinstance(request, Request)
    return request


def read(channel: str, body: bytes, status: int = 200, **headers: str) -> ResponseVerdict:
    response = Response(status=status, headers=headers, body=body)
    return CHANNELS[channel].interpret(response, now=NOON)


def test_feishu_gets_a_card_in_plain_text() -> None:
    message = rendered("feishu", **FAILED)

    assert message["msg_type"] == "interactive"
    header, (facts, text, action) = message["card"]["header"], message["card"]["elements"]
    assert header == {
        "title": {"tag": "plain_text", "content": "❌ 湖：流水线 39 运行失败"},
        "template": "red",
    }
    assert [field["text"]["content"] for field in facts["fields"]][:2] == [
        "项目：湖",
        "流水线：39",
    ]
    assert text["text"] == {"tag": "plain_text", "content": "jira: 401"}
    (button,) = action["actions"]
    assert (button["text"]["content"], button["url"]) == ("查看流水线", FAILED["pipeline_url"])


def test_dingtalk_gets_markdown() -> None:
    message = rendered("dingtalk", **FAILED)

    assert message["msgtype"] == "markdown"
    assert message["markdown"]["title"] == "❌ 湖：流水线 39 运行失败"
    lines = message["markdown"]["text"].split("\n\n")
    assert lines[:2] == ["#### ❌ 湖：流水线 39 运行失败", "> 项目：湖"]
    assert lines[-2:] == ["jira: 401", f"[查看流水线]({FAILED['pipeline_url']})"]


def test_teams_gets_an_adaptive_card() -> None:
    message = rendered("teams", Language.ENGLISH, **FAILED)

    ((attachment),) = message["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    headline, facts, text = attachment["content"]["body"]
    assert (headline["text"], headline["color"]) == ("❌ 湖: pipeline 39 failed", "attention")
    assert {"title": "Pipeline", "value": "39"} in facts["facts"]
    assert text["text"] == "jira: 401"
    (action,) = attachment["content"]["actions"]
    assert action == {
        "type": "Action.OpenUrl",
        "title": "Open the pipeline",
        "url": FAILED["pipeline_url"],
    }


@pytest.mark.parametrize("channel", sorted(URLS))
@settings(max_examples=30)
@given(ANY_TEXT, ANY_TEXT)
def test_a_message_of_any_event_fits_and_has_no_active_markup(
    channel: str, project: str, message: str
) -> None:
    delivery = replace(
        a_delivery(
            event_type="PIPELINE_FAILED",
            project_name=project,
            pipeline_name=project,
            message=message,
            failed_tasks=[{"id": 1, "plugin": "[a](b)<@me>", "message": "湖" * 300}] * 10,
        ),
        late=True,
    )

    body = CHANNELS[channel].render(delivery, Locale(Language.CHINESE)).body

    assert len(body) <= MAX_BODY_BYTES[channel]
    if channel != "feishu":  # its card has plain text alone
        assert "](" not in body.decode()
        assert "<" not in body.decode()


@pytest.mark.parametrize(
    ("channel", "text", "message"),
    [
        ("feishu", "done", {"msg_type": "text", "content": {"text": "done"}}),
        ("feishu", '{"msg_type": "post"}', {"msg_type": "post"}),
        (
            "dingtalk",
            "## done\nnow",
            {"msgtype": "markdown", "markdown": {"title": "done", "text": "## done\nnow"}},
        ),
        ("dingtalk", '{"msgtype": "text"}', {"msgtype": "text"}),
        ("teams", '{"type": "message", "attachments": []}', {"type": "message", "attachments": []}),
    ],
)
def test_a_template_gives_a_text_or_the_whole_message(
    channel: str, text: str, message: object
) -> None:
    default = RenderedMessage(body=b"usual")

    composed = CHANNELS[channel].apply_template(RenderedTemplate(body=text), default)

    assert json.loads(composed.body) == message


def test_feishu_s_signature_is_of_an_empty_message_by_the_time_and_the_secret() -> None:
    """https://github.com/go-gitea/gitea/pull/34802: DingTalk's is the reverse."""
    request = requested("feishu", secret="s3cret")
    body = json.loads(request.body)

    key = f"{int(NOON)}\ns3cret".encode()
    expected = base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
    assert (body["timestamp"], body["sign"]) == (str(int(NOON)), expected)
    assert body["msg_type"] == "interactive"
    assert "sign" not in json.loads(requested("feishu").body)
    stale = RenderedMessage(body=b'{"msg_type":"text","timestamp":"1","sign":"x"}')
    assert json.loads(requested("feishu", secret="s3cret", content=stale).body)["sign"] == expected


def test_dingtalk_s_signature_is_in_the_query() -> None:
    request = requested("dingtalk", secret="SECs3cret")
    query = parse_qs(urlsplit(request.endpoint.url).query)

    milliseconds = str(int(NOON * 1000))
    content = f"{milliseconds}\nSECs3cret".encode()
    expected = base64.b64encode(hmac.new(b"SECs3cret", content, hashlib.sha256).digest()).decode()
    assert query == {"access_token": ["c4nary"], "timestamp": [milliseconds], "sign": [expected]}
    assert requested("dingtalk").endpoint.url == DINGTALK


@pytest.mark.parametrize(
    ("channel", "body", "outcome"),
    [
        ("feishu", b'{"code":0,"msg":"success","data":{}}', Outcome.DELIVERED),
        ("feishu", b'{"StatusCode":0,"StatusMessage":"success"}', Outcome.DELIVERED),
        ("feishu", b'{"code":19021,"data":{},"msg":"sign match fail"}', Outcome.REJECTED),
        ("feishu", b'{"code":19021,"StatusCode":0}', Outcome.REJECTED),
        ("feishu", b'{"code":11232,"msg":"frequency limited"}', Outcome.THROTTLED),
        ("dingtalk", b'{"errcode":0,"errmsg":"ok"}', Outcome.DELIVERED),
        ("dingtalk", b'{"errcode":310000,"errmsg":"keywords not in content"}', Outcome.REJECTED),
        ("dingtalk", b'{"errcode":130101,"errmsg":"send too fast"}', Outcome.THROTTLED),
        ("dingtalk", b'{"errcode":-1,"errmsg":"busy"}', Outcome.THROTTLED),
        ("dingtalk", b'{"errcode":"0"}', Outcome.DELIVERED),
        ("dingtalk", b'{"errcode":0.0}', Outcome.DELIVERED),
        ("dingtalk", b'{"errcode":0.00}', Outcome.DELIVERED),
        ("dingtalk", b'{"errcode":0.5}', Outcome.REJECTED),
        ("dingtalk", '{"errcode":0,"errmsg":"成功"}'.encode("gbk"), Outcome.DELIVERED),
        ("feishu", b'\xef\xbb\xbf{"code":0}', Outcome.DELIVERED),
        ("teams", b"", Outcome.DELIVERED),
        ("feishu", b'{"code":19001,"data":{},"msg":"param invalid"}', Outcome.GONE),
        ("feishu", b'{"code":9499,"msg":"Bad Request","data":{}}', Outcome.REJECTED),
        ("dingtalk", b'{"errcode":300005,"errmsg":"token is not exist"}', Outcome.GONE),
        ("dingtalk", b'{"errcode":400013}', Outcome.GONE),
        ("dingtalk", b'{"errcode":400102}', Outcome.REJECTED),
        ("dingtalk", b'{"errcode":430102}', Outcome.UNACCEPTABLE),
        ("dingtalk", b'{"errcode":460101}', Outcome.UNACCEPTABLE),
    ],
)
def test_a_200_means_what_its_body_says(channel: str, body: bytes, outcome: Outcome) -> None:
    verdict = read(channel, body)

    assert verdict.outcome is outcome
    assert verdict.disable_requested is (outcome is Outcome.GONE)


@pytest.mark.parametrize(
    ("channel", "status", "body", "reason"),
    [
        ("feishu", 200, b'{"code":19001}', "19001, no bot has this URL"),
        ("feishu", 400, b'{"code":9499,"msg":"Bad Request"}', "9499, the message is malformed"),
        ("feishu", 200, b'{"code":19022}', "19022, the sender's IP address"),
        ("feishu", 200, b'{"code":77}', ""),
        ("dingtalk", 200, b'{"errcode":310000,"errmsg":"keywords not in content"}', "keyword"),
        ("dingtalk", 200, b'{"errcode":310000,"errmsg":"sign not match, more: []"}', "signature"),
        ("dingtalk", 200, b'{"errcode":310000,"errmsg":"invalid timestamp"}', "the clock"),
        ("dingtalk", 200, b'{"errcode":310000,"errmsg":"ip 1.2.3.4 not in whitelist"}', "the IP"),
        ("dingtalk", 200, SIGNATURE_MISMATCH.encode(), "signature"),
        ("dingtalk", 200, b'{"errcode":310000}', "310000, a security setting of the robot"),
        ("teams", 400, SUSPENDED.encode(), "switched off"),
        ("teams", 401, b'{"error":{"code":"DirectApiAuthorizationRequired"}}', "accept Anyone"),
        ("teams", 400, b'{"error":"no"}', ""),
    ],
)
def test_each_error_code_has_an_explanation(
    channel: str, status: int, body: bytes, reason: str
) -> None:
    verdict = read(channel, body, status)

    assert reason.replace("the IP", "IP address") in verdict.reason
    assert bool(verdict.reason) is bool(reason)
    assert verdict.outcome in (Outcome.REJECTED, Outcome.GONE)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, {"code": "WorkflowNotFound"}),
        (400, {"code": "WorkflowTriggerIsNotEnabled", "message": "is in state 'Deleted'."}),
    ],
)
def test_a_deleted_workflow_is_never_called_again(status: int, error: dict[str, str]) -> None:
    verdict = read("teams", json.dumps({"error": error}).encode(), status)

    assert (verdict.outcome, verdict.disable_requested) == (Outcome.GONE, True)
    assert "was deleted" in verdict.reason


@pytest.mark.parametrize("channel", ["feishu", "dingtalk"])
@pytest.mark.parametrize(
    "body", [b"", b"ok", b"[]", b'{"code":"no","errcode":""}', b'{"errcode":false}', b"\xff"]
)
def test_without_a_code_nothing_was_taken(channel: str, body: bytes) -> None:
    assert read(channel, body) == ResponseVerdict(outcome=Outcome.REJECTED)


@pytest.mark.parametrize(
    ("channel", "code", "seconds"),
    [("feishu", 11232, 60), ("dingtalk", -1, 60), ("dingtalk", 130101, 600)],
)
def test_too_many_waits_for_as_long_as_the_service_refuses(
    channel: str, code: int, seconds: float
) -> None:
    body = json.dumps({"code": code, "errcode": code}).encode()

    assert read(channel, body).retry_after == seconds
    assert read(channel, body, **{"retry-after": "900"}).retry_after == 900


@pytest.mark.parametrize(
    ("channel", "status", "outcome"),
    [
        ("feishu", 204, Outcome.REJECTED),
        ("feishu", 410, Outcome.REJECTED),
        ("dingtalk", 500, Outcome.REJECTED),
        ("dingtalk", 502, Outcome.THROTTLED),
        ("teams", 202, Outcome.DELIVERED),
        ("teams", 429, Outcome.THROTTLED),
        ("teams", 400, Outcome.REJECTED),
    ],
)
def test_other_statuses(channel: str, status: int, outcome: Outcome) -> None:
    verdict = read(channel, b"{}", status)

    assert verdict.outcome is outcome
    assert not verdict.disable_requested


@pytest.mark.parametrize(
    ("channel", "url"),
    [
        ("feishu", "https://open.feishu.cn/open-apis/bot/hook/9a1f"),
        ("feishu", "https://open.feishu.cn/"),
        ("dingtalk", "https://oapi.dingtalk.com/robot/send"),
        ("dingtalk", "https://oapi.dingtalk.com/robot/send?access_token="),
        ("teams", TEAMS.partition("?")[0]),
    ],
)
def test_a_url_that_is_not_a_robot_s_is_refused(channel: str, url: str) -> None:
    assert "copy it whole" in str(CHANNELS[channel].validate_destination(Endpoint.parse(url)))
    assert CHANNELS[channel].validate_destination(Endpoint.parse(URLS[channel])) is None
    assert CHANNELS[channel].validate_destination(MailDestination.parse("mailto:a@b.example"))


@pytest.mark.parametrize(
    ("channel", "url", "named"),
    [
        ("webhook", FEISHU, "feishu"),
        ("teams", "https://hooks.slack.com/services/T/B/x", "slack"),
        ("slack", DINGTALK, "dingtalk"),
        ("dingtalk", "https://hooks.slack.com/services/T/B/x", "slack"),
        ("slack", TEAMS, "teams"),
        ("feishu", "https://prod-23.westeurope.logic.azure.com/workflows/1?sig=c4", "teams"),
        ("webhook", TEAMS, None),
        ("feishu", "https://OPEN.larksuite.com./open-apis/bot/v2/hook/x", None),
    ],
)
def test_a_url_of_another_service_is_refused_with_its_channel(
    channel: str, url: str, named: str | None
) -> None:
    stack, terms = FakeStack(), SubscriptionFields(name="x", url=url, channel=channel)
    if named is None:
        assert stack.service().subscribe(terms)
        return

    with pytest.raises(InvalidEndpoint, match=f"takes the messages of channel {named}: --channel"):
        stack.service().subscribe(terms)


@pytest.mark.parametrize("channel", ["teams", "webhook", "slack"])
@pytest.mark.parametrize("host", ["lake.webhook.office.com", "outlook.office.com"])
def test_a_retired_connector_is_refused_with_what_replaces_it(channel: str, host: str) -> None:
    terms = SubscriptionFields(name="x", url=f"https://{host}/webhook/1?sig=2", channel=channel)

    with pytest.raises(InvalidEndpoint, match=r"retired: create .* --channel teams"):
        FakeStack().service().subscribe(terms)


@pytest.mark.parametrize("channel", ["feishu", "dingtalk"])
def test_a_robot_s_secret_is_optional_encrypted_and_replaced_by_its_next_one(channel: str) -> None:
    stack = FakeStack()
    terms = SubscriptionFields(name="robot", url=URLS[channel], channel=channel)
    unsigned, none = stack.service().subscribe(replace(terms, name="plain"))
    signed, _ = stack.service().subscribe(terms, SecretRequest(provided="SECs3cret\n"))

    assert (unsigned.secrets, none) == ((), None)
    assert len(signed.secrets) == 1
    assert "c4nary" not in f"{signed.endpoint.url} {unsigned!r}"
    with pytest.raises(InvalidSubscription, match="the secret of its robot"):
        stack.service().rotate_secret(signed, overlap_seconds=0)
    rotated = stack.service().rotate_secret(signed, overlap_seconds=0, provided="SECnext")
    assert rotated.secret.reveal() == "SECnext"
    with pytest.raises(InvalidInput, match="signing: channel"):
        stack.service().subscribe(replace(terms, name="y"), SecretRequest(signing="ed25519"))
