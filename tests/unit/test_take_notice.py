import pytest

from lakehook.domain.devlake.signature import SignedNotice, signed_query
from lakehook.domain.event import MAX_EVENT_BYTES
from lakehook.take_notice import Answer, TakeNotice, Verdict
from tests.devlake_vectors import VECTORS, Vector, named
from tests.fakes_ingress import FakeBlueprints, FakeNotificationSecrets, FakePublisher

RUNNING, EMPTY = named("TASK_RUNNING"), named("secret 1")
SECRET = RUNNING.secret


class World:
    def __init__(self) -> None:
        self.secrets = FakeNotificationSecrets([SECRET])
        self.publisher, self.blueprints = FakePublisher(), FakeBlueprints()
        self.empty_secret_allowed = False

    def post(self, vector: Vector) -> Answer:
        return self.say(vector.raw, vector.query)

    def say(self, body: bytes, query: str | None = None) -> Answer:
        take_notice = TakeNotice(
            self.secrets,
            self.publisher,
            self.blueprints,
            empty_secret_allowed=self.empty_secret_allowed,
        )
        return take_notice(SignedNotice(body, query or signed_query(body, SECRET, RUNNING.nouce)))

    def published(self) -> list[str]:
        return [event.id for event in self.publisher.published]


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(
    "vector", [one for one in VECTORS if one.secret == SECRET], ids=lambda one: one.name
)
def test_a_signed_notice_is_an_event_on_the_queue(world: World, vector: Vector):
    answer = world.post(vector)

    assert answer.verdict is Verdict.TAKEN
    assert [answer.event] == world.publisher.published
    assert answer.event
    assert answer.event.document["data"] == {"devlake": vector.body}


@pytest.mark.parametrize(
    "vector", [one for one in VECTORS if one.secret != SECRET], ids=lambda one: one.name
)
def test_what_another_has_signed_goes_nowhere(world: World, vector: Vector):
    answer = world.post(vector)

    assert (answer.verdict, answer.event) == (Verdict.UNSIGNED, None)
    assert "sign" in answer.reason
    assert world.publisher.published == []
    assert world.blueprints.asked == []


def test_a_bad_nouce_is_unsigned(world: World):
    answer = world.say(RUNNING.raw, RUNNING.query.replace("-", "%20"))

    assert answer.verdict is Verdict.UNSIGNED
    assert "nouce" in answer.reason


def test_the_empty_secret_is_refused_unless_an_operator_allows_it(world: World):
    refused = world.post(EMPTY)
    world.empty_secret_allowed = True
    allowed = world.post(EMPTY)

    assert refused.verdict is Verdict.UNSIGNED
    assert allowed.verdict is Verdict.TAKEN
    assert world.post(RUNNING).verdict is Verdict.TAKEN


def test_a_stored_secret_that_is_empty_lets_nobody_in(world: World):
    world.secrets.stored = [""]

    assert world.post(EMPTY).verdict is Verdict.UNSIGNED


def test_a_changed_secret_is_good_at_once_and_the_one_before_it_still(world: World):
    world.secrets.stored = ["another"]
    assert world.post(RUNNING).verdict is Verdict.UNSIGNED

    world.secrets.stored = [SECRET, "another"]

    assert world.post(RUNNING).verdict is Verdict.TAKEN
    assert world.secrets.asked_anew == 2
    world.secrets.stored = ["the next", SECRET]
    world.secrets.live(anew=True)
    assert world.post(RUNNING).verdict is Verdict.TAKEN


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"no JSON", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"PipelineID":39,"Status":"TASK_LOST"}', "Status: not one of"),
        (b'{"PipelineID":39}', "Status: not one of"),
    ],
)
def test_what_is_no_notice_is_unreadable_with_the_reason(world: World, body: bytes, reason: str):
    answer = world.say(body)

    assert answer.verdict is Verdict.UNREADABLE
    assert reason in answer.reason
    assert world.publisher.published == []


def test_a_notice_that_is_too_large_an_event_is_unreadable(world: World):
    name = "湖" * (MAX_EVENT_BYTES // 6)
    body = RUNNING.body.replace('"lake"', f'"{name}"').encode()

    answer = world.say(body)

    assert answer.verdict is Verdict.UNREADABLE
    assert "more than 131072" in answer.reason


def test_when_the_queue_is_away_the_notice_is_not_taken(world: World):
    world.publisher.away = True

    answer = world.post(RUNNING)

    assert answer.verdict is Verdict.UNAVAILABLE
    assert str(answer.trouble) == "SQS is away"
    assert "SQS" not in answer.reason


def test_a_replayed_notice_is_the_event_that_it_was(world: World):
    life = [named(status) for status in ("TASK_CREATED", "TASK_RUNNING", "TASK_FAILED")]

    for vector in (*life, *life):
        world.post(vector)

    assert world.published()[:3] == world.published()[3:]
    assert len(set(world.published())) == 3


def test_a_replayed_signature_serves_for_no_other_body_and_no_other_nouce(world: World):
    later = RUNNING.raw.replace(b"2024-09-05T15:08:02", b"2025-01-01T00:00:00")

    assert world.say(later, RUNNING.query).verdict is Verdict.UNSIGNED
    assert world.say(RUNNING.raw, RUNNING.query.replace("=4-", "=5-")).verdict is Verdict.UNSIGNED


def test_the_blueprint_is_told_where_it_is_known(world: World):
    world.blueprints.known = {39: 7}

    world.post(RUNNING)
    world.post(named("without a project"))

    known, unknown = world.publisher.published
    assert known.document["trigger_source"] == "blueprint:7"
    assert unknown.document["trigger_source"] == "unknown"
    assert world.blueprints.asked == [39, 40]


def test_nobody_is_asked_for_the_blueprint_of_a_task(world: World):
    world.post(named("of a task"))

    assert world.blueprints.asked == []


def test_an_answer_does_not_show_the_body(world: World):
    assert RUNNING.body not in repr(world.say(b"no JSON"))
