"""Replays and previews by HTTP, with the effects and words of the command."""

import pytest

from tests.builders import a_document
from tests.journaling import accept
from tests.unit.test_api import URL, ApiOverFakes

SINCE = "2026-01-01T00:00:00Z"


@pytest.fixture
def api() -> ApiOverFakes:
    return ApiOverFakes()


def subscribe_with_past(api: ApiOverFakes) -> str:
    """Make a subscription that has missed an event, and return its id."""
    id_ = api.subscribe()
    accept(api.stack.journal)
    return id_


def test_a_replay_that_is_already_running_is_not_started_twice(api: ApiOverFakes):
    order = {
        "subscription": subscribe_with_past(api),
        "since": SINCE,
        "rate": "20/m",
        "status": "any",
    }

    begun = api.call("POST", "/replays", order)
    second = api.call("POST", "/replays", order)

    assert (begun.status, begun.document["state"], begun.document["rate"]) == (201, "open", "20/m")
    assert (begun.document["already_running"], second.document["already_running"]) == (False, True)
    assert begun.document["matched"] is None
    assert second.document["replay_id"] == begun.document["replay_id"]


def test_replays_are_listed_shown_and_stopped(api: ApiOverFakes):
    begun = api.call("POST", "/replays", {"subscription": subscribe_with_past(api), "since": SINCE})
    id_ = begun.document["replay_id"]

    listed = api.call("GET", "/replays")
    stopped = api.call("POST", f"/replays/{id_}/stop")
    replay = api.call("GET", f"/replays/{id_}")

    assert [item["replay_id"] for item in listed.document["replays"]] == [id_]
    assert (stopped.document["state"], replay.document["state"]) == ("stopped", "stopped")
    assert replay.document["reason"] == "by an operator"


def test_a_list_too_long_for_the_time_left_is_refused_with_the_way_out(api: ApiOverFakes):
    order = {"subscription": subscribe_with_past(api), "since": SINCE}
    api.milliseconds_left = 4_999

    counted = api.call("POST", "/replays/count", order)
    listed = api.call("GET", "/deliveries")

    for response, way_out in ((counted, "replay --dry-run"), (listed, "name a pipeline")):
        assert (response.status, response.document["error"]) == (422, "list_too_long")
        assert way_out in response.document["message"]


def test_a_count_of_a_replay_starts_nothing(api: ApiOverFakes):
    counted = api.call(
        "POST", "/replays/count", {"subscription": subscribe_with_past(api), "since": SINCE}
    )

    assert counted.status == 200
    assert (counted.document["deliveries"], counted.document["pipelines"]) == (1, 1)
    assert counted.document["event_types"] == [{"event_type": "PIPELINE_CREATED", "deliveries": 1}]
    assert api.call("GET", "/replays").document["replays"] == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"since": "yesterday"}, "since: 'yesterday'"),
        ({"rate": "20"}, "rate: '20' is not a rate such as"),
        ({"status": "lost"}, "status"),
        ({"until": "2099-01-01T00:00:00Z"}, "until: '2099-01-01T00:00:00Z' is in the future"),
        ({"dry": True}, "dry"),
    ],
)
def test_an_invalid_request_is_refused_and_no_replay_started(
    api: ApiOverFakes, change: dict[str, object], complaint: str
):
    order = {"subscription": subscribe_with_past(api), "since": SINCE, **change}

    refused = api.call("POST", "/replays", order)

    assert refused.status == 422
    assert complaint in refused.document["message"]
    assert api.call("GET", "/replays").document["replays"] == []


def test_a_new_subscription_may_ask_for_the_past(api: ApiOverFakes):
    created = api.call("POST", "/subscriptions", {"name": "ci", "url": URL, "from_beginning": True})

    assert created.status == 201
    (replay,) = api.call("GET", "/replays").document["replays"]
    assert replay["replay_id"] == created.document["replay_id"]
    assert replay["status"] == "missing"


def test_contradictory_requests_for_past_events_save_nothing(api: ApiOverFakes):
    order = {"name": "ci", "url": URL, "from_beginning": True, "since": "7d"}

    refused = api.call("POST", "/subscriptions", order)

    assert refused.status == 422
    assert api.call("GET", "/subscriptions").document["subscriptions"] == []


def test_a_preview_shows_the_message_and_warns_of_missing_fields(
    api: ApiOverFakes,
):
    id_ = api.subscribe(template_body="{{ pipeline_id }} {{ nobody }}")

    preview = api.call("POST", f"/subscriptions/{id_}/preview", {"event_type": "PIPELINE_FAILED"})
    own_preview = api.call(
        "POST", f"/subscriptions/{id_}/preview", {"event": a_document(pipeline_id=7)}
    )

    assert preview.document["body"] == "39 "
    assert preview.document["warnings"] == ["nobody: this event has no such field"]
    assert own_preview.document["body"] == "7 "


def test_a_template_that_fails_is_refused_with_its_reason(api: ApiOverFakes):
    id_ = api.subscribe(template_body="{{ nobody }}")

    refused = api.call("POST", f"/subscriptions/{id_}/preview", {})

    assert (refused.status, refused.document["message"]) == (422, "template: its output is empty")


def test_an_event_of_ones_own_has_a_type(api: ApiOverFakes):
    id_ = api.subscribe()
    order = {"event": a_document(), "event_type": "PIPELINE_FAILED"}

    assert api.call("POST", f"/subscriptions/{id_}/preview", order).status == 422
