"""Answers to DevLake: 2xx only when its notification is safe on the queue."""

import base64
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import boto3
import pytest

from functions.fanout import handler as fanout_function
from functions.ingress import handler as ingress_function
from lakehook.adapters.dynamodb.last_heard import DynamoHeard
from lakehook.adapters.dynamodb.subscriptions import DynamoSubscriptions
from lakehook.domain.devlake.last_heard import Heard
from lakehook.domain.devlake.notification import render
from lakehook.domain.devlake.signature import signed_query
from lakehook.domain.event import Event
from lakehook.settings import ALLOWED, REFUSED, UNSET, FanoutSettings, IngressSettings, StackOutputs
from local.function import ROOT
from tests.builders import a_subscription
from tests.contracts.conftest import drain
from tests.contracts.test_handlers import Context, sqs_event
from tests.devlake.rest import RestApi, serving_rest
from tests.devlake.rows import Row, Tables, a_task, shown
from tests.devlake_vectors import RECORDED, RECORDED_SECRET, Vector, vector_named
from tests.fakes import FakeClock

RUNNING = vector_named("TASK_RUNNING")
SECRET = RUNNING.secret
MAX_BYTES = 65_536


def a_call(
    body: bytes, query: str, *, method: str = "POST", path: str = "/", encoded: bool = False
) -> dict[str, Any]:
    """Build an event as Lambda passes it, payload format 2.0."""
    text = base64.b64encode(body).decode() if encoded else body.decode()
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": method, "path": path, "sourceIp": "192.0.2.1"}},
        "body": text,
        "isBase64Encoded": encoded,
    }


class Installation:
    """The ingress and fan-out of a deployment, as Lambda would call them."""

    def __init__(self, deployment: StackOutputs, monkeypatch: pytest.MonkeyPatch) -> None:
        self.deployment, self._monkeypatch = deployment, monkeypatch
        self.sqs = boto3.client("sqs")
        secret = boto3.client("secretsmanager").create_secret(Name="api", SecretString=UNSET)
        self.api_secret_arn = secret["ARN"]  # as of a stack that knows an API
        self.configure()

    def configure(
        self,
        *,
        empty_secret: str = REFUSED,
        devlake_api_url: str = UNSET,
        devlake_ui_url: str = UNSET,
        devlake_sources: str = "{}",
    ) -> None:
        settings = IngressSettings(
            events_queue_url=self.deployment.events_queue_url,
            pipelines_table=self.deployment.pipelines_table,
            notification_secret_arn=self.deployment.notification_secret_arn,
            empty_secret=empty_secret,
            devlake_api_url=devlake_api_url,
            devlake_ui_url=devlake_ui_url,
            devlake_sources=devlake_sources,
            devlake_api_secret_arn=self.api_secret_arn,
        )
        self._set(settings.to_env())

    def post(self, vector: Vector, path: str = "/") -> tuple[int, dict[str, Any]]:
        return self.call(a_call(vector.raw, vector.query, path=path))

    def call(self, call: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        answered = ingress_function.lambda_handler(call, Context())
        json.dumps(answered)  # as the runtime does
        assert answered["headers"]["content-type"] == "application/json"
        return answered["statusCode"], json.loads(answered["body"])

    def events(self) -> list[dict[str, Any]]:
        return drain(self.deployment.events_queue_url)

    def fanned_out(self, events: list[dict[str, Any]]) -> list[str]:
        """Fan out the events, and return the deduplication ids of the deliveries."""
        settings = FanoutSettings(
            subscriptions_table=self.deployment.subscriptions_table,
            pipelines_table=self.deployment.pipelines_table,
            events_queue_url=self.deployment.events_queue_url,
            deliveries_queue_url=self.deployment.deliveries_queue_url,
            events_dead_letter_queue_url=self.deployment.events_dead_letter_queue_url,
        )
        self._set(settings.to_env())
        for event in events:
            group = event["Attributes"]["MessageGroupId"]
            fanout_function.lambda_handler(sqs_event(m=(group, event["Body"])), Context())
        messages = drain(self.deployment.deliveries_queue_url)
        return [message["Attributes"]["MessageDeduplicationId"] for message in messages]

    def _set(self, environment: dict[str, str]) -> None:
        for name, value in environment.items():
            self._monkeypatch.setenv(name, value)


Clear = Callable[[], None]


@pytest.fixture
def installation(
    deployment: StackOutputs, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Installation]:
    # Powertools keeps one logger for each service, with the stdout of the moment it was made.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", request.node.name)
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Lakehook")
    boto3.client("secretsmanager").put_secret_value(
        SecretId=deployment.notification_secret_arn, SecretString=SECRET
    )
    yield Installation(deployment, monkeypatch)
    caches: list[Clear] = [
        ingress_function.aws.cache_clear,
        ingress_function.settings.cache_clear,
        ingress_function.ingress.cache_clear,
        ingress_function.heard.cache_clear,
        ingress_function.telemetry.cache_clear,
        fanout_function.fan_out_batch.cache_clear,
        fanout_function.telemetry.cache_clear,
    ]
    for clear in caches:
        clear()


def test_a_signed_notice_is_on_the_queue_when_it_is_accepted(installation: Installation):
    vector = vector_named("project 5")

    status, body = installation.call(a_call(vector.raw, vector.query))

    assert status == 202
    (message,) = installation.events()
    assert message["Attributes"]["MessageGroupId"] == "39"
    assert message["Attributes"]["MessageDeduplicationId"] == body["event_id"]
    event = Event.from_message(message["Body"], group="39")
    assert event.id == body["event_id"] == "devlake:39:PIPELINE_CREATED:2024-09-05T07:08:00.389Z"
    assert event.document["data"]["devlake"] == vector.body


def test_all_that_real_devlakes_have_posted_is_accepted_and_queued_in_order(
    installation: Installation,
):
    """Check that the queued events are also sent in DevLake's format as DevLake wrote them."""
    boto3.client("secretsmanager").put_secret_value(
        SecretId=installation.deployment.notification_secret_arn, SecretString=RECORDED_SECRET
    )

    statuses = [installation.post(notice)[0] for notice in RECORDED]

    assert statuses == [202] * 299
    posted, queued = defaultdict(list), defaultdict(list)
    for notice in RECORDED:
        posted[str(notice.document["PipelineID"])].append(notice.raw)
    for message in installation.events():
        event = Event.from_message(message["Body"], group=message["Attributes"]["MessageGroupId"])
        queued[event.pipeline_key].append(render(event))
    assert queued == posted


def test_a_body_in_base64_is_the_body_that_was_signed(installation: Installation):
    vector = vector_named("project 3")

    status, _ = installation.call(a_call(vector.raw, vector.query, encoded=True))

    assert status == 202
    (message,) = installation.events()
    assert json.loads(message["Body"])["data"]["devlake"] == vector.body


def test_the_empty_secret_is_good_where_an_operator_says_so(installation: Installation):
    installation.configure(empty_secret=ALLOWED)

    assert installation.post(vector_named("secret 1"))[0] == 202


def test_a_body_may_have_64_kib_and_no_byte_more(installation: Installation):
    room = MAX_BYTES - len(RUNNING.raw)
    full = RUNNING.raw + b" " * room

    accepted, _ = installation.call(a_call(full, signed_query(full, SECRET, RUNNING.nouce)))
    refused, _ = installation.call(a_call(full + b" ", "not even looked at", encoded=True))

    assert (accepted, refused) == (202, 413)


def test_another_method_gets_405_and_what_is_allowed(installation: Installation):
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"):
        call = a_call(RUNNING.raw, RUNNING.query, method=method)
        answered = ingress_function.lambda_handler(call, Context())

        assert (answered["statusCode"], answered["headers"]["allow"]) == (405, "POST")
    assert installation.events() == []


def test_the_path_of_a_notice_is_its_source(installation: Installation):
    installation.configure(devlake_sources='{"staging": {}, "production": {}}')
    paths = ["/", "/staging", "/staging/", "/production"]

    assert [installation.post(RUNNING, path)[0] for path in paths] == [202] * 4

    groups = [message["Attributes"]["MessageGroupId"] for message in installation.events()]
    assert sorted(groups) == ["39", "production/39", "staging/39"]  # the repeat is known by its id
    for path in ("/Staging", "/staging/x", "/staging//", "//staging", "/default", "/AWSCURRENT"):
        status, body = installation.post(RUNNING, path)
        assert (status, body["error"].endswith("DevlakeSources has 2")) == (404, True)
    assert installation.events() == []


def test_two_real_devlakes_with_secrets_of_their_own_are_heard_side_by_side(
    installation: Installation,
):
    """Both count from 1, yet the end of one's pipeline is not taken for the other's."""
    installation.configure(devlake_sources='{"v1": {}}')
    boto3.client("secretsmanager").put_secret_value(
        SecretId=installation.deployment.notification_secret_arn,
        SecretString=RECORDED_SECRET,
        VersionStages=["v1"],
    )
    table = installation.deployment.subscriptions_table
    DynamoSubscriptions(boto3.client("dynamodb"), table, FakeClock()).save(a_subscription())
    of_v1 = [notice for notice in RECORDED if notice.devlake == "v1.0.2"]
    of_default = [
        vector_named(status) for status in ("TASK_CREATED", "TASK_RUNNING", "TASK_FAILED")
    ]
    of_default = [with_id(vector, of_v1[0].document["PipelineID"]) for vector in of_default]

    assert [installation.post(vector)[0] for vector in of_default] == [202] * 3
    assert [installation.post(vector, "/v1")[0] for vector in of_v1] == [202] * 45
    assert installation.post(of_default[0], "/v1")[0] == 401
    assert installation.post(of_v1[0])[0] == 401

    deduplication_ids = installation.fanned_out(installation.events())
    assert len(set(deduplication_ids)) == len(deduplication_ids) == 3 + 45


def test_a_test_notice_is_accepted_and_goes_nowhere(
    installation: Installation, capsys: pytest.CaptureFixture[str]
):
    body = RUNNING.raw.replace(b'"PipelineID":39', b'"PipelineID":0')

    status, answer = installation.call(a_call(body, signed_query(body, SECRET, RUNNING.nouce)))

    assert (status, answer) == (202, {"test": True})
    assert installation.events() == []
    logged = capsys.readouterr().out
    assert "test_notice_accepted" in logged
    assert '"NotificationsReceived":' not in logged


def test_a_queue_that_is_away_gets_503(installation: Installation):
    installation.sqs.delete_queue(QueueUrl=installation.deployment.events_queue_url)

    status, answer = installation.post(RUNNING)

    assert (status, answer) == (503, {"error": "try again"})


def test_a_secret_that_cannot_be_read_gets_503(installation: Installation):
    boto3.client("secretsmanager").delete_secret(
        SecretId=installation.deployment.notification_secret_arn, ForceDeleteWithoutRecovery=True
    )

    assert installation.post(RUNNING)[0] == 503


def read_heard(installation: Installation, source: str | None = None) -> Heard:
    record = DynamoHeard(
        boto3.client("dynamodb"), installation.deployment.pipelines_table, lambda: 0.0
    )
    return record.heard(source)


def test_a_refused_notice_of_devlake_is_recorded_with_its_reason(
    installation: Installation, capsys: pytest.CaptureFixture[str]
):
    _, answer = installation.post(vector_named("secret 2"))

    refused = read_heard(installation).refused
    assert refused
    assert (refused.kind, refused.reason) == ("signature", answer["error"])
    logged = capsys.readouterr().out
    assert '"kind":"signature","seems_devlake":true' in logged
    assert '"NotificationsRejected":[1.0],"DevlakeNotificationsRejected":[1.0]' in logged


def test_strangers_are_counted_and_not_recorded(
    installation: Installation, capsys: pytest.CaptureFixture[str]
):
    installation.call(a_call(b"", "", method="GET"))
    installation.call(a_call(b"", "", path="/.env", method="GET"))
    installation.call(a_call(b'{"user":"admin"}', "id=1"))
    installation.call(a_call(b"x" * (MAX_BYTES + 1), "id=1"))

    logged = capsys.readouterr().out
    kinds = [json.loads(line).get("kind") for line in logged.splitlines()]
    assert [kind for kind in kinds if kind] == [
        *("method", "unknown_source", "no_signature", "too_large")
    ]
    assert logged.count('"NotificationsRejected":[1.0]') == 4
    assert "DevlakeNotificationsRejected" not in logged
    assert read_heard(installation) == Heard()
    assert ingress_function.heard.cache_info().currsize == 0


def test_an_accepted_notification_does_not_wait_for_the_client_that_records_refusals(
    installation: Installation,
):
    installation.post(RUNNING)

    assert ingress_function.heard.cache_info().currsize == 0


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (a_call(RUNNING.raw, RUNNING.query, method="GET"), "method"),
        (a_call(RUNNING.raw, RUNNING.query, path="/notify"), "unknown_source"),
        (a_call(RUNNING.raw + b" " * MAX_BYTES, RUNNING.query), "too_large"),
        (a_call(RUNNING.raw, ""), "no_signature"),
        (a_call(b"{}", signed_query(b"{}", SECRET, RUNNING.nouce)), "not_a_notice"),
    ],
)
def test_every_reason_that_refuses_devlakes_notices_is_recorded(
    installation: Installation, call: dict[str, Any], kind: str
):
    installation.call(call)

    refused = read_heard(installation).refused
    assert refused
    assert refused.kind == kind


def rows() -> dict[int, list[str]]:
    """Return the beginnings of answers by status, as the page for DevLake's operators has them."""
    page = (ROOT / "docs" / "devlake.md").read_text(encoding="utf-8")
    table = page.partition("| `response_code` |")[2].partition("\n\n")[0]
    beginnings: dict[int, list[str]] = {}
    for status, begins in re.findall(r"^\| (\d+) \|([^|]*)\|", table, re.MULTILINE):
        beginnings.setdefault(int(status), []).extend(re.findall(r"`([^`]+)`", begins))
    return beginnings


def a_post(query: str) -> dict[str, Any]:
    return a_call(RUNNING.raw, query)


def signed_by(secret: str) -> str:
    return signed_query(RUNNING.raw, secret, RUNNING.nouce)


ANSWERS: dict[str, dict[str, Any]] = {
    "accepted": a_post(RUNNING.query),
    "another secret": a_post(signed_by("another")),
    "no secret": a_post(signed_by("")),
    "quotes": a_post(signed_by(f'"{SECRET}"')),
    "white space": a_post(signed_by(f"{SECRET}\n")),
    "a query of its own": a_post(f"key=1?{RUNNING.query}"),
    "no nouce": a_post("sign=1"),
    "two signs": a_post(RUNNING.query + "&sign="),
    "a strange nouce": a_post("nouce=%20&sign=1"),
    "no notice": a_call(b"{", signed_query(b"{", SECRET, RUNNING.nouce)),
    "another path": a_call(RUNNING.raw, RUNNING.query, path="/notify"),
    "another method": a_call(RUNNING.raw, RUNNING.query, method="GET"),
    "too large": a_call(b" " * (MAX_BYTES + 1), RUNNING.query),
}


@pytest.mark.parametrize("call", ANSWERS.values(), ids=ANSWERS)
def test_each_answer_has_one_row_in_the_table_for_those_who_run_devlake(
    installation: Installation, call: dict[str, Any]
):
    status, answer = installation.call(call)
    text = answer.get("error", "event_id")

    assert sum(text.startswith(begins) for begins in rows()[status]) == 1


def test_a_refusal_that_cannot_be_recorded_is_answered_and_wakes_nobody(
    installation: Installation, capsys: pytest.CaptureFixture[str]
):
    boto3.client("dynamodb").delete_table(TableName=installation.deployment.pipelines_table)

    assert installation.post(vector_named("secret 2"))[0] == 401

    logged = capsys.readouterr().out
    assert "refusal_not_recorded" in logged
    assert "internal_error" not in logged


def test_no_log_line_holds_a_secret_or_a_signature(
    installation: Installation, capsys: pytest.CaptureFixture[str]
):
    installation.post(RUNNING)
    installation.post(vector_named("secret 0"))
    installation.post(vector_named("secret 2"))
    installation.call(a_call(b"{}", signed_query(b"{}", SECRET, RUNNING.nouce)))
    installation.sqs.delete_queue(QueueUrl=installation.deployment.events_queue_url)
    installation.post(RUNNING)

    logged = capsys.readouterr().out
    assert "notification_accepted" in logged
    assert "notification_rejected" in logged
    assert "internal_error" in logged
    for secret in (SECRET, RUNNING.sign, vector_named("secret 2").sign, RUNNING.nouce):
        assert secret not in logged


def with_id(vector: Vector, number: int) -> Vector:
    """Return a notification of the pipeline with that number, signed again."""
    body = vector.body.replace('"PipelineID":39', f'"PipelineID":{number}')
    sign = signed_query(body.encode(), SECRET, vector.nouce).rpartition("=")[2]
    return Vector(vector.name, SECRET, vector.nouce, body, sign)


FIRST_BEGAN, SECOND_BEGAN = "2024-09-05T15:08:02.1+08:00", "2024-09-06T00:00:00+08:00"


def of_second_round(status: str) -> Vector:
    """Said by the same DevLake of a later run of the pipeline."""
    body = vector_named(status).body.replace(FIRST_BEGAN, SECOND_BEGAN)
    nouce = "900-abcdefghijklmnop"
    sign = signed_query(body.encode(), SECRET, nouce).rpartition("=")[2]
    return Vector(status, SECRET, nouce, body, sign)


def test_a_replay_even_of_an_earlier_round_changes_nothing(installation: Installation):
    table = installation.deployment.subscriptions_table
    DynamoSubscriptions(boto3.client("dynamodb"), table, FakeClock()).save(a_subscription())
    first = ("TASK_CREATED", "TASK_RUNNING", "TASK_FAILED", "TASK_RERUN")
    second = ("TASK_RUNNING", "TASK_COMPLETED")
    notices = [*map(vector_named, first), *map(of_second_round, second)]

    assert [installation.post(notice)[0] for notice in notices] == [202] * 6
    messages = installation.events()
    deduplication_ids = installation.fanned_out(messages)
    assert [installation.post(notice)[0] for notice in notices] == [202] * 6

    assert installation.events() == []  # SQS knows them
    assert len(set(deduplication_ids)) == len(deduplication_ids) == 6
    assert installation.fanned_out(messages) == []  # and when SQS has forgotten them, fan-out does


# --- details that DevLake's API adds to a notification ---


@contextmanager
def devlake_showing(*rows: Row, tasks: Sequence[Row] = ()) -> Iterator[str]:
    """Yield the URL of an API that requires the key k, then close the connections to it."""
    devlake_api = RestApi(
        Tables(
            pipelines={row["id"]: row for row in rows}, tasks={task["id"]: task for task in tasks}
        )
    )
    devlake_api.api_key = "k"
    with serving_rest(devlake_api) as url:
        yield f"{url}/rest"
        details: Any = ingress_function.ingress().ports.details
        for api in details._apis.values():
            api._fetch.close()


def row_of(vector: Vector, **columns: Any) -> Row:
    """Return the row of the pipeline that a notification is about."""
    fields = vector.document
    times = {f"{name[0].lower()}{name[1:]}": fields[name] for name in _TIMES}
    return shown(fields["PipelineID"], fields["Status"], **times | columns)


_TIMES = ("CreatedAt", "UpdatedAt", "BeganAt", "FinishedAt")


def put_api_key(installation: Installation, *labels: str, key: str = "k") -> None:
    boto3.client("secretsmanager").put_secret_value(
        SecretId=installation.api_secret_arn,
        SecretString=f"authorization: Bearer {key}",
        VersionStages=labels or ["AWSCURRENT"],
    )


def test_details_from_the_api_are_in_the_event_of_a_failure(installation: Installation):
    failed = vector_named("TASK_FAILED")
    row = row_of(failed, blueprintId=7, message="git clone https://me:s3cret@git", labels=["a"])
    put_api_key(installation)
    with devlake_showing(row, tasks=[a_task(131, pipelineId=row["id"], message="401")]) as url:
        installation.configure(devlake_api_url=url, devlake_ui_url="https://lake.example/")
        assert installation.post(failed)[0] == 202

    (message,) = installation.events()
    event = json.loads(message["Body"])
    assert event["trigger_source"] == "blueprint:7"
    assert event["message"] == "git clone https://…@git"
    assert (event["pipeline_name"], event["labels"], event["total_tasks"]) == ("nightly", ["a"], 1)
    assert [task["id"] for task in event["failed_tasks"]] == [131]
    number = row["id"]
    assert event["pipeline_url"] == f"https://lake.example/advanced/pipeline/{number}"
    assert render(Event.from_document(event)) == failed.raw


def test_each_source_is_asked_at_its_own_api_with_its_own_key(installation: Installation):
    put_api_key(installation, key="of-another")
    put_api_key(installation, "staging")
    with devlake_showing(row_of(RUNNING, name="of staging")) as url:
        sources = {"staging": {"api_url": url, "ui_url": "http://staging:4000"}}
        installation.configure(devlake_sources=json.dumps(sources))
        assert installation.post(RUNNING, "/staging")[0] == 202
        assert installation.post(RUNNING)[0] == 202

    of_staging, of_default = (json.loads(event["Body"]) for event in installation.events())
    assert of_staging["pipeline_name"] == "of staging"
    assert of_staging["pipeline_url"].startswith("http://staging:4000/advanced/pipeline/")
    assert not {"pipeline_name", "pipeline_url"} & set(of_default)


def test_an_api_that_refuses_its_key_is_logged_and_no_notice_is_lost(
    installation: Installation, capsys: pytest.CaptureFixture[str]
):
    put_api_key(installation, key="w-r-o-n-g")
    with devlake_showing(row_of(RUNNING)) as url:
        installation.configure(devlake_api_url=url)
        assert installation.post(RUNNING)[0] == 202

    (message,) = installation.events()
    assert json.loads(message["Body"])["trigger_source"] == "unknown"
    logged = capsys.readouterr().out
    (line,) = (json.loads(line) for line in logged.splitlines() if "devlake_not_read" in line)
    assert line["source"] == "default"
    assert "output DevlakeApiSecretArn must hold the header" in line["reason"]
    assert "w-r-o-n-g" not in logged
    assert '"InternalErrors"' not in logged
