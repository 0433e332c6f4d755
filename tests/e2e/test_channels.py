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
from tests.e2e.pipelines import CREATED, FAILED, pipeline_events
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
    """Answer as WeCom does, with 200 even for errors."""
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


def only(events: list[Event], subscription_id: str) -> Lane:
    return Lane(subscription_id, events[0].pipeline_id)


def bodies(receiver: Receiver) -> list[Any]:
    return [arrival.body for arrival in receiver.arrivals]


def attempts(evidence: Evidence, lane: Lane) -> list[Outcome]:
    return [attempt.outcome for record in evidence.records(lane) for attempt in record.attempts_log]


def state(terminal: Terminal, subscription_id: str) -> str:
    return str(terminal.json("subscriptions", "show", subscription_id)["state"])


# --- Slack ---


def test_slack_gets_blocks_and_a_retry_waits_as_long_as_it_asks(
    subscribers: Subscribers, publish: Publish, evidence: Evidence
):
    busy = CannedResponse(429, {"retry-after": "1"}, b'{"ok":false,"error":"rate_limited"}')
    receiver, events = Receiver("slack", slack(busy)), pipeline_events(CREATED)
    lane = only(events, add_slack(subscribers, receiver))

    publish(events)

    assert receiver.wait_for(2, within=PATIENCE)
    first, second = receiver.arrivals
    assert second.at - first.at >= 1
    assert first.raw == second.raw
    assert first.body["text"] == f"🔵 数据湖: pipeline {lane.pipeline_key} created"
    assert "webhook-signature" not in first.headers
    eventually(lambda: evidence.statuses(lane) == [DeliveryStatus.DELIVERED])


# --- WeCom ---


def test_a_robot_gets_chinese_text_and_a_readable_ping(
    subscribers: Subscribers, publish: Publish, evidence: Evidence, terminal: Terminal
):
    receiver, events = Receiver("wecom", wecom()), pipeline_events(CREATED, FAILED)
    subscription_id = add_robot(subscribers, receiver, "--language", "zh", *ONLY_FAILURES)
    lane = only(events, subscription_id)

    ping = terminal.json("subscriptions", "test", subscription_id)
    publish(events)
    eventually(lambda: evidence.statuses(lane) == [DeliveryStatus.DELIVERED])

    assert ping["outcome"] == "delivered"
    greeting, alarm = (body["markdown"]["content"] for body in bodies(receiver))
    assert "测试消息" in greeting
    assert f"❌ 数据湖：流水线 {lane.pipeline_key} 运行失败" in alarm


def test_an_errcode_decides_though_http_says_200(
    subscribers: Subscribers, publish: Publish, evidence: Evidence, terminal: Terminal
):
    codes = (93000, 45009, 40001, 40058)
    robots = [Receiver(f"errcode{code}", wecom(code)) for code in codes]
    ids = [add_robot(subscribers, robot, "--retry-schedule", "60") for robot in robots]
    events = pipeline_events(CREATED)
    lanes = [only(events, id_) for id_ in ids]

    publish(events)
    eventually(lambda: all(attempts(evidence, lane) for lane in lanes))
    eventually(lambda: state(terminal, ids[0]) == "disabled")

    assert [attempts(evidence, lane) for lane in lanes] == [
        [Outcome.GONE],
        [Outcome.THROTTLED],
        [Outcome.REJECTED],
        [Outcome.UNACCEPTABLE],
    ]
    assert [state(terminal, id_) for id_ in ids[1:]] == ["active"] * 3
    assert attributes_of(evidence.letter(lanes[3]))["reason"] == "unacceptable"
    terminal_output = "".join(terminal.output).encode()
    for output in (evidence.logged, evidence.stored, evidence.queued, terminal_output):
        assert KEY.encode() not in output


# --- mail ---


def sent_mails(recipient: str) -> list[Message]:
    mails = ses_backends[ACCOUNT_ID][REGION].sent_messages
    return [mail for mail in mails if recipient in mail.destinations["ToAddresses"]]


def test_a_mail_goes_to_every_mailbox_from_the_one_sender(
    subscribers: Subscribers, publish: Publish, evidence: Evidence
):
    url, events = "mailto:a@team.example,b@team.example", pipeline_events(CREATED, FAILED)
    options = ("--channel", "email", *ONLY_FAILURES)
    subscription_id, secret = subscribers.add_url(url, "mail", *options)
    lane = only(events, subscription_id)

    publish(events)
    eventually(lambda: evidence.statuses(lane) == [DeliveryStatus.DELIVERED])

    (mail,) = sent_mails("a@team.example")
    assert secret is None
    assert mail.source == SENDER
    assert mail.destinations == {"ToAddresses": ["a@team.example", "b@team.example"]}
    assert mail.subject == f"❌ 数据湖: pipeline {lane.pipeline_key} failed"
    assert "<table>" in mail.body
