"""What happens seldom, and asks AWS for what nothing else asks for."""

from lakehook.adapters.dynamo_health import DynamoHealths
from lakehook.domain.event import EventType
from local.installation import LocalLakehook
from local.receiver import OK, Arrival, Receiver
from tests.builders import an_event
from tests.e2e.conftest import STALLING, Publish
from tests.e2e.pipelines import CREATED, a_life, of_pipeline
from tests.e2e.subscribers import Subscribers
from tests.e2e.terminal import Terminal
from tests.integration.eventually import eventually

PATIENCE = 30.0
ERROR, GONE = 500, 410
STUBBORN = ("--retry-schedule", ",".join(["1"] * 30))


class Switch:
    """A receiver's behaviour: down until it is up."""

    up = False

    def __call__(self, _: Arrival) -> int:
        return OK if self.up else ERROR


def breaker_is_open(lakehook: LocalLakehook, subscription_id: str) -> bool:
    table = lakehook.deployment.deliveries_table
    health = DynamoHealths(lakehook.client("dynamodb"), table).find(subscription_id)
    return health.due_at is not None


def test_a_pipeline_that_stays_in_a_state_for_too_long_is_told_of(
    subscribers: Subscribers, publish: Publish
):
    receiver = Receiver("watching")
    subscribers.add(receiver)
    (created,) = life = [an_event(pipeline_id=4999, event_type=CREATED, project_name=STALLING)]

    publish(life)

    assert receiver.wait_until_taken(2, within=PATIENCE)
    told = [arrival.event_type for arrival in of_pipeline(receiver, life)]
    assert told == [created.type, EventType.PIPELINE_STALLED]


def test_an_endpoint_that_says_it_is_gone_is_not_called_again(
    subscribers: Subscribers, publish: Publish, terminal: Terminal
):
    receiver = Receiver("gone", lambda _: GONE)
    subscription_id = subscribers.add(receiver)

    publish(a_life(CREATED))

    assert receiver.wait_for(1, within=PATIENCE)
    show = ("subscriptions", "show", subscription_id)
    eventually(lambda: "disabled" in str(terminal.json(*show)["state"]))
    assert len(receiver.arrivals) == 1


def test_the_first_success_of_an_endpoint_that_was_down_wakes_all_that_waits(
    lakehook: LocalLakehook, subscribers: Subscribers, publish: Publish
):
    switch = Switch()
    receiver = Receiver("mended", switch)
    subscription_id = subscribers.add(receiver, *STUBBORN)
    publish([event for _ in range(8) for event in a_life(CREATED)])
    eventually(lambda: breaker_is_open(lakehook, subscription_id))

    switch.up = True

    assert receiver.wait_until_taken(8, within=PATIENCE)


def test_a_breaker_behind_which_nothing_waits_any_more_is_forgotten(
    lakehook: LocalLakehook, subscribers: Subscribers, publish: Publish, terminal: Terminal
):
    receiver = Receiver("leaving", lambda _: ERROR)
    subscription_id = subscribers.add(receiver, *STUBBORN)
    publish([event for _ in range(8) for event in a_life(CREATED)])
    eventually(lambda: breaker_is_open(lakehook, subscription_id))

    terminal("subscriptions", "remove", subscription_id, "--discard-waiting")

    eventually(lambda: not breaker_is_open(lakehook, subscription_id))
