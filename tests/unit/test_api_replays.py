"""Replays and previews by HTTP: what the command does, in the same words."""

import pytest

from tests.builders import a_document
from tests.journaling import accept
from tests.unit.test_api import URL, Desktop

SINCE = "2026-01-01T00:00:00Z"


@pytest.fixture
def api() -> Desktop:
    return Desktop()


def with_past(api: Desktop) -> str:
    """The id of a subscription that has missed an event."""
    id_ = api.subscribe()
    accept(api.stack.journal)
    return id_


def test_a_replay_is_begun_and_the_same_again_is_the_one_that_is_open(api: Desktop):
    order = {"subscription": with_past(api), "since": SINCE, "rate": "20/m", "status": "any"}

    begun = api.call("POST", "/replays", order)
    again = api.call("POST", "/replays", order)

    assert (begun.status, begun.document["state"], begun.document["rate"]) == (201, "open", "20/m")
    assert (begun.document["already_running"], again.document["already_running"]) == (False, True)
    assert begun.document["matched"] is None
    assert again.document["replay_id"] == begun.document["replay_id"]


def test_replays_are_listed_shown_and_stopped(api: Desktop):
    begun = api.call("POST", "/replays", {"subscription": with_past(api), "since": SINCE})
    id_ = begun.document["replay_id"]

    listed = api.call("GET", "/replays")
    stopped = api.call("POST", f"/replays/{id_}/stop")
    shown = api.call("GET", f"/replays/{id_}")

    assert [one["replay_id"] for one in listed.document["replays"]] == [id_]
    assert (stopped.document["state"], shown.document["state"]) == ("stopped", "stopped")
    assert shown.document["reason"] == "by an operator"


def test_what_cannot_be_read_in_time_is_refused_in_words(api: Desktop):
    order = {"subscription": with_past(api), "since": SINCE}
    api.milliseconds_left = 4_999

    counted = api.call("POST", "/replays/count", order)
    listed = api.call("GET", "/deliveries")

    for said, instead in ((counted, "replay --dry-run"), (listed, "name a pipeline")):
        assert (said.status, said.document["error"]) == (422, "list_too_long")
        assert instead in said.document["message"]


def test_what_a_replay_would_send_is_counted_and_nothing_begun(api: Desktop):
    counted = api.call("POST", "/replays/count", {"subscription": with_past(api), "since": SINCE})

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
def test_a_wish_that_is_not_allowed_is_refused_and_nothing_begun(
    api: Desktop, change: dict[str, object], complaint: str
):
    order = {"subscription": with_past(api), "since": SINCE, **change}

    refused = api.call("POST", "/replays", order)

    assert refused.status == 422
    assert complaint in refused.document["message"]
    assert api.call("GET", "/replays").document["replays"] == []


def test_a_new_subscription_may_ask_for_the_past(api: Desktop):
    made = api.call("POST", "/subscriptions", {"name": "ci", "url": URL, "from_beginning": True})

    assert made.status == 201
    (replay,) = api.call("GET", "/replays").document["replays"]
    assert replay["replay_id"] == made.document["replay_id"]
    assert replay["status"] == "missing"


def test_the_past_is_asked_for_in_one_way_or_nothing_is_saved(api: Desktop):
    order = {"name": "ci", "url": URL, "from_beginning": True, "since": "7d"}

    refused = api.call("POST", "/subscriptions", order)

    assert refused.status == 422
    assert api.call("GET", "/subscriptions").document["subscriptions"] == []


def test_a_preview_shows_what_would_go_out_and_warns_of_fields_that_are_not_there(api: Desktop):
    id_ = api.subscribe(template_body="{{ pipeline_id }} {{ nobody }}")

    shown = api.call("POST", f"/subscriptions/{id_}/preview", {"event_type": "PIPELINE_FAILED"})
    own = api.call("POST", f"/subscriptions/{id_}/preview", {"event": a_document(pipeline_id=7)})

    assert shown.document["body"] == "39 "
    assert shown.document["warnings"] == ["nobody: this event has no such field"]
    assert own.document["body"] == "7 "


def test_a_template_that_fails_is_refused_with_its_reason(api: Desktop):
    id_ = api.subscribe(template_body="{{ nobody }}")

    refused = api.call("POST", f"/subscriptions/{id_}/preview", {})

    assert (refused.status, refused.document["message"]) == (422, "template: its output is empty")


def test_an_event_of_ones_own_has_a_type(api: Desktop):
    id_ = api.subscribe()
    order = {"event": a_document(), "event_type": "PIPELINE_FAILED"}

    assert api.call("POST", f"/subscriptions/{id_}/preview", order).status == 422
