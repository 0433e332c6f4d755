"""DevLake, unmodified, speaks to Lakehook: what it has signed reaches every subscriber."""

import urllib.request
from collections.abc import Callable
from dataclasses import replace
from urllib.error import HTTPError

import pytest

from local.installation import LocalLakehook
from local.receiver import Arrival, Receiver
from tests.devlake.server import DevLake
from tests.devlake_vectors import Vector, vector_named
from tests.e2e.evidence import Evidence
from tests.e2e.pipelines import COMPLETED, CREATED, RUNNING
from tests.e2e.subscribers import Subscribers
from tests.integration.eventually import PATIENCE, eventually

Post = Callable[[Vector], int]


@pytest.fixture
def post(lakehook: LocalLakehook) -> Post:
    """Send a notice that Go has made, to the letter; the status of the answer."""

    def post(vector: Vector) -> int:
        request = urllib.request.Request(
            f"{lakehook.deployment.ingress_url}?{vector.query}",
            vector.raw,
            {"content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return int(answer.status)
        except HTTPError as refused:
            with refused:
                return refused.code

    return post


@pytest.fixture
def devlake(lakehook: LocalLakehook) -> DevLake:
    return DevLake(lakehook.deployment.ingress_url, lakehook.notification_secret)


@pytest.fixture
def receiver(subscribers: Subscribers) -> Receiver:
    receiver = Receiver("devlake")
    subscribers.add(receiver)
    return receiver


def of(receiver: Receiver, pipeline: int) -> list[Arrival]:
    return [arrival for arrival in receiver.arrivals if arrival.pipeline == str(pipeline)]


def types_of(receiver: Receiver, pipeline: int) -> list[str]:
    return [arrival.event_type for arrival in of(receiver, pipeline)]


def test_a_notification_made_by_go_reaches_a_subscriber_with_devlakes_body(
    post: Post, receiver: Receiver
):
    events = [vector_named(status) for status in ("TASK_CREATED", "TASK_RUNNING", "TASK_COMPLETED")]

    assert [post(vector) for vector in events] == [202] * 3

    assert receiver.wait_until_taken(3, within=PATIENCE)
    assert types_of(receiver, 39) == [CREATED, RUNNING, COMPLETED]
    arrivals = of(receiver, 39)
    assert [arrival.sequence for arrival in arrivals] == [1, 2, 3]
    assert [arrival.body["data"]["devlake"] for arrival in arrivals] == [
        notification.body for notification in events
    ]
    assert all(arrival.genuine for arrival in arrivals)
    assert arrivals[0].body["trigger_source"] == "unknown"


def test_replayed_notifications_change_nothing(
    devlake: DevLake, receiver: Receiver, evidence: Evidence
):
    pipeline = devlake.create()
    devlake.live(pipeline)
    eventually(lambda: COMPLETED in types_of(receiver, pipeline))

    copies = [replace(notice, response_code=0) for notice in devlake.notifications]
    assert all(copy.post() for copy in copies)

    assert [copy.response_code for copy in copies] == [202] * 3
    eventually(evidence.nothing_is_under_way)
    assert types_of(receiver, pipeline) == [CREATED, RUNNING, COMPLETED]
