"""Messages to the robots of Feishu and DingTalk and to Teams, and the outcome of their answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from lakehook.adapters.liquid import LiquidRenderer
from lakehook.delivery.ping import PingEndpoint
from lakehook.delivery.sender import AttemptDelivery, RenderDelivery, SignedSender
from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.destination import Endpoint
from lakehook.domain.devlake.signature import TextSecret
from lakehook.domain.queue_message import Ping
from lakehook.domain.subscription import Language, Subscription
from lakehook.domain.template import Template
from lakehook.ports.outbound import SubscriptionCredentials
from tests.builders import a_delivery, a_subscription
from tests.fakes import FakeClock, FakeCredentialStore, FakePings, FakeRandom
from tests.robots import TOKEN, DingTalkRobot, FeishuBot, TeamsFlow

HOOKS = {
    "feishu": "https://open.feishu.cn/open-apis/bot/v2/hook/{}",
    "dingtalk": "https://oapi.dingtalk.com/robot/send?access_token={}",
    "teams": "https://1.environment.api.powerplatform.com/workflows/1?api-version=1&sig={}",
}
ROBOTS: dict[str, type[Any]] = {
    "feishu": FeishuBot,
    "dingtalk": DingTalkRobot,
    "teams": TeamsFlow,
}
SIGNING = ("feishu", "dingtalk")
PING = Ping("sub_a", "f00d", "2026-01-01T12:00:00Z")


@dataclass
class Group:
    """A group's robot, and a subscription that reaches it."""

    channel: str
    clock: FakeClock
    robot: Any
    secret: str | None = None
    token: str = TOKEN

    def attempt(self, template: str | None = None, **event: object) -> Attempt:
        attempt = AttemptDelivery(RenderDelivery(LiquidRenderer()), self._sender(), self.clock)
        return attempt(a_delivery(**event), self.subscription(template))

    def ping(self, template: str | None = None) -> Attempt:
        pings = FakePings()
        ping = PingEndpoint(self._sender(), pings, RenderDelivery(LiquidRenderer()))
        ping(PING, self.subscription(template))
        return pings.results[PING].attempt

    def subscription(self, template: str | None) -> Subscription:
        return a_subscription(
            channel=self.channel,
            endpoint=Endpoint.parse(HOOKS[self.channel].format(self.token)),
            language=Language.CHINESE,
            template=Template(body=template) if template else None,
        )

    def _sender(self) -> SignedSender:
        secrets = (TextSecret.parse(self.secret),) if self.secret else ()
        keys = FakeCredentialStore(SubscriptionCredentials(secrets))
        return SignedSender(keys, self.robot, self.clock, FakeRandom())


OpenGroup = Callable[..., Group]


@pytest.fixture
def group() -> OpenGroup:
    def opened(channel: str, **settings: Any) -> Group:
        clock = FakeClock()
        return Group(channel, clock, ROBOTS[channel](clock, **settings))

    return opened


@pytest.mark.parametrize("channel", sorted(ROBOTS))
def test_a_message_and_a_test_message_are_posted(group: OpenGroup, channel: str):
    group_ = group(channel)

    assert [group_.attempt().outcome, group_.ping().outcome] == [Outcome.DELIVERED] * 2
    assert len(group_.robot.posted) == 2


@pytest.mark.parametrize("channel", SIGNING)
def test_a_signed_message_is_posted_and_another_signature_is_named(group: OpenGroup, channel: str):
    signed, forged, late = (group(channel, secret="SECret") for _ in range(3))
    signed.secret, forged.secret, late.secret = "SECret", "SECother", "SECret"
    late.robot.clock = FakeClock(late.clock.now() + 2 * 3600)

    assert signed.attempt().outcome is Outcome.DELIVERED
    assert forged.attempt().outcome is late.attempt().outcome is Outcome.REJECTED
    assert "signature does not match" in forged.attempt().excerpt
    assert "the clock is an hour off" in late.attempt().excerpt or channel == "feishu"


@pytest.mark.parametrize("channel", SIGNING)
@pytest.mark.parametrize(
    ("keyword", "template", "outcome"),
    [
        ("流水线", None, Outcome.DELIVERED),
        ("测试", None, Outcome.REJECTED),  # nor Lakehook, which a friendly test message would have
        ("Lakehook", None, Outcome.REJECTED),
        ("湖", "湖仓 {{ pipeline_id }}", Outcome.DELIVERED),
        ("流水线", "{{ pipeline_id }} {{ event_type }}", Outcome.REJECTED),
    ],
)
def test_a_keyword_that_messages_lack_is_found_by_a_test(
    group: OpenGroup, channel: str, keyword: str, template: str | None, outcome: Outcome
):
    group_ = group(channel, keyword=keyword)

    attempt = group_.ping(template)

    assert attempt.outcome is outcome
    assert group_.attempt(template, project_name="p").outcome is outcome
    assert ("lacks the" in attempt.excerpt) is (outcome is Outcome.REJECTED)


@pytest.mark.parametrize("channel", sorted(ROBOTS))
def test_the_largest_message_is_posted_whole(group: OpenGroup, channel: str):
    group_ = group(channel)
    tasks = [{"id": 1, "plugin": "jira", "message": "湖\\" * 150}] * 10

    attempt = group_.attempt(
        event_type="PIPELINE_FAILED", message='湖"\n' * 30_000, failed_tasks=tasks
    )

    assert attempt.outcome is Outcome.DELIVERED
    assert len(group_.robot.posted) == 1
    assert getattr(group_.robot, "failed_runs", 0) == 0


@pytest.mark.parametrize(("channel", "most"), [("feishu", 100), ("dingtalk", 20)])
def test_a_message_over_the_robots_rate_waits(group: OpenGroup, channel: str, most: int):
    group_ = group(channel)

    *attempts, last = (group_.attempt() for _ in range(most + 1))

    assert {attempt.outcome for attempt in attempts} == {Outcome.DELIVERED}
    assert last.outcome is Outcome.THROTTLED
    group_.clock.sleep(last.retry_after or 0)
    assert group_.attempt().outcome is Outcome.DELIVERED


@pytest.mark.parametrize("channel", SIGNING)
def test_a_robot_that_is_not_there_is_never_called_again(group: OpenGroup, channel: str):
    group_ = group(channel)
    group_.token = "0ther-t0ken"

    attempt = group_.attempt()

    assert (attempt.outcome, attempt.disable_requested) == (Outcome.GONE, True)
    assert "it was removed" in attempt.disable_reason
    assert "0ther-t0ken" not in attempt.excerpt


def test_a_flow_that_is_off_is_tried_again_and_one_that_was_deleted_is_not(group: OpenGroup):
    flow = group("teams")

    flow.robot.state = "Suspended"
    assert flow.attempt().outcome is Outcome.REJECTED
    flow.robot.state = "Deleted"
    assert flow.attempt().outcome is Outcome.GONE
    flow.token = "0ther-t0ken"
    assert "does not accept Anyone" in flow.attempt().excerpt


def test_a_template_that_gives_no_card_fails_where_nobody_tells(group: OpenGroup):
    """A flow answers 202 before it posts: its failures are in its history alone."""
    flow = group("teams")

    assert flow.attempt('{"attachments": null}').outcome is Outcome.DELIVERED
    assert (flow.robot.posted, flow.robot.failed_runs) == ([], 1)
