"""Isolation: no subscriber waits for another, and no pipeline for another."""

from collections.abc import Sequence
from threading import Event as Signal

from lakehook.domain.event import Event
from local.installation import LocalLakehook
from local.receiver import OK, Arrival, Receiver
from tests.e2e.conftest import Publish
from tests.e2e.pipelines import arrived_sequences, pipeline_events
from tests.e2e.subscribers import Subscribers
from tests.e2e.test_rarities import healths_of
from tests.integration.eventually import PATIENCE, eventually

ERROR = 500


def test_a_subscriber_that_hangs_beyond_its_deadline_delays_no_other(
    subscribers: Subscribers, publish: Publish
):
    released = Signal()

    def hang(_: Arrival) -> int:
        return OK if released.wait(PATIENCE) else ERROR

    hanging, prompt = Receiver("hanging", hang), Receiver("prompt")
    many_retries = "0.5" + ",1" * 15  # else a busy machine spends the budget before it is released
    subscribers.add(hanging, "--deadline", "1", "--retry-schedule", many_retries)
    subscribers.add(prompt)
    pipelines = [pipeline_events() for _ in range(3)]

    publish(by_turns(pipelines))
    prompt_has_all = prompt.wait_for(9, within=PATIENCE)
    hanging_had = {arrival.sequence for arrival in hanging.arrivals}
    released.set()

    assert prompt_has_all
    assert hanging_had <= {1}
    eventually(
        lambda: all(arrived_sequences(hanging, events)[-2:] == [2, 3] for events in pipelines),
    )
    assert all(set(arrived_sequences(hanging, events)[:-2]) == {1} for events in pipelines)
    assert [arrived_sequences(prompt, events) for events in pipelines] == [[1, 2, 3]] * 3


def test_a_subscriber_that_is_slow_but_within_its_deadline_delays_no_other_and_gets_no_repeat(
    subscribers: Subscribers, publish: Publish, lakehook: LocalLakehook
):
    """Check that a hanging endpoint gets at most one more request after its first timeout."""
    prompt = Receiver("prompt")
    requests_meanwhile: list[int] = []

    def last(_: Arrival) -> int:
        has_all = prompt.wait_for(9, within=PATIENCE)
        requests_meanwhile.append(len(slow.arrivals))
        return OK if has_all else ERROR

    slow = Receiver("slow", last)
    slow_id = subscribers.add(slow, "--deadline", "20")
    subscribers.add(prompt)
    pipelines = [pipeline_events() for _ in range(3)]

    publish(pipelines[0])
    eventually(lambda: healths_of(lakehook).find(slow_id).unanswered_since is not None)
    publish(by_turns(pipelines[1:]))

    assert slow.wait_for(9, within=PATIENCE)
    assert requests_meanwhile[0] <= 2
    assert [arrived_sequences(slow, events) for events in pipelines] == [[1, 2, 3]] * 3
    assert [arrived_sequences(prompt, events) for events in pipelines] == [[1, 2, 3]] * 3


def test_a_pipeline_that_a_subscriber_refuses_delays_no_other_pipeline(
    subscribers: Subscribers, publish: Publish
):
    refused, welcome = pipeline_events(), pipeline_events()
    others_are_through = Signal()

    def choosy(arrival: Arrival) -> int:
        open_to_all = others_are_through.is_set()
        return OK if open_to_all or arrival.pipeline == welcome[0].pipeline_id else ERROR

    receiver = Receiver("choosy", choosy)
    subscribers.add(receiver)

    publish(by_turns([refused, welcome]))
    eventually(lambda: arrived_sequences(receiver, welcome) == [1, 2, 3])
    refused_sequences = set(arrived_sequences(receiver, refused))
    others_are_through.set()

    assert refused_sequences <= {1}
    eventually(lambda: arrived_sequences(receiver, refused)[-2:] == [2, 3])
    assert set(arrived_sequences(receiver, refused)[:-2]) == {1}


def by_turns(pipelines: Sequence[Sequence[Event]]) -> list[Event]:
    return [event for step in zip(*pipelines, strict=True) for event in step]
