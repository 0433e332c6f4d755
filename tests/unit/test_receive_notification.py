import pytest

from lakehook.domain.devlake.refusal import Refusal, RefusalKind
from lakehook.domain.devlake.signature import signed_query
from lakehook.domain.devlake.sources import DevLakeSources
from lakehook.domain.event import MAX_EVENT_BYTES
from lakehook.ingestion.receive_notification import (
    MAX_BYTES,
    IngressPorts,
    IngressResponse,
    NotificationRequest,
    ReceiveNotification,
)
from lakehook.settings import UNSET
from tests.devlake_vectors import VECTORS, Vector, vector_named
from tests.fakes_ingress import (
    FakeDetails,
    FakeHeard,
    FakeIngressTelemetry,
    FakeNotificationSecrets,
    FakePublisher,
)

RUNNING, EMPTY = vector_named("TASK_RUNNING"), vector_named("secret 1")
SECRET = RUNNING.secret
SOURCES = DevLakeSources.parse(UNSET, UNSET, '{"staging": {}}')
ACCEPTED, UNREADABLE, UNSIGNED, UNAVAILABLE = 202, 400, 401, 503


class World:
    """The ingress as its handler calls it, over fakes of its ports."""

    def __init__(self) -> None:
        self.secrets = FakeNotificationSecrets([SECRET])
        self.publisher, self.details = FakePublisher(), FakeDetails()
        self.telemetry, self.heard = FakeIngressTelemetry(), FakeHeard()
        self.empty_secret_allowed = False

    def post(self, vector: Vector, source: str = "") -> IngressResponse:
        return self.post_body(vector.raw, vector.query, source)

    def post_body(
        self, body: bytes, query: str | None = None, source: str = "", *, method: str = "POST"
    ) -> IngressResponse:
        ingress = ReceiveNotification(
            IngressPorts(
                sources=SOURCES,
                secrets=self.secrets,
                publisher=self.publisher,
                details=self.details,
                refused_recorder=lambda: self.heard,
                telemetry=self.telemetry,
                empty_secret_allowed=self.empty_secret_allowed,
            )
        )
        query = query or signed_query(body, SECRET, RUNNING.nouce)
        return ingress(NotificationRequest(method, f"/{source}", query, body))

    @property
    def refusal(self) -> Refusal:
        """The last refusal."""
        return self.telemetry.refusals[-1][1]

    def published(self) -> list[str]:
        return [event.id for event in self.publisher.published]


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(
    "vector",
    [vector for vector in VECTORS if vector.secret == SECRET],
    ids=lambda vector: vector.name,
)
def test_a_signed_notice_is_an_event_on_the_queue(world: World, vector: Vector):
    answer = world.post(vector)

    assert answer.status == ACCEPTED
    (event,) = world.publisher.published
    assert answer.document == {"event_id": event.id}
    assert event.document["data"] == {"devlake": vector.body}
    assert world.telemetry.accepted == [event]


@pytest.mark.parametrize(
    "vector",
    [vector for vector in VECTORS if vector.secret != SECRET],
    ids=lambda vector: vector.name,
)
def test_a_notice_signed_by_another_secret_is_refused(world: World, vector: Vector):
    answer = world.post(vector)

    assert answer.status == UNSIGNED
    assert "sign" in answer.document["error"]
    assert world.publisher.published == []
    assert world.details.lookups == []


def test_a_bad_nouce_is_unsigned(world: World):
    answer = world.post_body(RUNNING.raw, RUNNING.query.replace("-", "%20"))

    assert answer.status == UNSIGNED
    assert "nouce" in answer.document["error"]


def test_the_empty_secret_is_refused_unless_an_operator_allows_it(world: World):
    refused = world.post(EMPTY)
    world.empty_secret_allowed = True
    allowed = world.post(EMPTY)

    assert refused.status == UNSIGNED
    assert allowed.status == ACCEPTED
    assert world.post(RUNNING).status == ACCEPTED
    world.empty_secret_allowed, world.secrets.stored = False, [""]
    assert world.post(EMPTY).status == UNSIGNED


def test_a_changed_secret_is_good_at_once_and_the_one_before_it_still(world: World):
    world.secrets.stored = ["another"]
    assert world.post(RUNNING).status == UNSIGNED

    world.secrets.stored = [SECRET, "another"]

    assert world.post(RUNNING).status == ACCEPTED
    assert world.secrets.fresh_reads == 2
    world.secrets.stored = ["the next", SECRET]
    world.secrets.active(fresh=True)
    assert world.post(RUNNING).status == ACCEPTED


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"no JSON", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"PipelineID":39,"Status":"TASK_LOST"}', "Status: not one of"),
        (b'{"PipelineID":39}', "Status: not one of"),
        (b'{"PipelineID":' + b"9" * 5000 + b"}", "not a number that can be read: too many digits"),
        (
            RUNNING.raw.replace(b"lake", b"x" * (MAX_BYTES - len(RUNNING.raw) + 4)),
            "more than 131072",  # the event has the name twice
        ),
    ],
    ids=lambda body: body[:20],
)
def test_an_invalid_notice_is_unreadable_with_the_reason(world: World, body: bytes, reason: str):
    answer = world.post_body(body)

    assert answer.status == UNREADABLE
    assert world.refusal.is_notice  # nobody else can sign
    assert reason in answer.document["error"]
    assert world.publisher.published == []


def test_when_the_queue_is_away_the_notice_is_not_taken(world: World):
    world.publisher.away = True

    answer = world.post(RUNNING)

    assert answer.status == UNAVAILABLE
    assert [str(error) for error in world.telemetry.errors] == ["SQS is away"]
    assert answer.document == {"error": "try again"}


def test_details_beyond_the_notice_are_in_the_event(world: World):
    details = {"trigger_source": "blueprint:7", "pipeline_name": "nightly", "total_tasks": 9}
    world.details.documents = {(None, 39): details}

    world.post(RUNNING)
    world.post(vector_named("without a project"))

    with_details, without_details = world.publisher.published
    assert with_details.document.items() >= details.items()
    assert without_details.document["trigger_source"] == "unknown"
    assert world.details.lookups == [(None, 39), (None, 40)]


@pytest.mark.parametrize(
    "malformed",
    [
        {"trigger_source": "cron"},
        {"total_tasks": -1},
        {"labels": "a"},
        {"message": "x" * MAX_EVENT_BYTES},
        {"message": "\ud800"},
    ],
    ids=str,
)
def test_details_that_no_event_may_have_cost_no_notice(world: World, malformed: dict[str, object]):
    world.details.documents = {(None, 39): malformed}

    assert world.post(RUNNING).status == ACCEPTED
    (event,) = world.publisher.published
    assert event.document["trigger_source"] == "unknown"
    assert not event.document.keys() & (malformed.keys() - {"trigger_source"})


def test_pipelines_of_two_devlakes_stay_apart(world: World):
    world.details.documents = {("staging", 39): {"pipeline_name": "of staging"}}

    world.post(RUNNING)
    world.post(RUNNING, source="staging")
    world.post(vector_named("of a task"), source="staging")

    of_default, of_staging, of_task = world.publisher.published
    assert of_task.pipeline_key == "staging/task:39"
    assert of_task.id == "devlake:staging/task:39:2021-09-30T07:28:00.785Z"
    assert (of_default.pipeline_key, of_staging.pipeline_key) == ("39", "staging/39")
    assert of_default.id == "devlake:39:PIPELINE_RUNNING:2024-09-05T07:08:02.1Z"
    assert of_staging.id == "devlake:staging/39:PIPELINE_RUNNING:2024-09-05T07:08:02.1Z"
    assert "source" not in of_default.document
    assert of_staging.document["source"] == "staging"
    assert of_staging.document["pipeline_name"] == "of staging"
    assert "pipeline_name" not in of_default.document


def test_a_source_with_a_secret_of_its_own_accepts_no_other(world: World):
    world.empty_secret_allowed = True
    world.secrets.own = {"staging": "of staging"}
    query = signed_query(RUNNING.raw, "of staging", RUNNING.nouce)

    refused = [world.post(vector, source="staging") for vector in (RUNNING, EMPTY)]
    accepted = world.post_body(RUNNING.raw, query, "staging")
    of_default = world.post_body(RUNNING.raw, query)

    for answer in refused:
        assert answer.status == UNSIGNED
        assert answer.document["error"].endswith("(the version with the staging label staging)")
    kinds = {refusal.kind for _, refusal, _ in world.telemetry.refusals}
    assert kinds == {RefusalKind.SIGNATURE}
    assert accepted.status == ACCEPTED
    assert of_default.status == UNSIGNED
    assert "staging label" not in of_default.document["error"]


def a_test_notice(vector: Vector = RUNNING) -> bytes:
    return vector.raw.replace(b'"PipelineID":39', b'"PipelineID":0')


@pytest.mark.parametrize("source", ["", "staging"])
def test_a_signed_notice_of_no_pipeline_is_a_test_and_no_event(world: World, source: str):
    answer = world.post_body(a_test_notice(), source=source)

    assert (answer.status, answer.document) == (ACCEPTED, {"test": True})
    assert world.telemetry.tests == [source or None]
    assert world.telemetry.refusals == []
    assert world.publisher.published == []
    assert world.details.lookups == []


def test_a_test_notice_is_verified_as_any_other(world: World):
    another = signed_query(a_test_notice(), "another", RUNNING.nouce)
    no_notice = a_test_notice().replace(b"TASK_RUNNING", b"TASK_TESTED")

    assert world.post_body(a_test_notice(), another).status == UNSIGNED
    assert world.post_body(no_notice).status == UNREADABLE


def test_an_answer_does_not_show_the_body(world: World):
    assert RUNNING.body not in repr(world.post_body(b"no JSON"))


def test_a_refusal_whose_record_is_lost_is_answered_all_the_same(world: World):
    world.heard.away = True

    assert world.post_body(RUNNING.raw, "id=1").status == UNSIGNED
    assert [str(error) for error in world.telemetry.lost] == ["DynamoDB is away"]


@pytest.mark.parametrize(
    ("body", "source", "method", "status"),
    [
        (b" " * (MAX_BYTES + 1), "", "POST", 413),
        (RUNNING.raw, "production", "POST", 404),
        (RUNNING.raw, "", "GET", 405),
    ],
)
def test_a_request_that_no_devlake_sends_reads_no_secret(
    world: World, body: bytes, source: str, method: str, status: int
):
    answer = world.post_body(body, source=source, method=method)

    assert answer.status == status
    assert answer.headers == ({"allow": "POST"} if status == 405 else {})
    assert (world.secrets.fresh_reads, world.publisher.published) == (0, [])
