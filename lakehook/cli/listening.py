"""Listening: a local receiver gets deliveries until the user interrupts it.

On a laptop it subscribes itself and removes the subscription at the end. The sender on AWS cannot
reach a laptop: there it follows the journal, and forwards what a subscription would receive.
"""

import json
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from threading import Event, Thread
from typing import Any

import urllib3

from lakehook.adapters.http.server import CannedResponse, ReceiverServer
from lakehook.adapters.liquid import LiquidRenderer
from lakehook.adapters.signing_keys import CryptographySigningKeys
from lakehook.adapters.system import SystemRandom
from lakehook.cli.context import CommandService
from lakehook.cli.output import Output, describe_event, write
from lakehook.delivery.sender import RenderDelivery
from lakehook.domain.channels import channel_for
from lakehook.domain.channels.base import OutboundMessage
from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.destination import Endpoint, Request
from lakehook.domain.errors import InvalidInput, LakehookError, TemplateFailed
from lakehook.domain.pipeline import AcceptedEvent
from lakehook.domain.signing import SignatureAlgorithm, SigningKey, VerifyingKey
from lakehook.domain.subscription import WEBHOOK, Subscription
from lakehook.domain.verification import TOLERANCE_SECONDS, CapturedRequest, verify_request
from lakehook.ports.system import Clock
from lakehook.subscriptions.preview import match
from lakehook.subscriptions.subscribe import SubscriptionFields

ACCEPTED, UNAUTHORIZED, NOT_FORWARDED = 204, 401, 500
MAX_ANSWER_BYTES = 64 * 1024
MAX_SHOWN = 40
FORWARD_SECONDS = 60.0
_HOP_BY_HOP = frozenset(
    {"accept-encoding", "connection", "content-length", "host", "transfer-encoding"}
)
_ANSWER_HEADERS = ("content-type", "retry-after", "webhook-delivery")

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True)
class Forwarder:
    """Forwards a delivery unchanged, and returns the target's response."""

    url: str
    pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(retries=False, timeout=FORWARD_SECONDS)
    )

    @classmethod
    def parse(cls, url: str) -> "Forwarder":
        parsed = urllib3.util.parse_url(url)
        if parsed.scheme not in {"http", "https"} or not parsed.host:
            raise InvalidInput(
                f"forward to: {url[:80]!a} is not a URL such as http://localhost:3000/hook"
            )
        return cls(url)

    def __call__(self, headers: Mapping[str, str], body: bytes) -> tuple[CannedResponse, str]:
        """Return the response, and a note on it."""
        kept = {name: value for name, value in headers.items() if name not in _HOP_BY_HOP}
        try:
            answer = self.pool.request(
                "POST", self.url, body=body, headers=kept, redirect=False, preload_content=False
            )
            content = answer.read(MAX_ANSWER_BYTES)
            answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            reason = str(getattr(error, "reason", None) or error)
            return CannedResponse(NOT_FORWARDED), f"no answer from {self.url}: {reason}"
        returned = {name: value for name in _ANSWER_HEADERS if (value := answer.headers.get(name))}
        return CannedResponse(answer.status, returned, content), ""


@dataclass(frozen=True, kw_only=True)
class AnswerPolicy:
    """Policy of the responses to deliveries."""

    forward: Forwarder | None = None
    fail: int | None = None  # the status of every response
    slow_seconds: float = 0.0  # before each response


@dataclass
class DevelopmentReceiver:
    """Receiver that handles requests of several threads."""

    policy: AnswerPolicy
    clock: Clock
    output: Output
    key: VerifyingKey | None = None  # None until the subscription exists
    seen: set[str] = field(default_factory=set)
    on_delivery: Callable[[], None] = lambda: None

    def take(self, headers: Mapping[str, str], body: bytes) -> CannedResponse:
        response, note = self._answer(headers, body)
        self._print(headers, _document(body), response.status, note)
        self.on_delivery()
        return response

    def _answer(self, headers: Mapping[str, str], body: bytes) -> tuple[CannedResponse, str]:
        if problem := self._problem(headers, body):
            return CannedResponse(UNAUTHORIZED, {}, b"not verified"), f"not verified: {problem}"
        if self.policy.slow_seconds:
            self.clock.sleep(self.policy.slow_seconds)
        if self.policy.fail is not None:
            return CannedResponse(self.policy.fail), "as --fail says"
        if self.policy.forward:
            return self.policy.forward(headers, body)
        challenge = _document(body).get("challenge")
        if isinstance(challenge, str):
            return CannedResponse(200, {"content-type": "text/plain"}, challenge.encode()), "echoed"
        return CannedResponse(ACCEPTED), ""

    def _problem(self, headers: Mapping[str, str], body: bytes) -> str:
        if self.key is None:
            return "there is no subscription yet"
        request = CapturedRequest(headers=headers, body=body)
        failure = verify_request(
            request, self.key, now=self.clock.now(), tolerance_seconds=TOLERANCE_SECONDS
        )
        return f"{failure.detail}{failure.hint and '; '}{failure.hint}" if failure else ""

    def _print(
        self, headers: Mapping[str, str], document: Mapping[str, Any], status: int, note: str
    ) -> None:
        delivery_id = headers.get("webhook-id", "")
        notes = [*(["repeat"] if delivery_id in self.seen else []), *([note] if note else [])]
        self.seen.add(delivery_id)
        if self.output is Output.JSON:
            fields = {"webhook_id": delivery_id, "status": status, "note": "; ".join(notes) or None}
            write(json.dumps({**fields, "event": document}))
            return
        remark = f"  {'; '.join(notes)}" if notes else ""
        write(f"{describe_event(document, at=self.clock.now())} -> {status}{remark}")


def _document(body: bytes) -> dict[str, Any]:
    """Parse the JSON object of a body; a template may produce anything else."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {"event_type": body[:MAX_SHOWN].decode(errors="replace")}
    return document if isinstance(document, dict) else {"event_type": str(document)[:MAX_SHOWN]}


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
            _print_start(receiver, f"listening at {url} as subscription {name}", secret)
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
    _print_start(receiver, f"following the journal, as subscription {model.name} would", secret)
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


def _print_start(receiver: DevelopmentReceiver, what: str, secret: SigningKey) -> None:
    """Print where it listens, to stderr: programs read only the deliveries."""
    forward = receiver.policy.forward
    to = f", forwarding to {forward.url}" if forward else ""
    lines = (
        f"{what}{to}",
        f"secret {secret.reveal()}, for this run alone",
        "Ctrl-C ends it. In another terminal: lakehook events trigger PIPELINE_CREATED",
    )
    write("\n".join(lines), err=receiver.output is Output.JSON)
