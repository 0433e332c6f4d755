"""An hour of a subscriber that is down or disabled, counted as in ``bench/dead_subscriber.py``."""

import pytest

from bench.dead_subscriber import MAX_REQUESTS, count_requests
from lakehook.domain.subscription import Subscription
from tests.builders import a_subscription

STATES = {"down": a_subscription(), "disabled": a_subscription(disabled_reason="failed for days")}


@pytest.mark.parametrize("lanes", [10, 200])
@pytest.mark.parametrize(("state", "subscription"), STATES.items())
def test_however_many_lanes_wait_its_requests_are_few(
    state: str, subscription: Subscription, lanes: int
):
    assert 0 < count_requests(lanes, subscription) <= MAX_REQUESTS[state]
