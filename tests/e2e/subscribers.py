"""Subscribers for as long as a test lasts."""

from contextlib import ExitStack
from dataclasses import replace
from typing import Self

from lakehook.cli.context import CommandService
from lakehook.domain.destination import Endpoint
from lakehook.subscriptions.subscribe import SubscriptionFields
from local.receiver import Receiver
from tests.e2e.evidence import Evidence
from tests.e2e.terminal import Terminal
from tests.integration.eventually import eventually


class Subscribers:
    """Context manager: afterwards the queues are empty, and none is subscribed any more."""

    def __init__(self, service: CommandService, terminal: Terminal, evidence: Evidence) -> None:
        self._open, self._terminal, self._evidence = service, terminal, evidence
        self._exits = ExitStack()
        self._ids: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._exits:
            try:
                eventually(self._evidence.nothing_is_under_way)
            finally:
                for subscription_id in self._ids:
                    self._terminal("subscriptions", "remove", subscription_id, "--discard-waiting")

    def add(self, receiver: Receiver, *options: str, code: int = 0) -> str:
        """The id of a subscription that an operator made for a receiver, which now listens."""
        self.listen(receiver)
        url, name = receiver.url, receiver.name
        subscription_id, receiver.secret = self.add_url(url, name, *options, code=code)
        return subscription_id

    def listen(self, receiver: Receiver) -> None:
        self._exits.enter_context(receiver)

    def add_url(self, url: str, name: str, *options: str, code: int = 0) -> tuple[str, str]:
        """The id and the secret of a subscription of whatever listens there."""
        terms = ("--name", name, "--url", url, *options)
        added = self._terminal.json("subscriptions", "add", *terms, code=code)
        self._ids.append(added["subscription_id"])
        return added["subscription_id"], added["secret"]

    def slip_in(self, url: str) -> str:
        """The id of a subscription that the command would have refused."""
        subscribe = replace(
            self._open.subscribe, validate_endpoint=lambda url, _channel: Endpoint.parse(url)
        )
        name = f"slipped in {len(self._ids)}"
        subscription, _ = subscribe(SubscriptionFields(name=name, url=url))
        self._ids.append(subscription.id)
        return subscription.id
