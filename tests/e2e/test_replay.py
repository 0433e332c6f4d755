"""A replay sends past events in order and by the same ids, even if its processes are killed."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from lakehook.cli.context import CommandService
from lakehook.domain.delivery import Lane
from lakehook.domain.event import Event
from lakehook.domain.lane import DeliveryStatus
from local.function import ROOT
from local.installation import LocalLakehook
from local.receiver import Arrival, Receiver
from tests.e2e.conftest import Publish
from tests.e2e.evidence import Evidence
from tests.e2e.kills import kill
from tests.e2e.pipelines import COMPLETED, CREATED, RUNNING, arrivals_of, pipeline_events
from tests.e2e.subscribers import Subscribers
from tests.e2e.terminal import Terminal
from tests.integration.eventually import PATIENCE, eventually

pytestmark = pytest.mark.usefixtures("soon_visible_again")

WHOLE = [(1, False), (2, False), (1, True), (2, True)]
"""Sent, and sent again: which, and whether by a replay."""
DELIVERED, WAITING = DeliveryStatus.DELIVERED, DeliveryStatus.WAITING


@contextmanager
def the_command(lakehook: LocalLakehook, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command in its own process, which can be killed."""
    command = subprocess.Popen(
        [sys.executable, "-m", "lakehook.cli", *arguments],
        cwd=ROOT,
        env={"AWS_ENDPOINT_URL": lakehook.endpoint_url, "PATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield command
    finally:
        command.kill()
        command.communicate()


def distinct_arrivals(receiver: Receiver, events: list[Event]) -> list[tuple[int, bool]]:
    """Return the sequences that arrived, without repeats, and whether each was replayed."""
    arrivals = arrivals_of(receiver, events)
    return list(dict.fromkeys((arrival.sequence, is_replayed(arrival)) for arrival in arrivals))


def past(receiver: Receiver, events: list[Event]) -> list[tuple[int, bool]]:
    """Leave out the new event, which waits only once the replay has reached its pipeline."""
    return [each for each in distinct_arrivals(receiver, events) if each[0] <= len(events)]


def is_replayed(arrival: Arrival) -> bool:
    return arrival.body.get("replayed", False) is True


def test_a_replay_goes_on_though_the_command_the_scheduler_and_the_sender_are_killed(
    subscribers: Subscribers,
    publish: Publish,
    lakehook: LocalLakehook,
    evidence: Evidence,
    terminal: Terminal,
):
    receiver, since = Receiver("again"), str(int(time.time()))
    subscription_id, pipelines = (
        subscribers.add(receiver),
        [pipeline_events(CREATED, RUNNING) for _ in range(6)],
    )
    lanes = [Lane(subscription_id, events[0].pipeline_id) for events in pipelines]
    publish([event for events in pipelines for event in events])
    eventually(lambda: all(evidence.statuses(lane) == [DELIVERED] * 2 for lane in lanes))

    wish = ("replay", "--subscription", subscription_id, "--since", since, "--status", "delivered")
    with the_command(lakehook, *wish, "--rate", "1000/s") as command:
        eventually(lambda: WAITING in evidence.statuses(lanes[2]))
        killed = kill(lakehook, "functions.scheduler")
        command.kill()
    publish([completed(events) for events in pipelines[:2]])
    assert receiver.wait_until_taken(13, within=PATIENCE)
    killed += kill(lakehook, "functions.deliver")

    assert killed >= 2
    eventually(lambda: state_of(terminal, subscription_id) == "done")
    eventually(
        lambda: (
            all(past(receiver, events) == WHOLE for events in pipelines)
            and all(
                (3, False) in distinct_arrivals(receiver, events)[2:] for events in pipelines[:2]
            )
        ),
        what=lambda: str([distinct_arrivals(receiver, events) for events in pipelines]),
    )
    for events, lane in zip(pipelines, lanes, strict=True):
        ids = dict.fromkeys(arrival.id for arrival in arrivals_of(receiver, events))
        assert list(ids)[:2] == [f"{lane}#1", f"{lane}#2"]
    assert all(arrival.genuine for arrival in receiver.arrivals)


def completed(events: list[Event]) -> Event:
    document = {**events[-1].document, "event_type": str(COMPLETED)}
    return Event.from_document({k: v for k, v in document.items() if k != "event_id"})


def state_of(terminal: Terminal, subscription_id: str) -> str:
    (replay,) = [
        replay_
        for replay_ in terminal.json("replays", "list")
        if replay_["subscription_id"] == subscription_id
    ]
    return str(replay["state"])


def test_a_new_subscriber_gets_past_events_once_and_in_order(
    publish: Publish,
    service: CommandService,
    evidence: Evidence,
    capsys: pytest.CaptureFixture[str],
):
    since, events = str(int(time.time())), pipeline_events()
    publish(events[:2])
    eventually(evidence.nothing_is_under_way)
    hasty = replace(service, start_replay=replace(service.start_replay, settling_seconds=1.0))
    receiver = Receiver("late")

    with Subscribers(hasty, Terminal(hasty, capsys), evidence) as subscribers:
        subscribers.add(receiver, "--since", since)
        assert receiver.wait_until_taken(2, within=PATIENCE)
        publish(events[2:])
        assert receiver.wait_until_taken(3, within=PATIENCE)

    assert distinct_arrivals(receiver, events) == [(1, True), (2, True), (3, False)]
