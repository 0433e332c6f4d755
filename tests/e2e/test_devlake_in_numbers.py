"""Many pipelines of a DevLake that races, to receivers in both formats."""

import random
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from local.installation import LocalLakehook
from local.receiver import Receiver
from tests.devlake.receiver import OldReceiver, listening
from tests.devlake.server import DevLake
from tests.e2e.evidence import Evidence
from tests.e2e.pipelines import COMPLETED, CREATED, RUNNING
from tests.e2e.subscribers import Subscribers
from tests.integration.eventually import PATIENCE, eventually

PIPELINES = 12
AT_ONCE = 6  # DevLake runs so many pipelines side by side
SECRET = "their own <secret> 湖"  # as their receivers have had it for years


@pytest.fixture
def old() -> Iterator[OldReceiver]:
    with listening(SECRET) as server:
        yield server


def live(devlake: DevLake, number: int) -> int:
    """One pipeline; the goroutine of its creation is scheduled sooner or later."""
    scheduled, when = Event(), random.Random(number).choice(("first", "first", "between", "last"))
    blueprint = devlake.add_blueprint(f"<R&D> 数据湖 {number}")
    pipeline = devlake.create(blueprint, scheduled=None if when == "first" else scheduled)
    devlake.run(pipeline)
    if when == "between":
        scheduled.set()
    devlake.end(pipeline)
    scheduled.set()
    return pipeline


def test_each_state_of_many_pipelines_arrives_once_and_in_order(
    lakehook: LocalLakehook,
    subscribers: Subscribers,
    evidence: Evidence,
    old: OldReceiver,
    tmp_path: Any,
):
    secret = tmp_path / "secret.txt"
    secret.write_text(f"{SECRET}\n")
    new = Receiver("new")
    subscribers.add(new)
    subscribers.add_url(old.url, "old", "--format", "devlake", "--secret-file", str(secret))
    devlake = DevLake(lakehook.deployment.ingress_url, lakehook.notification_secret)

    with ThreadPoolExecutor(AT_ONCE) as runners:
        pipelines = list(runners.map(lambda n: live(devlake, n), range(PIPELINES)))
    devlake.join()

    assert set(devlake.answers) == {202}
    assert new.wait_until_taken(3 * PIPELINES, within=PATIENCE)
    eventually(evidence.nothing_is_under_way)
    heard = defaultdict(list)
    for arrival in new.arrivals:
        heard[int(arrival.pipeline)].append((arrival.sequence, arrival.event_type))
    told = [(1, CREATED), (2, RUNNING), (3, COMPLETED)]
    assert {pipeline: heard[pipeline] for pipeline in pipelines if heard[pipeline] != told} == {}
    said = ["TASK_CREATED", "TASK_RUNNING", "TASK_COMPLETED"]
    statuses = {one: [post.notice["Status"] for post in old.of(one)] for one in pipelines}
    assert {one: statuses[one] for one in pipelines if statuses[one] != said} == {}
