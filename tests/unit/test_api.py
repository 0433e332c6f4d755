"""The HTTP API: the effect of each operation, and its refusals."""

from typing import Any

import pytest

from functions.api.app import Api, HttpRequest
from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.delivery import Lane
from lakehook.domain.errors import Conflict, InfrastructureError
from lakehook.domain.json_document import to_json
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus
from lakehook.domain.queue_message import PingResult
from lakehook.ports.queues import ParkedEvent
from tests.api_caller import Caller, a_call
from tests.builders import a_delivery, a_document
from tests.contracts.test_handlers import Context
from tests.fakes import NOON
from tests.fakes_ops import FakeStack
from tests.journaling import accept
from tests.unit.test_subscribe import with_waiting_and_dead

URL = "https://ci.example/hook"


class ApiOverFakes:
    """The API over a stack of fakes, and the errors that it reported."""

    def __init__(self) -> None:
        self.stack = FakeStack()
        self.errors: list[Exception] = []
        api = Api(self.stack.service, self.errors.append)
        self.milliseconds_left = 30_000
        self.call = Caller(
            lambda event, _: api(
                HttpRequest.of(event), Context(remaining_ms=self.milliseconds_left)
            )
        )

    def subscribe(self, **terms: Any) -> str:
        response = self.call("POST", "/subscriptions", {"name": "ci", "url": URL, **terms})
        assert response.status == 201, response
        return str(response.document["subscription_id"])

    def subscribe_with_letter(self) -> str:
        """Make a subscription with a dead letter at 1 and a delivery behind it; return its id."""
        id_ = self.subscribe()
        with_waiting_and_dead(self.stack, self.stack.service().find_subscription(id_))
        return id_


@pytest.fixture
def api() -> ApiOverFakes:
    return ApiOverFakes()


# --- subscriptions ---


def test_subscribing_returns_the_secret_once(api: ApiOverFakes):
    terms = {"name": "ci", "url": URL, "headers": ["x-team: lake"], "deadline_seconds": 5}

    created = api.call("POST", "/subscriptions", {**terms, "event_types": ["TASK_FAILED"]})

    subscription = api.call("GET", f"/subscriptions/{created.document['subscription_id']}")
    assert created.status == 201
    assert created.document["secret"].startswith("whsec_")
    assert created.document["event_types"] == ["TASK_FAILED"]
    assert (created.document["headers"], created.document["deadline_seconds"]) == (["x-team"], 5.0)
    assert created.document["secret"] not in str(subscription.document)
    assert subscription.headers["cache-control"] == "no-store"
    assert subscription.headers["content-type"] == "application/json"
    assert api.call("GET", "/subscriptions/ci").document == subscription.document
    assert subscription.document["secrets"][0]["signing"] == "hmac"


def test_a_field_that_is_null_is_reset_and_a_missing_one_stays(api: ApiOverFakes):
    id_ = api.subscribe(
        headers=["x-team: lake"],
        event_types=["TASK_FAILED"],
        pattern={"project_name": ["lake"]},
        retry_schedule="1,2",
        ordering="skip",
    )
    nulls = dict.fromkeys(("headers", "event_types", "pattern", "retry_schedule"))

    response = api.call("PATCH", f"/subscriptions/{id_}", nulls)

    document = response.document
    assert (document["headers"], document["pattern"], document["retry_schedule"]) == (
        [],
        None,
        "default",
    )
    assert "PIPELINE_CREATED" in document["event_types"]
    assert (document["name"], document["ordering"]) == ("ci", "skip")


def test_a_subscription_is_paused_resumed_and_enabled(api: ApiOverFakes):
    id_ = api.subscribe()

    documents = [
        api.call("POST", f"/subscriptions/{id_}/{step}").document
        for step in ("pause", "resume", "enable")
    ]

    assert [subscription["state"] for subscription in documents] == ["paused", "active", "active"]
    assert [subscription.get("lanes_resumed") for subscription in documents] == [None, 0, 0]


def test_a_subscription_with_pending_deliveries_is_removed_only_if_they_may_be_discarded(
    api: ApiOverFakes,
):
    id_ = api.subscribe_with_letter()

    refused = api.call("DELETE", f"/subscriptions/{id_}")
    removed = api.call("DELETE", f"/subscriptions/{id_}?discard_waiting=true")

    assert (refused.status, refused.document["error"]) == (409, "pending_deliveries")
    assert "discard_waiting=true" in refused.document["message"]
    assert removed.document["discarded"] == {"waiting": 1, "dead": 1, "lanes": 1}
    assert api.call("GET", f"/subscriptions/{id_}").document["state"] == "removed"
    assert not api.call("GET", "/dead-letters").document["dead_letters"]


def test_a_rotation_returns_the_new_secret_once_and_the_old_one_stays_active(api: ApiOverFakes):
    id_ = api.subscribe()

    response = api.call("POST", f"/subscriptions/{id_}/rotate-secret", {"overlap": "1h"})

    assert response.document["secret"].startswith("whsec_")
    assert [secret["expires_at"] for secret in response.document["secrets"]] == [
        None,
        "2026-01-01T13:00:00.000+00:00",
    ]


def test_a_rotation_whose_answer_may_be_lost_needs_an_overlap_or_a_secret(api: ApiOverFakes):
    id_ = api.subscribe()
    subscriptions = api.stack.subscriptions.all()
    path, own = f"/subscriptions/{id_}/rotate-secret", "whsec_" + "MDEy" * 8

    refused = api.call("POST", path, {"overlap": "0"})

    assert refused.status == 422
    assert refused.document["message"].startswith("overlap: without one a lost answer")
    assert api.stack.subscriptions.all() == subscriptions
    for terms in ({"secret": own}, {"signing": "ed25519"}):
        assert api.call("POST", path, {"overlap": "0", **terms}).status == 200


def test_an_endpoint_is_pending_until_it_echoes_its_challenge(api: ApiOverFakes):
    path = f"/subscriptions/{api.subscribe(challenge=True)}/test"

    silent = api.call("POST", path, {"wait_seconds": 1}).document
    attempt = Attempt(at=0.0, outcome=Outcome.DELIVERED, milliseconds=7, status=200)
    api.stack.queue.result_of = lambda _: PingResult(attempt, echoed=True)
    echoed = api.call("POST", path, {}).document

    assert (silent["outcome"], silent["state"], bool(silent["hint"])) == (None, "pending", True)
    assert (echoed["outcome"], echoed["state"]) == ("delivered", "active")


def test_events_are_matched_and_none_is_sent(api: ApiOverFakes):
    id_ = api.subscribe(pattern={"project_name": ["lake"]})
    events = [a_document(project_name="lake"), a_document(event_type="TASK_FAILED"), a_document()]

    response = api.call("POST", f"/subscriptions/{id_}/match", {"events": events})

    assert [match["reason"] for match in response.document["matches"]] == [
        None,
        "event type",
        "pattern",
    ]
    assert not api.stack.publisher.published


def test_an_invalid_event_is_named(api: ApiOverFakes):
    events = [a_document(), a_document(event_type="PIPELINE_DREAMT")]

    response = api.call("POST", f"/subscriptions/{api.subscribe()}/match", {"events": events})

    assert response.status == 422
    assert response.document["message"].startswith("events.1: ")


# --- deliveries, dead letters, lanes ---


@pytest.mark.parametrize(
    ("query", "sequences"),
    [
        ("", [1, 2]),
        ("?status=dead", [1]),
        ("?pipeline=39&subscription=ci&limit=1", [2]),
        ("?since=2099-01-01T00:00:00Z", []),
        ("?since=15m", [1, 2]),
        ("?since=0s", [1, 2]),
    ],
)
def test_deliveries_are_filtered_by_the_options_of_the_command(
    api: ApiOverFakes, query: str, sequences: list[int]
):
    api.subscribe_with_letter()

    response = api.call("GET", f"/deliveries{query}")

    assert sorted(delivery["sequence"] for delivery in response.document["deliveries"]) == sequences


def test_held_lanes_are_listed_with_the_number_waiting_behind(api: ApiOverFakes):
    api.subscribe_with_letter()

    (lane,) = api.call("GET", "/lanes?subscription=ci").document["lanes"]

    assert (lane["head"], lane["state"], lane["waiting_behind"]) == (1, "dead letter", 1)


def test_a_dead_letter_is_redriven(api: ApiOverFakes):
    id_ = api.subscribe_with_letter()

    response = api.call("POST", "/dead-letters/redrive", {"ids": [f"{id_}#39#1"]})

    assert (response.document["number"], response.document["remaining"]) == (1, 0)
    assert [record.sequence for record in api.stack.redriver.sent] == [1]


def test_a_dry_run_only_lists_the_letters(api: ApiOverFakes):
    api.subscribe_with_letter()

    for action in ("redrive", "discard"):
        response = api.call("POST", f"/dead-letters/{action}", {"all": True, "dry_run": True})
        assert (response.document["dry_run"], response.document["number"]) == (True, 1)

    assert not api.stack.redriver.sent
    assert len(api.call("GET", "/dead-letters?reason=spent").document["dead_letters"]) == 1


def test_letters_beyond_the_limit_of_an_invocation_remain(api: ApiOverFakes):
    id_ = api.subscribe()
    for sequence in range(1, 104):
        record = DeliveryRecord.waiting(a_delivery(sequence, subscription=id_))
        api.stack.ledger.save(record.dead("gone"), before=None, after=None)

    response = api.call("POST", "/dead-letters/discard", {"reason": "gone"})

    assert (response.document["number"], response.document["remaining"]) == (100, 3)
    statuses = [record.status for record in api.stack.ledger.records.values()]
    assert statuses.count(DeliveryStatus.DEAD) == 3
    api.milliseconds_left = 4_999
    for refusal in (
        api.call("POST", "/dead-letters/redrive", {"all": True}),
        api.call("GET", "/dead-letters"),
    ):
        assert (refusal.status, refusal.document["message"]) == (
            422,
            "time: too much to read in this call; name ids, or use lakehook dead-letters",
        )


@pytest.mark.parametrize(
    "selector", [{}, {"ids": []}, {"all": True, "reason": "gone"}, {"ids": ["a#1#1"], "all": True}]
)
def test_letters_are_chosen_in_one_way_alone(api: ApiOverFakes, selector: dict[str, Any]):
    response = api.call("POST", "/dead-letters/discard", selector)

    assert (response.status, response.document["error"]) == (422, "invalid_input")


# --- pipelines ---


def test_unfinished_pipelines_are_listed_and_one_is_shown(api: ApiOverFakes):
    accept(api.stack.journal, pipeline_id=7)
    api.stack.clock.sleep(3600)
    accept(api.stack.journal, pipeline_id=8, event_type="PIPELINE_RUNNING")

    listed = api.call("GET", "/pipelines?state=created&older_than=15m").document
    story = api.call("GET", "/pipelines/7").document

    assert [pipeline["pipeline_id"] for pipeline in listed["pipelines"]] == ["7"]
    assert [event["event_type"] for event in story["events"]] == ["PIPELINE_CREATED"]
    assert (story["not_sent"], story["subscribers"]) == ([], [])


@pytest.mark.parametrize("form", ["/pipelines/staging%2F7", "/pipelines/7?source=staging"])
def test_a_pipeline_of_a_named_source_is_shown_by_its_key_or_its_source(
    api: ApiOverFakes, form: str
):
    accept(api.stack.journal, pipeline_id=7)
    accept(api.stack.journal, pipeline_id=7, source="staging", event_type="PIPELINE_RUNNING")
    decoded = a_call("GET", "/pipelines/x") | {"rawPath": "/pipelines/staging/7"}

    story = api.call("GET", form)
    of_default = api.call("GET", "/pipelines/7").document
    listed = api.call("GET", "/pipelines?source=staging").document["pipelines"]

    assert (story.document["pipeline_id"], story.document["source"]) == ("7", "staging")
    assert len(story.document["events"]) == 2
    assert (of_default["source"], len(of_default["events"])) == (None, 1)
    assert [(pipeline["pipeline_id"], pipeline["source"]) for pipeline in listed] == [
        ("7", "staging")
    ]
    assert api.call.raw(decoded) == story


def test_a_delivery_of_a_named_source_is_explained_in_either_form_of_its_path(api: ApiOverFakes):
    id_ = api.subscribe()
    record = DeliveryRecord.waiting(a_delivery(1, subscription=id_, source="staging"))
    api.stack.ledger.save(record, before=None, after=None)
    decoded = a_call("GET", "/deliveries/x") | {"rawPath": f"/deliveries/{id_}#staging/39#1"}

    response = api.call("GET", f"/deliveries/{id_}%23staging%2F39%231")
    assert response.document["next"] == "attempted when its message is received"
    listed = api.call("GET", "/deliveries?pipeline=39&source=staging").document["deliveries"]

    assert response.document["delivery_id"] == f"{id_}#staging/39#1"
    assert (response.document["pipeline_id"], response.document["source"]) == ("39", "staging")
    assert api.call.raw(decoded) == response
    assert [delivery["delivery_id"] for delivery in listed] == [f"{id_}#staging/39#1"]


# --- pages ---


def test_a_cursor_leads_to_the_next_page_also_when_its_item_is_removed(api: ApiOverFakes):
    for number in range(5):
        api.subscribe(name=f"ci {number}")
        api.stack.clock.sleep(1)

    first = api.call("GET", "/subscriptions?limit=2").document
    api.call("DELETE", "/subscriptions/ci%201")
    second = api.call("GET", f"/subscriptions?limit=2&cursor={first['next']}").document
    third = api.call("GET", f"/subscriptions?limit=2&cursor={second['next']}").document

    names = [
        [subscription["name"] for subscription in page["subscriptions"]]
        for page in (first, second, third)
    ]
    assert names == [["ci 0", "ci 1"], ["ci 2", "ci 3"], ["ci 4"]]
    assert third["next"] is None


@pytest.mark.parametrize("cursor", ["x", "bnVsbA==", "WzEsIDIsIDNd", "eyJhIjogMX0=", "%F0"])
def test_an_invalid_cursor_is_refused(api: ApiOverFakes, cursor: str):
    api.subscribe()

    response = api.call("GET", f"/subscriptions?cursor={cursor}")

    assert (response.status, response.document["message"].partition(":")[0]) == (422, "cursor")


# --- refusals ---


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        ({"ordering": "loose"}, "ordering: \"loose\"; input should be 'strict' or 'skip'"),
        ({"deadline_seconds": 99}, "deadline: 99 s is not within 1 to 20 s"),
        ({"deadline_seconds": "5"}, 'deadline_seconds: "5"; input should be a valid number'),
        ({"colour": "red"}, "colour: no such field"),
        ({"url": "http://ci.example/"}, "url: only https, unless the network is opened by setting"),
        ({"url": 7}, "url: input should be a valid string"),
        ({"secret": {"a": "hush"}}, "secret: input should be a valid string"),
        ({"headers": [["hush"]]}, "headers.0: input should be a valid string"),
        ({"name": None}, "name: null; input should be a valid string"),
        ({"retry_schedule": "soon"}, "retry schedule: "),
        ({"pattern": {"a": 1}}, "pattern: "),
    ],
)
def test_a_wrong_field_is_one_line_and_nothing_is_saved(
    api: ApiOverFakes, terms: dict[str, Any], refusal: str
):
    response = api.call("POST", "/subscriptions", {"name": "ci", "url": URL, **terms})

    assert response.status == 422
    assert response.document["message"].startswith(refusal)
    assert "\n" not in response.document["message"]
    assert "hush" not in str(response)
    assert not api.stack.subscriptions.all()


@pytest.mark.parametrize(
    ("method", "target", "status", "error"),
    [
        ("GET", "/subscriptions/nobody", 404, "not_found"),
        ("GET", "/deliveries/sub_a%2339%231", 404, "not_found"),
        ("GET", "/deliveries/rubbish", 422, "invalid_input"),
        ("GET", "/deliveries?status=lost", 422, "invalid_input"),
        ("GET", "/deliveries?limit=0", 422, "invalid_input"),
        ("GET", "/deliveries?since=yesterday", 422, "invalid_input"),
        ("GET", "/deliveries?colour=red", 422, "invalid_input"),
        ("GET", "/pipelines?state=ended", 422, "invalid_input"),
        ("GET", "/pipelines?older_than=soon", 422, "invalid_input"),
        ("GET", "/pipelines/39", 404, "not_found"),
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/pipelines/", 404, "not_found"),
        ("GET", "/pipelines/staging/", 404, "not_found"),
        ("GET", "/pipelines/a/b/c", 404, "not_found"),
        ("GET", "/replays/rpl_none", 404, "not_found"),
        ("POST", "/replays/rpl_none/stop", 404, "not_found"),
        ("GET", "/deliveries?since=2026-02-30T00:00:00Z", 422, "invalid_input"),
        ("GET", "/nowhere?colour=red", 404, "not_found"),
        ("PUT", "/subscriptions", 405, "method_not_allowed"),
        ("POST", "/deliveries/a%23b%231", 405, "method_not_allowed"),
    ],
)
def test_every_refusal_has_the_same_form(
    api: ApiOverFakes, method: str, target: str, status: int, error: str
):
    response = api.call(method, target)

    assert (response.status, response.document["error"]) == (status, error)
    assert set(response.document) == {"error", "message"}


def test_a_refused_method_names_the_allowed_ones(api: ApiOverFakes):
    assert api.call("PUT", "/subscriptions").headers["allow"] == "GET, POST"
    assert api.call("PUT", "/replays/count").headers["allow"] == "POST"
    assert api.call("PUT", "/replays/rpl_1").headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("body", "terms", "status", "error"),
    [
        (b"[]", {}, 422, "invalid_body"),
        (b'[{"name": "ci"}]', {}, 422, "invalid_body"),
        (b"{", {}, 422, "invalid_body"),
        (b'{"name": NaN}', {}, 422, "invalid_body"),
        (b"\xff", {"encoded": True}, 422, "invalid_body"),
        (b"", {}, 422, "invalid_input"),
        (b"name=ci", {"content_type": "application/x-www-form-urlencoded"}, 415, "not_json"),
        (b" " * 262_145, {}, 413, "body_too_large"),
        (b" " * 262_149, {"encoded": True}, 413, "body_too_large"),
    ],
)
def test_a_body_that_is_too_large_or_no_json_object_is_refused(
    api: ApiOverFakes, body: bytes, terms: dict[str, Any], status: int, error: str
):
    response = api.call.raw(a_call("POST", "/subscriptions", body, **terms))

    assert (response.status, response.document["error"]) == (status, error)


def test_an_unexpected_body_is_refused(api: ApiOverFakes):
    id_ = api.subscribe()

    response = api.call("POST", f"/subscriptions/{id_}/pause", {"until": "tomorrow"})

    assert (response.status, response.document["message"]) == (422, "body: not allowed here")
    assert api.call("GET", f"/subscriptions/{id_}").document["state"] == "active"


def test_a_concurrent_change_is_a_conflict(api: ApiOverFakes, monkeypatch: pytest.MonkeyPatch):
    id_ = api.subscribe()

    def fail(_: object, **_claim: bool) -> None:
        raise Conflict(f"{id_} was changed since it was read")

    monkeypatch.setattr(api.stack.subscriptions, "save", fail)

    response = api.call("PATCH", f"/subscriptions/{id_}", {"name": "other"})

    assert (response.status, response.document["error"]) == (409, "conflict")
    assert not api.errors


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        (InfrastructureError("the table is away"), 503, "infrastructure_error"),
        (RuntimeError("whsec_hush"), 500, "unexpected"),
    ],
)
def test_an_internal_error_is_logged_and_an_unexpected_one_is_not_shown_to_the_caller(
    api: ApiOverFakes, monkeypatch: pytest.MonkeyPatch, fault: Exception, status: int, kind: str
):
    def breaks() -> None:
        raise fault

    monkeypatch.setattr(api.stack.subscriptions, "all", breaks)

    response = api.call("GET", "/subscriptions")

    assert (response.status, response.document["error"]) == (status, kind)
    assert "hush" not in str(response)
    assert api.errors == [fault]


# --- parked events, and deliveries sent again ---


@pytest.fixture
def parked(api: ApiOverFakes) -> ApiOverFakes:
    wrong = to_json(a_document(event_type="PIPELINE_DONE"))
    api.stack.parked_events.parked = [
        ParkedEvent(id="m-1", pipeline_key="39", reason="event_type", body=wrong, parked_at=NOON)
    ]
    return api


def test_a_parked_event_is_read_corrected_and_sent(parked: ApiOverFakes):
    (listed,) = parked.call("GET", "/events/parked").document["parked"]
    assert parked.call("GET", "/events/parked/m-1").document == listed
    assert parked.call("POST", "/events/parked/m-1/send", {}).status == 422

    response = parked.call("POST", "/events/parked/m-1/send", {"event": a_document()})

    assert (response.status, response.document["pipeline_id"]) == (200, "39")
    assert len(parked.stack.publisher.published) == 1
    assert parked.call("GET", "/events/parked").document["parked"] == []


def test_a_parked_event_is_deleted_and_then_not_found(parked: ApiOverFakes):
    assert parked.call("DELETE", "/events/parked/m-1").document == {"deleted": 1}
    assert parked.call("DELETE", "/events/parked/m-1").status == 404


def test_a_delivery_and_a_whole_pipeline_are_sent_again(api: ApiOverFakes):
    id_, stack = api.subscribe(), api.stack
    accept(api.stack.journal)

    first = api.call("POST", "/pipelines/39/send", {"subscription": "ci"})
    assert (first.document["sent"], first.document["waiting"]) == (1, 0)
    second = api.call("POST", "/pipelines/39/send", {"subscription": "ci"})
    assert (second.document["sent"], second.document["waiting"]) == (0, 1)
    refused = api.call("POST", f"/deliveries/{id_}%2339%231/send")
    assert (refused.status, refused.document["error"]) == (422, "invalid_input")

    lane = Lane(id_, "39")
    delivered = Attempt(at=NOON, outcome=Outcome.DELIVERED, milliseconds=7, status=200)
    stack.ledger.keep(stack.ledger.records[lane, 1].with_attempt(delivered))
    del stack.ledger.lanes[lane]
    assert api.call("POST", "/deliveries/ci%2339%231/send").document["sent"] == 1
    assert len(stack.queue.resumes) == 2
    unknown = api.call("POST", "/pipelines/staging/39/send", {"subscription": "ci"})
    assert (unknown.status, "staging/39" in unknown.document["message"]) == (404, True)
