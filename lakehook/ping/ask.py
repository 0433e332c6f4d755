"""Ask an endpoint, by way of the delivery function, and wait for what came of it."""

from dataclasses import dataclass, replace

from lakehook.domain.channels import channel_of
from lakehook.domain.errors import BadSubscription
from lakehook.domain.ping import Ping, Pong
from lakehook.domain.rfc_3339 import rfc_3339
from lakehook.domain.subscription import Subscription
from lakehook.ports.clock import Clock, Dice
from lakehook.ports.messages import Doorbell
from lakehook.ports.sending import Pings
from lakehook.ports.subscriptions import Registry

PAUSE_SECONDS = 0.25


@dataclass(frozen=True)
class AskEndpoint:
    registry: Registry
    doorbell: Doorbell
    pings: Pings
    clock: Clock
    dice: Dice

    def __call__(
        self, subscription: Subscription, *, within_seconds: float
    ) -> tuple[Subscription, Pong | None]:
        """The subscription as it then stands, and the answer; none when none came in time.

        One that is pending is challenged, and active once its endpoint has echoed the challenge.
        """
        ping = Ping(
            subscription.id,
            self.dice.token(),
            rfc_3339(self.clock.now()),
            challenge=self.dice.token() if subscription.is_pending else None,
        )
        if channel_of(subscription).greet(ping, subscription.language) is None:
            raise BadSubscription("test: DevLake's format has no word for a ping")
        self.doorbell.ask(ping)
        pong = self._wait_for_answer(ping, until=self.clock.now() + within_seconds)
        if pong and pong.echoed:
            subscription = self.registry.save(replace(subscription, pending_since=None))
        return subscription, pong

    def _wait_for_answer(self, ping: Ping, *, until: float) -> Pong | None:
        while (pong := self.pings.find(ping)) is None and self.clock.now() < until:
            self.clock.sleep(PAUSE_SECONDS)
        return pong
