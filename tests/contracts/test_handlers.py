"""Contract of the functions with Lambda: they name exactly the messages to keep."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto.backends import get_backend

from functions.deliver import handler as deliver_function
from functions.fanout import handler as fanout_function
from functions.scheduler import handler as clock_function
from lakehook.adapters.dynamodb.ledger import DynamoLedger
from lakehook.adapters.dynamodb.subscriptions import DynamoSubscriptions
from lakehook.adapters.kms import KmsEncryptor
from lakehook.domain.delivery import Delivery
from lakehook.domain.destination import Endpoint
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus, HeldLane
from lakehook.domain.queue_message import Message, decode, encode
from lakehook.domain.signing import EncryptedSecret, HmacSecret
from lakehook.domain.subscription import Subscription
from lakehook.domain.time import format_rfc3339
from lakehook.settings import (
    UNSET,
    DeliverSettings,
    FanoutSettings,
    SchedulerSettings,
    Settings,
    StackOutputs,
)
from local.account import ACCOUNT_ID, REGION
from tests.builders import a_delivery, a_document, a_subscription
from tests.contracts.conftest import drain
from tests.devlake.rest import RestApi, serving_rest
from tests.devlake.rows import Tables, shown
from tests.fakes import FakeClock
from tests.integration.wire import Wire, answer, serving

SECRET = HmacSecret(b"a secret of thirty-two bytes, so")
OK, FAILING = answer("200 OK"), answer("500 Oh", b"broken")


@dataclass
class Context:
    """Context of an invocation."""

    aws_request_id: str = "c0ffee00-0000-4000-8000-000000000000"
    remaining_ms: int = 30_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


def sqs_event(**bodies: tuple[str, str]) -> dict[str, Any]:
    """A batch as Lambda hands it over: message id to group and body."""
    return {
        "Records": [
            {
                "messageId": message_id,
                "receiptHandle": f"receipt of {message_id}",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": "1767268800000",
                    "SequenceNumber": "18849496460467696128",
                    "MessageGroupId": group,
                    "SenderId": "AIDASSYFHUBOBT7F4XT75",
                    "MessageDeduplicationId": message_id,
                    "ApproximateFirstReceiveTimestamp": str(time.time_ns() // 1_000_000),
                },
                "messageAttributes": {},
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:queue.fifo",
                "awsRegion": "us-east-1",
            }
            for message_id, (group, body) in bodies.items()
        ]
    }


def failures(*message_ids: str) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in message_ids]}


def an_event(**changes: Any) -> tuple[str, str]:
    document = a_document(**changes)
    return str(document["pipeline_id"]), json.dumps(document)


def a_message(message: Message) -> tuple[str, str]:
    return str(message.lane), encode(message)


class Installation:
    """The deployment in this process, and its functions as Lambda would call them."""

    def __init__(self, deployment: StackOutputs, monkeypatch: pytest.MonkeyPatch) -> None:
        self.deployment = deployment
        self.sqs, self._dynamodb = boto3.client("sqs"), boto3.client("dynamodb")
        self.ledger = DynamoLedger(self._dynamodb, deployment.deliveries_table, FakeClock())
        self._monkeypatch = monkeypatch
        self.networks = "127.0.0.0/8"
        self.status_seconds = "300"

    def subscribe(self, wire: Wire, subscription_id: str = "sub_a", **changes: Any) -> Subscription:
        encryptor = KmsEncryptor(boto3.client("kms"), self.deployment.secrets_key)
        subscription = replace(
            a_subscription(id=subscription_id),
            endpoint=Endpoint.parse(wire.url),
            secrets=(
                EncryptedSecret(
                    ciphertext=encryptor.encrypt(SECRET.key, subscription_id=subscription_id)
                ),
            ),
            **changes,
        )
        table = self.deployment.subscriptions_table
        return DynamoSubscriptions(self._dynamodb, table, FakeClock()).save(subscription)

    def hold(self, *, due_at: float, attempts: int = 0) -> HeldLane:
        record = DeliveryRecord.waiting(a_delivery(1))
        held = replace(HeldLane.held_at(record.lane, 1, now=due_at), attempts=attempts)
        self.ledger.save(record, before=None, after=held)
        return held

    def status(self, sequence: int) -> DeliveryStatus:
        delivery = a_delivery(sequence)
        return self.ledger.load([delivery], []).records[delivery.lane, sequence].status

    def fan_out(self, **bodies: tuple[str, str]) -> Mapping[str, Any]:
        settings = FanoutSettings(
            subscriptions_table=self.deployment.subscriptions_table,
            pipelines_table=self.deployment.pipelines_table,
            events_queue_url=self.deployment.events_queue_url,
            deliveries_queue_url=self.deployment.deliveries_queue_url,
            events_dead_letter_queue_url=self.deployment.events_dead_letter_queue_url,
        )
        return self._invoke(fanout_function, settings, sqs_event(**bodies))

    def deliver(self, **bodies: tuple[str, str]) -> Mapping[str, Any]:
        settings = DeliverSettings(
            subscriptions_table=self.deployment.subscriptions_table,
            deliveries_table=self.deployment.deliveries_table,
            deliveries_queue_url=self.deployment.deliveries_queue_url,
            dead_letter_queue_url=self.deployment.dead_letter_queue_url,
            secrets_key=self.deployment.secrets_key,
            retry_schedule="5,300",
            allowed_networks=self.networks,
            email_sender=self.deployment.email_sender,
            visibility_seconds="28",
        )
        return self._invoke(deliver_function, settings, sqs_event(**bodies))

    def wake(
        self, stall_thresholds: str = "{}", *, devlake_api_url: str = UNSET, seconds: int = 30
    ) -> Mapping[str, Any]:
        settings = SchedulerSettings(
            subscriptions_table=self.deployment.subscriptions_table,
            deliveries_table=self.deployment.deliveries_table,
            deliveries_queue_url=self.deployment.deliveries_queue_url,
            pipelines_table=self.deployment.pipelines_table,
            events_queue_url=self.deployment.events_queue_url,
            stall_thresholds=stall_thresholds,
            devlake_api_url=devlake_api_url,
            devlake_ui_url=self.deployment.devlake_ui_url,
            devlake_sources=self.deployment.devlake_sources,
            devlake_api_secret_arn=self._api_secret_arn(),
            operators_topic_arn=self.deployment.operators_topic_arn,
            stack_name="Lakehook",
            status_seconds=self.status_seconds,
        )
        context = Context(remaining_ms=1000 * seconds)
        return self._invoke(clock_function, settings, {"source": "aws.scheduler"}, context)

    def _api_secret_arn(self) -> str:
        """The secret of a stack that knows an API; it has no header in it."""
        manager = boto3.client("secretsmanager")
        try:
            return manager.describe_secret(SecretId="api")["ARN"]
        except manager.exceptions.ResourceNotFoundException:
            return manager.create_secret(Name="api", SecretString=UNSET)["ARN"]

    def _invoke(
        self,
        function: ModuleType,
        settings: Settings,
        event: dict[str, Any],
        context: Context | None = None,
    ) -> Mapping[str, Any]:
        for name, value in settings.to_env().items():
            self._monkeypatch.setenv(name, value)
        answer: Mapping[str, Any] = function.lambda_handler(event, context or Context())
        json.dumps(answer)  # as the runtime does
        return answer


@pytest.fixture
def installation(
    deployment: StackOutputs, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "functions")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Lakehook")
    yield Installation(deployment, monkeypatch)
    if deliver_function.deliver_batch.cache_info().currsize:
        batch = deliver_function.deliver_batch()
        batch.workers.shutdown()
        batch.deliver.dependencies.attempt.send.transport.http.close()  # type: ignore[attr-defined]
    for function in (fanout_function, deliver_function, clock_function):
        for wiring in vars(function).values():
            if hasattr(wiring, "cache_clear"):
                wiring.cache_clear()


@pytest.fixture
def nobody() -> Wire:
    """A subscriber that is not called in this test."""
    return Wire([], port=9)


# --- fan-out ---


BAD = ["no JSON", " ", "[]", "{}", '{"version": 2}', '{"a": NaN}', '"\\ud800"', "[" * 100_000]


def test_bad_events_raise_nothing_and_are_parked(installation: Installation, nobody: Wire):
    installation.subscribe(nobody)
    bad = {f"bad{number}": (str(number), body) for number, body in enumerate(BAD)}

    answer = installation.fan_out(**bad, good=an_event())

    assert answer == failures()
    quarantined = drain(installation.deployment.events_dead_letter_queue_url)
    assert sorted(message["Body"] for message in quarantined) == sorted(BAD)
    assert all(message["MessageAttributes"]["reason"]["StringValue"] for message in quarantined)
    assert len(drain(installation.deployment.deliveries_queue_url)) == 1


def test_an_event_that_grows_beyond_what_the_tables_hold_is_parked(installation: Installation):
    group, body = an_event(data={"numbers": ["1e15"] * 25_000})
    grows = body.replace('"1e15", ', "1e15,").replace('"1e15"', "1e15")

    answer = installation.fan_out(m1=(group, grows))

    assert answer == failures()
    (parked,) = drain(installation.deployment.events_dead_letter_queue_url)
    assert parked["Body"] == grows


def test_only_events_whose_deliveries_could_not_be_sent_come_again(
    installation: Installation, nobody: Wire
):
    installation.subscribe(nobody)
    installation.sqs.delete_queue(QueueUrl=installation.deployment.deliveries_queue_url)

    answer = installation.fan_out(
        sent=an_event(),
        bad=("40", "no JSON"),
        disable_requested=an_event(pipeline_id=41, event_type="TASK_FAILED"),
        later=an_event(event_type="PIPELINE_RUNNING"),
    )

    assert answer == failures("sent", "later")


# --- deliver ---


def test_a_bad_network_opens_nothing_stops_no_delivery_and_is_logged_once(
    installation: Installation, caplog: pytest.LogCaptureFixture
):
    installation.networks = "10.0.0.0/33,127.0.0.1/8,..."

    with serving(OK, OK) as wire:
        installation.subscribe(wire)
        answers = [installation.deliver(m1=a_message(a_delivery(n))) for n in (1, 2)]

    assert answers == [failures()] * 2
    assert installation.status(2) is DeliveryStatus.DELIVERED
    (logged,) = [record for record in caplog.records if record.message == "internal_error"]
    assert str(logged.exc_info[1]).endswith("allows nothing: '10.0.0.0/33', '...'")  # type: ignore[index]


def test_exactly_the_messages_that_must_come_again_are_named(installation: Installation):
    with serving(OK, OK) as well, serving(FAILING) as ill:
        installation.subscribe(well, "sub_well")
        installation.subscribe(ill, "sub_ill")
        answer = installation.deliver(
            delivered=a_message(a_delivery(1, subscription="sub_well")),
            failed=a_message(a_delivery(1, subscription="sub_ill")),
            held=a_message(a_delivery(2, subscription="sub_ill")),
            bad=("sub_well#39", "no JSON"),
            also=a_message(a_delivery(2, subscription="sub_well")),
            nobodys=a_message(a_delivery(1, subscription="sub_gone")),
        )

    assert answer == failures("failed")
    assert (len(well.requests), len(ill.requests)) == (2, 1)


def test_bad_messages_raise_nothing_and_are_parked(installation: Installation):
    bad = {f"bad{number}": ("sub_a#39", body) for number, body in enumerate(BAD)}

    answer = installation.deliver(**bad)

    assert answer == failures()
    quarantined = drain(installation.deployment.dead_letter_queue_url)
    assert [message["Body"] for message in quarantined] == BAD


def test_a_lane_in_trouble_comes_again_and_the_others_go_on(installation: Installation):
    with serving(OK) as wire:
        installation.subscribe(wire)
        locked = installation.subscribe(wire, "sub_b")
        sealed_for_another = {"secrets": installation.subscribe(wire, "sub_c").secrets}
        table = installation.deployment.subscriptions_table
        DynamoSubscriptions(boto3.client("dynamodb"), table, FakeClock()).save(
            replace(locked, **sealed_for_another)
        )
        answer = installation.deliver(
            troubled=a_message(a_delivery(1, subscription="sub_b")), fine=a_message(a_delivery(1))
        )

    assert answer == failures("troubled")
    assert len(wire.requests) == 1


def test_an_error_of_the_key_is_logged_without_a_secret(
    installation: Installation, nobody: Wire, caplog: pytest.LogCaptureFixture
):
    stolen = installation.subscribe(nobody, "sub_b").secrets
    thief = installation.subscribe(nobody)
    table = installation.deployment.subscriptions_table
    DynamoSubscriptions(boto3.client("dynamodb"), table, FakeClock()).save(
        replace(thief, secrets=stolen)
    )

    answer = installation.deliver(m1=a_message(a_delivery(1)))

    log_text = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert answer == failures("m1")
    assert "InvalidCiphertext" in log_text
    for form in (SECRET.key.decode(), SECRET.reveal()[6:], SECRET.key.hex()):
        assert form not in log_text


# --- clock ---


def test_a_lane_whose_time_has_come_is_woken_and_delivers_what_it_held(installation: Installation):
    with serving(OK) as wire:
        installation.subscribe(wire)
        held = installation.hold(due_at=1000.0)

        assert installation.wake()["resumed"] == 1
        (resume,) = drain(installation.deployment.deliveries_queue_url)
        assert installation.deliver(m1=(str(held.lane), resume["Body"])) == failures()

    assert installation.status(1) is DeliveryStatus.DELIVERED
    assert installation.ledger.load([], [held.lane]).lanes == {}
    assert len(wire.requests) == 1


def test_a_tick_with_nothing_to_do_reports_zeros(installation: Installation):
    answer = installation.wake()

    assert answer.keys() == {"resumed", "stalled", "replayed", "notified", "reconciled"}
    assert not any(answer.values())


def test_the_backlog_is_measured_every_few_minutes(
    installation: Installation, nobody: Wire, capsys: pytest.CaptureFixture[str]
):
    installation.subscribe(nobody)
    installation.hold(due_at=time.time() + 3600)

    installation.wake()
    installation.wake()

    (measured,) = [line for line in capsys.readouterr().out.splitlines() if "LanesHeld" in line]
    assert json.loads(measured)["LanesHeld"] == [1.0]


def test_operators_are_notified_by_their_topic_of_a_dead_letter_and_only_once(
    installation: Installation, nobody: Wire
):
    subscription = installation.subscribe(nobody)
    record = DeliveryRecord.waiting(a_delivery(1))
    held = HeldLane.held_at(record.lane, 1, now=time.time()).with_dead_head()
    installation.ledger.save(record.dead("rejected"), before=None, after=held)

    mistyped = "{"  # the thresholds are a parameter of the stack; its part fails, and no other
    assert [installation.wake(mistyped)["notified"] for _ in range(2)] == [1, 0]
    clock_function.notify_operators.cache_clear()
    installation.status_seconds = "0"
    assert installation.wake()["notified"] == 0

    topic = installation.deployment.operators_topic_arn
    backend = get_backend("sns")[ACCOUNT_ID][REGION]
    ((_, text, subject, *_),) = backend.topics[topic].sent_notifications
    assert subject == "Lakehook: 1 new, look at lakehook status"
    assert text.startswith(f"OPERATIONS_DEAD_LETTERS: {subscription.name} ({subscription.id})")


def test_a_stalled_pipeline_is_delivered_once_like_any_event(
    installation: Installation, nobody: Wire
):
    installation.subscribe(nobody)
    installation.fan_out(m1=an_event(project_name="lake"))
    now, hour_for_the_project = (
        '{"created": "0s"}',
        '{"created": "0s", "projects": {"lake": {"created": "1h"}}}',
    )

    assert installation.wake(hour_for_the_project)["stalled"] == 0
    clock_function.tick.cache_clear()
    assert installation.wake(now)["stalled"] == 1
    (stall,) = drain(installation.deployment.events_queue_url)
    assert installation.fan_out(m2=("39", stall["Body"])) == failures()
    assert installation.wake(now)["stalled"] == 0

    _, delivery = drain(installation.deployment.deliveries_queue_url)
    stalled = decode(delivery["Body"])
    assert isinstance(stalled, Delivery)
    assert (stalled.event.type, stalled.sequence) == ("PIPELINE_STALLED", 2)
    assert stalled.event.document["data"]["state"] == "created"


@pytest.fixture
def devlake() -> Iterator[tuple[RestApi, str]]:
    """DevLake whose pipeline 39 has ended without a notification."""
    devlake_api = RestApi(Tables(pipelines={39: shown(39)}))
    with serving_rest(devlake_api) as url:
        yield devlake_api, url
    if api := clock_function.reconcile():
        for connected in api.apis.values():
            connected._fetch.close()  # type: ignore[attr-defined]


def changed_now(api: RestApi) -> None:
    api.tables.pipelines[39] |= {"updatedAt": format_rfc3339(time.time() - 300)}


def test_a_lost_notification_is_reconciled_by_the_scheduler_once(
    installation: Installation, devlake: tuple[RestApi, str], capsys: pytest.CaptureFixture[str]
):
    api, url = devlake
    changed_now(api)

    assert installation.wake(devlake_api_url=url)["reconciled"] == 1
    (lost,) = drain(installation.deployment.events_queue_url)
    request_count = len(api.targets)
    assert installation.wake(devlake_api_url=url)["reconciled"] == 0

    event = json.loads(lost["Body"])
    assert event["event_id"] == "devlake:39:PIPELINE_COMPLETED:2026-01-01T11:10:00Z"
    assert event["reconciled"] is True
    assert len(api.targets) == request_count  # it is not due yet
    output = capsys.readouterr().out
    assert '"ReconcileLag":[0.' in output
    assert '"EventsReconciled":[1.0]' in output


def test_a_tick_without_time_left_does_not_call_devlake(
    installation: Installation, devlake: tuple[RestApi, str]
):
    api, url = devlake

    assert installation.wake(devlake_api_url=url, seconds=15)["reconciled"] == 0
    assert api.targets == []


def test_a_devlake_that_is_away_fails_no_tick_and_says_why(
    installation: Installation,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
):
    installation.hold(due_at=1000.0)

    assert installation.wake(devlake_api_url="http://127.0.0.1:9")["resumed"] == 1

    (failed,) = [record for record in caplog.records if record.message == "reconcile_failed"]
    assert vars(failed)["reason"] == "DevLake is unavailable: no connection"
    assert "InternalErrors" not in capsys.readouterr().out
