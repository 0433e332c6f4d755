"""A bad receiver delays no other: histories with figures."""

from statistics import median

import pytest

from lakehook.domain.lane import DeliveryStatus
from tests.fakes import NOON
from tests.simulation.faults import Fault
from tests.simulation.operators import Operator
from tests.simulation.play import Played, play
from tests.simulation.receivers import OK, SORRY, Reaction, ScriptedReceiver, Temper
from tests.simulation.scenario import TABLES, Publication, Scenario, Subscriber
from tests.simulation.system import System
from tests.simulation.wiring import DELIVERIES

PROMPT = Subscriber(id="b")
MINUTE, HOUR = 60.0, 3600.0


def events(pipelines: int, each: int, *, apart: float) -> tuple[Publication, ...]:
    """Build so many publications of each pipeline, all pipelines alike."""
    return tuple(
        Publication(NOON + number * apart + pipeline * 0.01, str(pipeline), number)
        for pipeline in range(1, pipelines + 1)
        for number in range(each)
    )


def a_scenario(*subscribers: Subscriber, publications: tuple[Publication, ...]) -> Scenario:
    last = max(publication.at for publication in publications)
    return Scenario(subscribers=subscribers, publications=publications, calm_at=last + HOUR)


def delays(played: Played, subscription: str) -> list[float]:
    """Return the seconds from each event's publication to its arrival."""
    at = {
        (publication.pipeline, publication.number + 1): publication.at
        for publication in played.system.scenario.publications
    }
    return sorted(
        post.ended_at - at[lane.partition("#")[2], post.sequence]
        for lane, history in played.system.history.lanes.items()
        if lane.partition("#")[0] == subscription
        for post in history.posts
        if post.answer_text == "200"
    )


def statuses(played: Played, subscription: str) -> set[DeliveryStatus]:
    return {
        record.status
        for (lane, _), record in played.system.ledger.records.items()
        if lane.subscription_id == subscription
    }


def test_the_queue_holds_no_backlog_of_a_dead_subscriber():
    dead = Subscriber(id="a", temper=Temper.DEAD)  # until it is calm
    publications = events(150, 10, apart=20.0)
    depths: list[tuple[float, int]] = []

    def measured(system: System, _operator: Operator) -> None:
        for second in range(0, 400, 5):
            system.timeline.at(NOON + second, lambda: depths.append(depth(system)))

    played = play(a_scenario(dead, PROMPT, publications=publications), measured)

    assert not played.violations
    records = played.system.ledger.records
    assert sum(lane.subscription_id == "a" for lane, _ in records) == 1500
    retrying_lanes = 15  # lanes that had failed before the breaker opened
    last = publications[-1].at - NOON
    assert max(depth for second, depth in depths if second > last + 1) <= retrying_lanes
    probe_messages = 1  # now and then, to see whether it is up again
    assert max(depth for second, depth in depths if second > last + MINUTE) <= probe_messages
    assert max(delays(played, "b")) < 2.0
    assert statuses(played, "a") == {DeliveryStatus.DELIVERED}
    resumes = sum("resume" in words for _, _, words in played.system.history.lines)
    assert resumes < 3 * 150  # lanes, each resumed once or twice, although all recover at once


def depth(system: System) -> tuple[float, int]:
    counts = system.queues[DELIVERIES].counts()
    return system.timeline.now() - NOON, counts.visible + counts.in_flight


def test_ten_messages_of_one_lane_on_a_ten_second_endpoint_delay_nobody():
    slow = Subscriber(id="a", deadline=12.0)
    publications = events(1, 10, apart=0.001) + tuple(
        Publication(NOON + number, "other", number) for number in range(10)
    )

    def ten_seconds(system: System, _operator: Operator) -> None:
        system.receivers["a"] = ScriptedReceiver([], seconds=10.0)

    played = play(a_scenario(slow, PROMPT, publications=publications), ten_seconds)

    assert not played.violations
    assert statuses(played, "a") == {DeliveryStatus.DELIVERED}
    assert max(delays(played, "b")) < 2.5  # ten at once, 0.2 s each, one after the other


HEALTHY = tuple(Subscriber(id=f"healthy{number}") for number in range(9))


def of_ten_subscribers(seconds: float) -> Played:
    """Publish three events a second to ten subscribers, the first of which answers after so long.

    Each event is of a pipeline of its own, so that no lane is held already. Four workers take
    batches of up to ten lanes.
    """
    published = tuple(Publication(NOON + number / 3, str(number), 0) for number in range(90))
    scenario = a_scenario(Subscriber(id="a"), *HEALTHY, publications=published)

    def answer(system: System, _operator: Operator) -> None:
        system.receivers["a"] = ScriptedReceiver([], seconds=seconds)

    return play(scenario, answer)


def healthy_delays(played: Played) -> list[float]:
    return sorted(delay for subscriber in HEALTHY for delay in delays(played, subscriber.id))


def test_an_endpoint_that_hangs_delays_nobody_from_the_first_second_on():
    usual, hanging = of_ten_subscribers(0.1), of_ten_subscribers(60.0)

    assert not hanging.violations
    assert healthy_delays(hanging)[-1] < 1.0
    assert median(healthy_delays(hanging)) < 1.5 * median(healthy_delays(usual))
    posts = [
        post.began_at - NOON
        for lane, history in hanging.system.history.lanes.items()
        if lane.startswith("a#")
        for post in history.posts
    ]
    assert sum(began < 10 for began in posts) <= 2, "two of four workers, until the first timeout"
    assert sum(began < 60 for began in posts) <= 8


class HangingReceiver(ScriptedReceiver):
    """Receiver that answers for every pipeline but one."""

    def react(self, now: float, pipeline: str) -> Reaction:
        return 60.0 if pipeline == "1" else 0.1, OK


def test_a_pipeline_on_which_an_endpoint_hangs_delays_its_others_for_seconds_only():
    publications = events(1, 1, apart=1.0) + tuple(
        Publication(NOON + 0.6 + number, str(number), 0) for number in range(2, 60)
    )

    def hang(system: System, _operator: Operator) -> None:
        system.receivers["a"] = HangingReceiver([])

    scenario = a_scenario(Subscriber(id="a", schedule="5,300"), publications=publications)

    played = play(scenario, hang)

    assert not played.violations
    others_delays = delays(played, "a")
    assert len(others_delays) == 58
    assert median(others_delays) < 0.5
    assert max(others_delays) < 3.0


class Poison(ScriptedReceiver):
    def react(self, now: float, pipeline: str) -> Reaction:
        return 0.1, SORRY if pipeline == "1" else OK


@pytest.mark.parametrize("healthy_pipelines", [0, 4])
def test_a_poison_pipeline_spends_its_own_budget_and_nobody_elses(healthy_pipelines: int):
    publications = events(1 + healthy_pipelines, 10, apart=30.0)

    def poisoned(system: System, _operator: Operator) -> None:
        system.receivers["a"] = Poison([])

    played = play(
        a_scenario(Subscriber(id="a", schedule="5,300"), publications=publications), poisoned
    )

    records = played.system.ledger.records
    assert not played.violations
    assert not played.system.subscriptions.by_id["a"].is_blocked
    poisoned_records = [records[key] for key in records if key[0].pipeline_key == "1"]
    assert [record.attempts for record in poisoned_records] == [3, *[0] * 9]
    assert max(delays(played, "a"), default=0.0) < 1.0


class SeldomSlow(ScriptedReceiver):
    """Receiver whose every fiftieth answer takes nine seconds."""

    requests = 0

    def react(self, now: float, pipeline: str) -> Reaction:
        self.requests += 1
        return (9.0 if self.requests % 50 == 0 else 0.1), OK


def test_an_endpoint_slow_two_times_in_a_hundred_delays_few():
    def seldom_slow(system: System, _operator: Operator) -> None:
        system.receivers["a"] = SeldomSlow([])

    publications = events(20, 20, apart=10.0)
    played = play(a_scenario(Subscriber(id="a"), PROMPT, publications=publications), seldom_slow)

    delays_of_slow, delays_of_prompt = delays(played, "a"), delays(played, "b")
    assert not played.violations
    assert median(delays_of_slow) < 0.5
    assert max(delays_of_slow) < 60.0
    assert max(delays_of_prompt) < 1.0


@pytest.mark.parametrize("out_of_order", [TABLES, frozenset(("keyring",))])
def test_ten_minutes_without_tables_or_keys_convict_nobody(out_of_order: frozenset[str]):
    publications = events(20, 3, apart=5.0)
    scenario = a_scenario(Subscriber(id="a"), PROMPT, publications=publications)

    played = play(scenario.with_(outages=((NOON + 7, NOON + 607),), out_of_order=out_of_order))

    assert not played.violations
    assert played.system.faults.injected[Fault.OUTAGE] > 0
    assert statuses(played, "a") == statuses(played, "b") == {DeliveryStatus.DELIVERED}


@pytest.mark.parametrize("dependency", ["ledger", "journal", "subscriptions", "keyring", "sqs"])
def test_a_day_without_a_dependency_loses_nothing_and_keeps_the_order(dependency: str):
    """SQS moves nothing by itself: what fails comes back for as long as it keeps messages."""
    day = 24 * 3600
    publications = events(1, 3, apart=5.0)
    scenario = a_scenario(Subscriber(id="a"), PROMPT, publications=publications)
    outage = scenario.with_(
        outages=((NOON + 7, NOON + day),),
        out_of_order=frozenset((dependency,)),
        calm_at=NOON + day + 7200,
    )

    played = play(outage)

    assert not played.violations
    assert played.system.faults.injected[Fault.OUTAGE] > 0
    assert statuses(played, "a") == statuses(played, "b") == {DeliveryStatus.DELIVERED}
