"""Subscribers get each DevLake scenario whole and in order, once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from lakehook.cli.context import CommandService
from lakehook.operations.views.subscriptions import secret_to_reveal
from lakehook.subscriptions.subscribe import SecretRequest, SubscriptionFields
from local.installation import LocalLakehook
from local.receiver import Arrival, Receiver
from tests.devlake.receiver import OldReceiver, listening
from tests.devlake.rest import SharedRest
from tests.devlake.rows import Tables, planned_task
from tests.devlake.server import DevLake
from tests.e2e.conftest import AWAY, DEVLAKES_UI, KNOWN, READ
from tests.e2e.devlake_scenarios import PROJECT, RUN, SCENARIOS, Scenario, types
from tests.e2e.evidence import Evidence
from tests.integration.eventually import eventually

AT_ONCE = 6
SECRET = "their own <secret> 湖"  # as receivers of DevLake's have had it for years
Rests = dict[str, SharedRest]
DEVLAKES_OWN = '{"inferred": [{"exists": false}], "reconciled": [{"exists": false}]}'


@dataclass
class Run:
    """Run of a scenario, on a server of its own."""

    scenario: Scenario
    devlake: DevLake
    pipeline: int = 0

    def play(self) -> None:
        self.pipeline = self.scenario.play(self.devlake)


@dataclass
class Received:
    """Arrivals at the subscribers of all scenarios."""

    old: OldReceiver
    new: Receiver = field(default_factory=lambda: Receiver("new"))
    own: Receiver = field(default_factory=lambda: Receiver("own"))

    def arrivals(self, pipeline: int, source: str | None = None) -> list[Arrival]:
        key = f"{source}/{pipeline}" if source else str(pipeline)
        return [arrival for arrival in list(self.new.arrivals) if arrival.pipeline == key]

    def words(self, pipeline: int, source: str | None = None) -> str:
        return " ".join(map(_to_marked_type, self.arrivals(pipeline, source)))

    def in_devlakes_format(self, pipeline: int) -> str:
        words = [post.notice["Status"] + post.marks for post in self.old.of(pipeline)]
        return " ".join(status.removeprefix("TASK_") for status in words)

    def devlakes_own(self, pipeline: int) -> str:
        own = [arrival for arrival in self.own.arrivals if arrival.pipeline == str(pipeline)]
        return " ".join(map(_to_marked_type, own))


def _to_marked_type(arrival: Arrival) -> str:
    marks = "*" * arrival.body.get("inferred", False) + "+" * arrival.body.get("reconciled", False)
    return arrival.event_type.removeprefix("PIPELINE_") + marks


@pytest.fixture(scope="module")
def received(service: CommandService, evidence: Evidence) -> Iterator[Received]:
    """Subscribers to everything, as DevLake would tell it, and to DevLake's own alone."""
    ids = []
    with ExitStack() as exits:
        received = Received(exits.enter_context(listening(SECRET)))
        for receiver in (received.new, received.own):
            exits.enter_context(receiver)
        terms = (
            SubscriptionFields(name="old", url=received.old.url, format="devlake"),
            SubscriptionFields(name="new", url=received.new.url),
            SubscriptionFields(name="own", url=received.own.url, pattern=DEVLAKES_OWN),
        )
        for requested in terms:
            wish = SecretRequest(provided=SECRET if requested.format else None)
            subscription, key = service.subscribe(requested, wish)
            ids.append(subscription.id)
            if requested.name == received.new.name:
                received.new.secret = secret_to_reveal(key, None) or ""
        yield received
        eventually(evidence.nothing_is_under_way)
        for subscription_id in ids:
            service.unsubscribe(service.find_subscription(subscription_id), discard_waiting=True)


@pytest.fixture(scope="module")
def runs(lakehook: LocalLakehook, received: Received, evidence: Evidence) -> dict[str, Run]:
    """Every scenario, several at once; nobody knows DevLake's REST API."""
    runs = _play(lakehook, lakehook.deployment.ingress_url, mounted=[])
    eventually(evidence.nothing_is_under_way)
    return runs


@pytest.fixture(scope="module")
def runs_with_api(
    lakehook: LocalLakehook, received: Received, evidence: Evidence, devlakes: Rests
) -> dict[str, Run]:
    """Every scenario once more, on servers that the schedule reads."""
    runs = _play(
        lakehook, f"{lakehook.deployment.ingress_url}{KNOWN}", mounted=devlakes[KNOWN].servers
    )

    def missing() -> list[str]:
        return [name for name, run in runs.items() if not _is_whole(run, received)]

    with suppress(AssertionError):  # each test says what it misses
        eventually(lambda: not missing())
    eventually(evidence.nothing_is_under_way)
    return runs


def _play(lakehook: LocalLakehook, url: str, mounted: list[Tables]) -> dict[str, Run]:
    secret = lakehook.notification_secret
    runs = {
        name: Run(scenario, DevLake(url, secret, **scenario.server))
        for name, scenario in SCENARIOS.items()
    }
    mounted += [run.devlake.tables for run in runs.values()]
    with ThreadPoolExecutor(AT_ONCE) as servers:
        list(servers.map(Run.play, runs.values()))
    return runs


def _is_whole(run: Run, received: Received) -> bool:
    return types(received.words(run.pipeline, KNOWN)) == run.scenario.types_with_api


@pytest.fixture(params=SCENARIOS)
def run(request: pytest.FixtureRequest, runs: dict[str, Run]) -> Run:
    return runs[request.param]


def test_subscribers_get_the_events_of_a_scenario_in_order(run: Run, received: Received):
    arrivals = received.arrivals(run.pipeline)

    assert received.words(run.pipeline) == run.scenario.received
    assert [arrival.sequence for arrival in arrivals] == list(range(1, len(arrivals) + 1))
    assert all(arrival.genuine for arrival in arrivals)


def test_a_receiver_written_for_devlake_gets_its_very_notices_and_knows_the_others(
    run: Run, received: Received
):
    posted = {notification.data.encode() for notification in run.devlake.notifications}
    unmarked = {post.body for post in received.old.of(run.pipeline) if not post.marks}

    assert received.in_devlakes_format(run.pipeline) == run.scenario.received
    if run.devlake.release.names_project:
        assert unmarked <= posted


def test_a_subscriber_of_devlakes_format_gets_no_inferred_event(run: Run, received: Received):
    own_format = [status for status in run.scenario.received.split() if status.isalpha()]

    assert received.devlakes_own(run.pipeline).split() == own_format


def test_a_project_is_named_as_it_is(runs: dict[str, Run], received: Received):
    projects: dict[str, Any] = {
        name: {arrival.body.get("project_name") for arrival in received.arrivals(run.pipeline)}
        for name, run in runs.items()
        if name in ("succeeds", "of a project", "v1.0.1", "v0.17")
    }

    assert projects == {
        "succeeds": {None},
        "of a project": {PROJECT},
        "v1.0.1": {PROJECT},
        "v0.17": {None},
    }


def test_an_event_links_to_its_pipeline_in_devlakes_ui(runs: dict[str, Run], received: Received):
    pipeline = runs["succeeds"].pipeline

    urls = {arrival.body["pipeline_url"] for arrival in received.arrivals(pipeline)}
    assert urls == {f"{DEVLAKES_UI}/advanced/pipeline/{pipeline}"}


def test_fields_that_devlake_leaves_out_are_unknown(runs: dict[str, Run], received: Received):
    arrivals = [arrival for run in runs.values() for arrival in received.arrivals(run.pipeline)]

    assert {arrival.body["trigger_source"] for arrival in arrivals} == {"unknown"}


# --- where DevLake's REST API is known ---


@pytest.mark.parametrize("name", SCENARIOS)
def test_lost_notifications_are_read_from_devlakes_api(
    name: str, runs_with_api: dict[str, Run], received: Received
):
    """Compare without marks: which state the schedule reads first is chance."""
    run = runs_with_api[name]
    arrivals = received.arrivals(run.pipeline, KNOWN)

    assert types(received.words(run.pipeline, KNOWN)) == run.scenario.types_with_api
    assert [arrival.sequence for arrival in arrivals] == list(range(1, len(arrivals) + 1))


@pytest.fixture
def known_devlake(lakehook: LocalLakehook, received: Received, devlakes: Rests) -> DevLake:
    devlake = DevLake(f"{lakehook.deployment.ingress_url}{READ}", lakehook.notification_secret)
    devlakes[READ].servers.append(devlake.tables)
    return devlake


def events_of(received: Received, pipeline: int, words: str) -> list[dict[str, Any]]:
    """The events of a pipeline, once all of them have arrived."""
    expected = words.split()
    eventually(
        lambda: types(received.words(pipeline, READ)) == expected,
        what=lambda: received.words(pipeline, READ),
    )
    return [dict(arrival.body) for arrival in received.arrivals(pipeline, READ)]


def test_a_pipeline_of_a_blueprint_has_it_as_trigger_and_any_other_is_manual(
    known_devlake: DevLake, received: Received
):
    blueprints = [known_devlake.add_blueprint(PROJECT), known_devlake.add_blueprint(), 0]
    pipelines = [known_devlake.create(blueprint) for blueprint in blueprints]
    for pipeline in pipelines:
        known_devlake.live(pipeline)

    triggers = [
        {event["trigger_source"] for event in events_of(received, pipeline, RUN)}
        for pipeline in pipelines
    ]
    assert triggers == [{f"blueprint:{n}"} if n else {"manual"} for n in blueprints]


def test_a_failed_end_names_its_failed_tasks_and_a_successful_rerun_none(
    known_devlake: DevLake, received: Received
):
    plan = [[planned_task(fail=True), planned_task()], [planned_task()]]
    pipeline = known_devlake.create(plan=plan, name="nightly", labels=["team-a"])
    known_devlake.live(pipeline, failing=1)
    known_devlake.rerun(pipeline)
    known_devlake.live(pipeline)

    two_runs = "CREATED RUNNING FAILED CREATED RUNNING COMPLETED"
    events = events_of(received, pipeline, two_runs)
    assert {event["pipeline_name"] for event in events} == {"nightly"}
    assert [event["labels"] for event in events] == [["team-a"]] * 6
    assert {event["total_tasks"] for event in events if "inferred" not in event} == {3}
    failed, completed = events[2], events[5]
    assert failed["message"].startswith(f"Error running pipeline {pipeline}.")
    assert failed["finished_tasks"] == 2
    (task,) = failed["failed_tasks"]
    assert (task["plugin"], task["status"]) == ("sleeper", "TASK_FAILED")
    assert "it was to fail after 1 s" in task["message"]
    assert not {"message", "error_name", "failed_tasks"} & completed.keys()


def test_an_api_that_does_not_answer_costs_only_the_details(
    lakehook: LocalLakehook, received: Received
):
    devlake = DevLake(f"{lakehook.deployment.ingress_url}{AWAY}", lakehook.notification_secret)
    pipeline = devlake.create(devlake.add_blueprint(PROJECT))
    devlake.live(pipeline, failing=1)

    assert devlake.answers == [202] * 3
    eventually(lambda: received.words(pipeline, AWAY) == "CREATED RUNNING FAILED")
    assert {arrival.body["trigger_source"] for arrival in received.arrivals(pipeline, AWAY)} == {
        "unknown"
    }


# --- two DevLakes, which both count from 1 ---


def test_two_devlakes_with_the_same_pipelines_are_kept_apart(
    lakehook: LocalLakehook, received: Received, evidence: Evidence
):
    url, secret = lakehook.deployment.ingress_url, lakehook.notification_secret
    production = DevLake(url, secret, first_id=800_001)
    staging = DevLake(f"{url}{AWAY}/", secret, first_id=800_001)
    servers = (production, staging)
    first = [devlake.create() for devlake in servers]
    for devlake, pipeline in zip(servers, first, strict=True):
        devlake.run(pipeline)
    production.end(first[0])
    staging.end(first[1], failing=1)
    second = [devlake.create() for devlake in servers]
    staging.live(second[1])

    assert first == [800_001] * 2
    assert second == [800_002] * 2
    eventually(evidence.nothing_is_under_way)
    words = [
        [received.words(pipeline, source) for pipeline in (800_001, 800_002)]
        for source in (None, AWAY)
    ]
    assert words == [
        ["CREATED RUNNING COMPLETED", "CREATED"],
        ["CREATED RUNNING FAILED", "CREATED RUNNING COMPLETED"],
    ]
    ids = [arrival.id for arrival in received.arrivals(800_001, AWAY)]
    assert [id_.partition("#")[2] for id_ in ids] == [f"{AWAY}/800001#{n}" for n in (1, 2, 3)]
