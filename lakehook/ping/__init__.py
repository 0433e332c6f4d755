"""Ping: an endpoint is asked whether it is there, and by a challenge whether its owner agrees.

===========  ======================================================================
ask.py       at the operator's door: send the question, wait for what came of it
__init__.py  in the delivery function, which alone holds a secret: put the question
===========  ======================================================================
"""

from dataclasses import dataclass

from lakehook.domain.channels import channel_of
from lakehook.domain.ping import Ping, Pong
from lakehook.domain.subscription import Subscription
from lakehook.ports.sending import Pings, Post


@dataclass(frozen=True)
class PingEndpoint:
    post: Post
    pings: Pings

    def __call__(self, ping: Ping, subscription: Subscription) -> None:
        """One signed request, whatever state the subscription is in; no retry, no lane held."""
        greeting = channel_of(subscription).greet(ping, subscription.language)
        if greeting is None:
            return  # nobody has asked for it: see ``ask.py``
        exchange = self.post(ping.id, greeting, subscription, tell=True)
        attempt = exchange.attempt
        echoed = attempt.outcome.is_success and ping.is_echoed_by(exchange.body)
        self.pings.record(ping, Pong(attempt, echoed=echoed))
