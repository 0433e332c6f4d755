"""Chat and mail, from an event to what people read; and what becomes of the services' answers."""

import json
from typing import Any

from moto.ses.models import Message, ses_backends

from lakehook.domain.attempt import Outcome
from lakehook.domain.delivery import Lane
from lakehook.domain.event import Event
from lakehook.domain.lane import DeliveryStatus
from local.account import ACCOUNT_ID, REGION
from local.receiver import OK, Behaviour, CannedResponse, Receiver
from tests.e2e.conftest import SENDER, Publish
from tests.e2e.evidence import Evidence, attributes_of
from tests.e2e.pipelines import CREATED, FAILED, a_life
from tests.e2e.subscribers import Subscribers
from tests.e2e.terminal import Terminal
from tests.integration.eventually import PATIENCE, eventually

KEY = "693a91f6-7aaa-4bc4-97a0-c4nary0fthekey"
ONLY_FAILURES = ("--event-type", FAILED)
TAKEN = CannedResponse(OK, {}, b"ok")


def slack(*answers: CannedResponse) -> Behaviour:
    """Each answer in its turn, then what Slack says of what it takes."""
    script = iter(answers)
    return lambda _: next(script, TAKEN)


def wecom(*codes: int) -> Behaviour:
    """As WeCom does, 200 whatever came of it."""
    script = iter(codes)
    return lambda _: CannedResponse(
        OK,
        {"retry-after": "90"},  # longer than a message may stay in the queue
        json.dumps({"errcode": next(script, 0)}).encode(),
    )


def add_slack(subscribers: Subscribers, receiver: Receiver, *options: str) -> str:
    return subscribers.add(receiver, "--channel", "slack", *options)


def add_robot(subscribers: Subscribers, receiver: Receiver, *options: str) -> str:
    subscribers.listen(receiver)
    url, options = f"{receiver.url}?key={KEY}", ("--channel", "wecom", *options)
    return subscribers.add_url(url, receiver.name, *options)[0]


def only(life: list[Event], subscription_id: str) -> Lane:
    return Lane(subscription_id, life[0].pipeline_id)


def bodies(receiver: Receiver) -> list[Any]:
    return [arrival.body for arrival in receiver.arrivals]


def attempts(evidence: Evidence, lane: Lane) -> list[Outcome]:
    return [attempt.outcome for record in evidence.records(lane) for attempt in record.attempts_log]


def state(terminal: Terminal, subscription_id: str) -> str:
    return str(terminal.json("subscriptions", "show", subscription_id)["state"])


# --- Slack ---


def test_slack_is_told_in_blocks_and_waits_as_long_as_it_says(
    subscribers: Subscribers, publish: Publish, evidence: Evidence
):
    busy = CannedResponse(429, {"retry-after": "1"}, b'{"ok":false,"error":"rate_limited"}')
    receiver, life = Receiver("slack", slack(busy)), a_life(CREATED)
    lane = only(life, add_slack(subscribers, receiver))

    publish(life)

    assert receiver.wait_for(2, within=PATIENCE)
    first, second = receiver.arrivals
    assert second.at - first.at >= 1
    assert first.raw == second.raw
    assert first.body["text"] == f"🔵 数据湖: pipeline {lane.pipeline_key} created"
    assert "webhook-signature" not in first.headers
    eventually(lambda: evidence.statuses(lane) == [DeliveryStatus.DELIVERED])


# --- WeCom ---


def test_a_robot_is_told_in_chinese_and_a_ping_can_be_read(
    subscribers: Subscribers, publish: Publish, evidence: Evidence, terminal: Terminal
):
    receiver, life = Receiver("wecom", wecom()), a_life(CREATED, FAILED)
    subscription_id = add_robot(subscribers, receiver, "--language", "zh", *ONLY_FAILURES)
    lane = only(life, subscription_id)

    asked = terminal.json("subscriptions", "test", subscription_id)
    publish(life)
    eventually(lambda: evidence.statuses(lane) == [DeliveryStatus.DELIVERED])

    assert asked["outcome"] == "delivered"
    greeting, told = (body["markdown"]["content"] for body in bodies(receiver))
    assert "测试消息" in greeting
    assert f"❌ 数据湖：流水线 {lane.pipeline_key} 运行失败" in told


def test_an_errcode_decides_though_http_says_200(
    subscribers: Subscribers, publish: Publish, evidence: Evidence, terminal: Terminal
):
    codes = (93000, 45009, 40001, 40058)
    robots = [Receiver(f"errcode{code}", wecom(code)) for code in codes]
    ids = [add_robot(subscribers, robot, "--retry-schedule", "60") for robot in robots]
    life = a_life(CREATED)
    lanes = [only(life, one) for one in ids]

    publish(life)
    eventually(lambda: all(attempts(evidence, lane) for lane in lanes))
    eventually(lambda: state(terminal, ids[0]) == "disabled")

    assert [attempts(evidence, lane) for lane in lanes] == [
        [Outcome.GONE],
        [Outcome.THROTTLED],
        [Outcome.REJECTED],
        [Outcome.UNACCEPTABLE],
    ]
    assert [state(terminal, one) for one in ids[1:]] == ["active"] * 3
    assert attributes_of(evidence.letter(lanes[3]))["reason"] == "unacceptable"
    said = "".join(terminal.said).encode()
    for where in (evidence.logged, evidence.stored, evidence.queued, said):
        assert KEY.encode() not in where


# --- mail ---


def sent(to: str) -> list[Message]:
    mails = ses_backends[ACCOUNT_ID][REGION].sent_messages
    return [mail for mail in mails if to in mail.destinations["ToAddresses"]]


def test_a_mail_goes_to_every_mailbox_from_the_one_sender(
    subscribers: Subscribers, publish: Publish, evidence: Evidence
):
    url, life = "mailto:a@team.example,b@team.example", a_life(CREATED, FAILED)
    options = ("--channel", "email", *ONLY_FAILURES)
    subscription_id, secret = subscribers.add_url(url, "mail", *options)
    lane = only(life, subscription_id)

    publish(life)
    eventually(lambda: evidence.statuses(lane) == [DeliveryStatus.DELIVERED])

    (mail,) = sent("a@team.example")
    assert secret is None
    assert mail.source == SENDER
    assert mail.destinations == {"ToAddresses": ["a@team.example", "b@team.example"]}
    assert mail.subject == f"❌ 数据湖: pipeline {lane.pipeline_key} failed"
    assert "<table>" in mail.body
