"""Sender: renders and signs one delivery, sends it, and interprets the response."""

from dataclasses import dataclass, replace
from math import inf

from lakehook.delivery.dependencies import InsufficientTime
from lakehook.domain.attempt import Attempt, Outcome, Response
from lakehook.domain.channels import channel_for
from lakehook.domain.channels.base import Channel, OutboundMessage, RenderedMessage, display_url_for
from lakehook.domain.channels.response_body import with_condition
from lakehook.domain.channels.webhook import unread_retry_after
from lakehook.domain.delivery import Delivery
from lakehook.domain.destination import Mail, Request, parse_destination
from lakehook.domain.errors import TemplateFailed
from lakehook.domain.response_redaction import MAX_EXCERPT_CHARACTERS, Credentials
from lakehook.domain.subscription import Subscription
from lakehook.domain.template import template_fields
from lakehook.ports.outbound import (
    CredentialStore,
    NoResponse,
    Sender,
    SendResult,
    SubscriptionCredentials,
    TemplateRenderer,
    Transport,
)
from lakehook.ports.system import Clock, Random

_PLAIN = "identity"
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class Rendered:
    content: RenderedMessage
    missing_fields: tuple[str, ...] = ()  # those that the template uses and the event lacks


@dataclass(frozen=True)
class RenderDelivery:
    renderer: TemplateRenderer

    def __call__(self, delivery: Delivery, subscription: Subscription) -> Rendered:
        """Render a delivery; ``TemplateFailed`` if the template's output cannot be sent."""
        channel = channel_for(subscription)
        default = channel.render(delivery, subscription.locale)
        if subscription.template is None:
            return Rendered(default)
        fields = template_fields(delivery, subscription)
        rendered = self.renderer.render(subscription.template, fields)
        return Rendered(channel.apply_template(rendered, default), rendered.missing_fields)


@dataclass(frozen=True)
class AttemptDelivery:
    render: RenderDelivery
    send: Sender
    clock: Clock

    def __call__(
        self, delivery: Delivery, subscription: Subscription, ends_before: float = inf
    ) -> Attempt:
        """Attempt a delivery; ``InsufficientTime`` if it might not end before that time."""
        try:
            content = self.render(delivery, subscription).content
        except TemplateFailed as failed:
            return self._render_failure(str(failed))
        return self.send(delivery.id, content, subscription, ends_before=ends_before).attempt

    def _render_failure(self, reason: str) -> Attempt:
        """Return the failed attempt; no request is sent, since a retry would fail as well."""
        return Attempt(
            at=self.clock.now(),
            outcome=Outcome.TEMPLATE_FAILED,
            milliseconds=0,
            excerpt=reason[:MAX_EXCERPT_CHARACTERS],
        )


@dataclass(frozen=True)
class SignedSender:
    """Signs each request with every active secret, and sends it."""

    credentials: CredentialStore
    transport: Transport
    clock: Clock
    random: Random

    def __call__(
        self,
        message_id: str,
        content: RenderedMessage,
        subscription: Subscription,
        *,
        keep_response: bool = False,
        ends_before: float = inf,
    ) -> SendResult:
        keys, channel = self.credentials.load(subscription), channel_for(subscription)
        if self.clock.now() + subscription.deadline_seconds > ends_before:
            raise InsufficientTime  # the credentials took too long
        message = self._outbound_message(message_id, content, subscription, keys)
        request = channel.build_request(message)
        if keys.client_certificate and isinstance(request, Request):
            request = replace(request, client_certificate=keys.client_certificate)
        response = self.transport.send(request)
        attempt = _interpret(response, subscription, message, now=self.clock.now())
        body = _text(response)
        text = _unread(response, self.clock.now()) + (_redirect(response) or body)
        if text and (keep_response or not attempt.outcome.is_success):
            redacted = _credentials(request, channel, keys).redact(text)
            excerpt = ": ".join(filter(None, (attempt.excerpt, redacted)))
            attempt = replace(attempt, excerpt=excerpt[:MAX_EXCERPT_CHARACTERS])
        return SendResult(attempt, body)

    def _outbound_message(
        self,
        message_id: str,
        content: RenderedMessage,
        subscription: Subscription,
        keys: SubscriptionCredentials,
    ) -> OutboundMessage:
        return OutboundMessage(
            id=message_id,
            content=content,
            destination=parse_destination(keys.url) if keys.url else subscription.endpoint,
            at=self.clock.now(),
            deadline_seconds=subscription.deadline_seconds,
            secrets=keys.secrets,
            headers=keys.headers,
            random_bytes=self.random.random_bytes,
        )


def _interpret(
    response: Response | NoResponse,
    subscription: Subscription,
    message: OutboundMessage,
    *,
    now: float,
) -> Attempt:
    # The clock may have been set: an endpoint is not slow for that.
    started_at, seconds = message.at, min(max(0.0, now - message.at), message.deadline_seconds)
    milliseconds = round(seconds * 1000)
    if isinstance(response, NoResponse):
        return Attempt(at=started_at, outcome=response.outcome, milliseconds=milliseconds)
    verdict = channel_for(subscription).interpret(response, now=now)
    if subscription.success_if is not None:
        verdict = with_condition(verdict, response, subscription.success_if)
    return Attempt(
        at=started_at,
        outcome=verdict.outcome,
        milliseconds=milliseconds,
        status=response.status,
        disable_requested=verdict.disable_requested,
        retry_after=verdict.retry_after,
        excerpt=verdict.reason,
    )


def _text(response: Response | NoResponse) -> bytes:
    """Return the body, or nothing if it is encoded: credentials in it could not be redacted."""
    if isinstance(response, NoResponse):
        return response.detail.encode(errors="replace")
    encoding = response.headers.get("content-encoding", _PLAIN)
    if encoding.strip().lower() in ("", _PLAIN) or not response.body:
        return response.body
    return f"(encoded: {encoding})".encode(errors="replace")


def _unread(response: Response | NoResponse, now: float) -> bytes:
    """Name a header that asked for a delay in a form that no server is known to use."""
    unread = "" if isinstance(response, NoResponse) else unread_retry_after(response, now=now)
    return f"retry-after is not understood: {unread[:40]!a}; ".encode() if unread else b""


def _redirect(response: Response | NoResponse) -> bytes:
    """Return a redirect's target, without its query, which may be a credential there."""
    if isinstance(response, NoResponse) or response.status not in _REDIRECTS:
        return b""
    target, query, _ = response.headers.get("location", "").partition("?")
    return f"moved to {target}{'?…' if query else ''}".encode(errors="replace") if target else b""


def _credentials(
    request: Request | Mail, channel: Channel, keys: SubscriptionCredentials
) -> Credentials:
    destination = request.destination if isinstance(request, Mail) else request.endpoint
    return Credentials.of(
        secrets=keys.secrets,
        headers=keys.headers,
        destination=destination,
        shown=display_url_for(channel, destination),
    )
