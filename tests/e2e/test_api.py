"""An operator's program, by HTTP alone: subscribe, see it delivered, send again what had died."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import requests

from lakehook.domain.event import Event
from lakehook.domain.json_document import to_json
from local.installation import LocalLakehook
from local.receiver import OK, Arrival, Receiver
from tests.e2e.conftest import Publish, SendBody
from tests.e2e.pipelines import CREATED, arrived_sequences, pipeline_events
from tests.integration.eventually import PATIENCE, eventually


class Program:
    def __init__(self, lakehook: LocalLakehook) -> None:
        self._url = lakehook.deployment.api_url

    def __call__(self, method: str, path: str, document: Any = None, status: int = OK) -> Any:
        answer = requests.request(method, self._url + path, json=document, timeout=PATIENCE)
        assert answer.status_code == status, answer.text
        return answer.json()


def test_a_subscription_made_by_http_gets_deliveries_and_redriven_letters(
    lakehook: LocalLakehook, publish: Publish
):
    program, well = Program(lakehook), False

    def recovers(_: Arrival) -> int:
        return OK if well else HTTPStatus.INTERNAL_SERVER_ERROR

    events = pipeline_events()
    with Receiver("by-http", recovers) as receiver:
        terms = {"name": "by-http", "url": receiver.url, "retry_schedule": "0.1"}
        created = program("POST", "subscriptions", terms, status=HTTPStatus.CREATED)
        receiver.secret, id_ = created["secret"], created["subscription_id"]
        letter = f"{id_}#{events[0].pipeline_id}#1"

        publish(events)
        letters = f"dead-letters?subscription={id_}"
        eventually(lambda: program("GET", letters)["dead_letters"])
        well = True
        redriven = program("POST", "dead-letters/redrive", {"ids": [letter]})

        assert [letter_["delivery_id"] for letter_ in redriven["dead_letters"]] == [letter]
        eventually(lambda: arrived_sequences(receiver, events)[-3:] == [1, 2, 3])
        assert all(arrival.genuine for arrival in receiver.arrivals)
        delivery = program("GET", f"deliveries/{quote(letter, safe='')}")
        assert (delivery["status"], delivery["next"]) == ("delivered", "delivered")
        assert program("POST", f"subscriptions/{id_}/test", {})["outcome"] == "delivered"
    program("DELETE", f"subscriptions/{id_}?discard_waiting=true")


def test_a_program_sees_and_settles_all_that_an_operator_does(
    lakehook: LocalLakehook, publish: Publish, send_body: SendBody
):
    """Each operation once, so that the API's role is seen to allow what they ask, and no more."""
    program, events, second_life = Program(lakehook), pipeline_events(), pipeline_events()
    with Receiver("settled", lambda _: HTTPStatus.INTERNAL_SERVER_ERROR) as receiver:
        terms = {"name": "settled", "url": receiver.url, "retry_schedule": "0.1"}
        id_ = program("POST", "subscriptions", terms, status=HTTPStatus.CREATED)["subscription_id"]
        publish([*events, *second_life])
        eventually(lambda: len(letters_of(program, id_)) == 2)

        reads_everything(program, id_, events)
        changes_subscription(program, id_)
        first = {"ids": letters_of(program, id_)[:1]}
        assert program("POST", "dead-letters/discard", first)["number"] == 1
        replays(program, id_)
        resends_parked_events(program, send_body)
        removed = program("DELETE", f"subscriptions/{id_}?discard_waiting=true")
        assert removed["discarded"]["waiting"] >= 1


def letters_of(program: Program, id_: str) -> list[str]:
    answer = program("GET", f"dead-letters?subscription={id_}")
    return [letter["delivery_id"] for letter in answer["dead_letters"]]


def reads_everything(program: Program, id_: str, events: list[Event]) -> None:
    pipeline = events[0].pipeline_id
    assert program("GET", "lanes")["lanes"]
    assert program("GET", "status")["dead_letters"] >= len(letters_of(program, id_))
    assert program("GET", f"deliveries?subscription={id_}&status=dead")["deliveries"]
    assert program("GET", f"deliveries?pipeline={pipeline}")["deliveries"]
    assert program("GET", f"pipelines/{pipeline}")["events"]
    assert "pipelines" in program("GET", "pipelines")
    assert program("GET", "subscriptions")["subscriptions"]
    assert program("POST", f"subscriptions/{id_}/preview", {})["body"]
    tried = {"events": [events[0].document]}
    assert program("POST", f"subscriptions/{id_}/match", tried)["matches"]


def changes_subscription(program: Program, id_: str) -> None:
    path = f"subscriptions/{id_}"
    assert program("PATCH", path, {"deadline_seconds": 5})["deadline_seconds"] == 5
    assert program("POST", f"{path}/pause")["state"] == "paused"
    assert program("POST", f"{path}/resume")["state"] == "active"
    assert program("POST", f"{path}/enable")["state"] == "active"
    assert program("POST", f"{path}/rotate-secret", {"signing": "ed25519"})["public_key"]


def replays(program: Program, id_: str) -> None:
    replay_request = {"subscription": id_, "since": "1h", "status": "dead"}
    assert program("POST", "replays/count", replay_request)["deliveries"] >= 1
    begun = program("POST", "replays", replay_request, status=HTTPStatus.CREATED)
    assert program("GET", "replays")["replays"]
    assert program("GET", f"replays/{begun['replay_id']}")["status"] == "dead"
    program("POST", f"replays/{begun['replay_id']}/stop")


def resends_parked_events(program: Program, send_body: SendBody) -> None:
    (event,) = pipeline_events(CREATED)
    wrong = to_json({**event.document, "event_type": "PIPELINE_DONE"})
    send_body(event.pipeline_key, wrong)

    def parked() -> list[str]:
        listed = program("GET", "events/parked")["parked"]
        return [event_["id"] for event_ in listed if event_["pipeline"] == event.pipeline_key]

    eventually(parked)
    (id_,) = parked()
    sent_event = program("POST", f"events/parked/{id_}/send", {"event": dict(event.document)})
    assert sent_event["event_id"] == event.id
    assert parked() == []
    program("DELETE", f"events/parked/{id_}", status=HTTPStatus.NOT_FOUND)
