"""Listening: a local receiver gets deliveries until the user interrupts it.

On a laptop it subscribes itself and removes the subscription at the end. The sender on AWS cannot
reach a laptop: there it follows the journal, and forwards what a subscription would receive.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from threading import Event, Thread
from typing import Any

from lakehook.adapters.http.server import ReceiverServer
from lakehook.adapters.liquid import LiquidRenderer
from lakehook.adapters.signing_keys import CryptographySigningKeys
from lakehook.adapters.system import SystemRandom
from lakehook.cli.context import CommandService
from lakehook.cli.output import Output, write
from lakehook.cli.receiver import DevelopmentReceiver
from lakehook.delivery.sender import RenderDelivery
from lakehook.domain.channels import channel_for
from lakehook.domain.channels.base import OutboundMessage
from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.destination import Endpoint, Request
from lakehook.domain.errors import InvalidInput, LakehookError, TemplateFailed
from lakehook.domain.signing import SignatureAlgorithm, SigningKey, VerifyingKey
from lakehook.domain.subscription import WEBHOOK, Subscription
from lakehook.ports.stores import AcceptedEvent
from lakehook.subscriptions.preview import match
from lakehook.subscriptions.subscribe import SubscriptionFields

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def listen_until_interrupted(
    service: CommandService, receiver: DevelopmentReceiver, reference: str | None, *, port: int
) -> None:
    """Listen; ``reference`` names the subscription whose events it gets, if any."""
    model = _model(service, reference)
    with suppress(KeyboardInterrupt), _interruptible():
        if service.is_laptop:
            _receive(service, receiver, model, port)
        else:
            _follow(service, receiver, model)


def _model(service: CommandService, reference: str | None) -> Subscription:
    """Return the subscription whose events it gets; by default every PIPELINE_* event."""
    if reference is None:
        return Subscription(
            id="sub_listen", name="listen", endpoint=Endpoint.parse("http://localhost/")
        )
    subscription = service.find_subscription(reference)
    if subscription.channel != WEBHOOK:
        raise InvalidInput(
            f"subscription: {subscription.name} is of channel {subscription.channel};"
            " listen takes webhooks"
        )
    return subscription


def wait_for_interrupt() -> None:
    Event().wait()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C, which background jobs of a shell ignore."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _receive(
    service: CommandService, receiver: DevelopmentReceiver, model: Subscription, port: int
) -> None:
    with _served(receiver, port) as server:
        url = f"http://127.0.0.1:{server.server_port}/"
        name = f"listen-{server.server_port}"
        _remove_leftovers(service, name, url)
        subscribed, secret = service.subscribe(_fields_of(model, name, url))
        assert secret is not None, "webhooks are signed"
        receiver.key = _to_verifying_key(secret)
        try:
            _say(receiver, f"listening at {url} as subscription {name}", secret)
            wait_for_interrupt()
        finally:
            with suppress(LakehookError):  # the laptop's cloud may have ended first
                service.remove_subscription(subscribed.id, discard_waiting=True)


@contextmanager
def _served(receiver: DevelopmentReceiver, port: int) -> Iterator[ReceiverServer]:
    try:
        server = ReceiverServer(receiver.take, port)
    except OSError as error:
        raise InvalidInput(
            f"port: {port} can't be used ({error.strerror}); give another --port"
        ) from None
    thread = Thread(target=server.serve_forever, args=(0.1,), name="listen", daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _remove_leftovers(service: CommandService, name: str, url: str) -> None:
    """Remove the subscription of a killed run, which had the same URL."""
    for subscription in service.find_subscription.all():
        if (subscription.name, subscription.endpoint.url) == (name, url):
            service.remove_subscription(subscription.id, discard_waiting=True)


def _fields_of(model: Subscription, name: str, url: str) -> SubscriptionFields:
    template = model.template
    return SubscriptionFields(
        name=name,
        url=url,
        event_types=[str(event_type) for event_type in model.event_types],
        pattern=model.pattern,
        deadline_seconds=model.deadline_seconds,
        template_body=template.body if template else None,
        template_headers=[f"{name}: {text}" for name, text in template.headers]
        if template
        else None,
    )


def _follow(service: CommandService, receiver: DevelopmentReceiver, model: Subscription) -> None:
    secret = CryptographySigningKeys().generate(
        SignatureAlgorithm.HMAC, SystemRandom().random_bytes()
    )
    receiver.key = _to_verifying_key(secret)
    _say(receiver, f"following the journal, as subscription {model.name} would", secret)
    local = replace(model, endpoint=Endpoint.parse("http://localhost/"))
    for accepted in service.follow_events(since=service.clock.now()):
        _take(receiver, local, accepted, secret)


def _take(
    receiver: DevelopmentReceiver,
    subscription: Subscription,
    accepted: AcceptedEvent,
    secret: SigningKey,
) -> None:
    event = accepted.sequenced.event
    if any(matched.reason for matched in match(subscription, [event])):
        return
    delivery = Delivery(Lane(subscription.id, event.pipeline_key), accepted.sequenced)
    try:
        content = RenderDelivery(LiquidRenderer())(delivery, subscription).content
    except TemplateFailed as failed:
        write(f"{delivery.id}: template: {failed}", err=True)
        return
    message = OutboundMessage(
        id=delivery.id,
        content=content,
        destination=subscription.endpoint,
        at=receiver.clock.now(),
        deadline_seconds=subscription.deadline_seconds,
        secrets=(secret,),
        random_bytes=SystemRandom().random_bytes,
    )
    request = channel_for(subscription).build_request(message)
    assert isinstance(request, Request), "a webhook goes over HTTP"
    receiver.take(request.headers, request.body)


def _to_verifying_key(secret: SigningKey) -> VerifyingKey:
    """Return the verifying key of a shared secret."""
    return CryptographySigningKeys().parse_verifying_key(secret.reveal())


def _say(receiver: DevelopmentReceiver, what: str, secret: SigningKey) -> None:
    """Print where it listens, to stderr: programs read only the deliveries."""
    forward = receiver.policy.forward
    to = f", forwarding to {forward.url}" if forward else ""
    lines = (
        f"{what}{to}",
        f"secret {secret.reveal()}, for this run alone",
        "Ctrl-C ends it. In another terminal: lakehook events trigger PIPELINE_CREATED",
    )
    write("\n".join(lines), err=receiver.output is Output.JSON)
