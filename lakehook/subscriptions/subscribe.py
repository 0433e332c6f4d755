"""Create and update subscriptions: fields are validated, and the endpoint by the sender's rules."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lakehook.domain.channels import (
    CHANNELS,
    channel_for,
    parse_channel,
    parse_channel_or_format,
    parse_format,
    wrong_channel_reason,
)
from lakehook.domain.channels.base import Channel, SignatureScheme, display_url_for
from lakehook.domain.channels.response_body import parse_success_condition
from lakehook.domain.delivery import deduplication_id
from lakehook.domain.destination import Destination, Endpoint, parse_destination
from lakehook.domain.errors import InvalidEndpoint, InvalidSubscription
from lakehook.domain.event_pattern import parse_pattern
from lakehook.domain.headers import parse_headers, parse_template_headers
from lakehook.domain.json_document import to_ascii_json
from lakehook.domain.rate_limit import Rate
from lakehook.domain.retry import RetrySchedule
from lakehook.domain.signing import SignatureAlgorithm, SigningKey
from lakehook.domain.ssrf_policy import Network
from lakehook.domain.subscription import (
    ID_PREFIX,
    EndpointChange,
    Language,
    Ordering,
    Subscription,
    parse_deadline,
    parse_event_types,
    parse_language,
    parse_name,
    parse_ordering,
    parse_time_zone,
)
from lakehook.domain.template import Template
from lakehook.domain.time import format_rfc3339
from lakehook.ports.outbound import Encryptor, ResolveHost, TemplateRenderer, Warn
from lakehook.ports.stores import SubscriptionRepository
from lakehook.ports.system import Clock, Random
from lakehook.subscriptions.secrets import SecretIssuer

DEFAULT_SCHEDULE = "default"  # value that removes the subscription's own schedule
NO_RATE = "none"

EndpointValidator = Callable[[str, Channel], Destination]
"""Validates a URL; ``InvalidEndpoint`` if this channel never sends there."""
RATE_LIMIT_KEY_CHARACTERS = 40  # of a hash: enough to be unique

ResumeLanes = Callable[[Subscription], int]
"""Makes the lanes of a subscription due, and returns how many."""


@dataclass(frozen=True, kw_only=True)
class SubscriptionFields:
    """Fields of a subscription as an operator wrote them; None leaves a field unchanged."""

    name: str | None = None
    url: str | None = field(default=None, repr=False)  # may be a credential
    channel: str | None = None  # of a new subscription only
    format: str | None = None  # the channel by its form
    language: str | None = None
    time_zone: str | None = None  # empty: times as the event has them
    event_types: Sequence[str] | None = None  # empty: every PIPELINE_*
    pattern: str | None = None  # empty: no filter
    success_if: str | None = None  # empty: the status alone decides
    deadline_seconds: float | None = None
    ordering: str | None = None
    retry_schedule: str | None = None
    rate: str | None = None
    headers: Sequence[str] | None = field(default=None, repr=False)  # may be credentials
    template_body: str | None = None  # empty: the channel's default, as for the next two
    template_subject: str | None = None
    template_headers: Sequence[str] | None = None


@dataclass(frozen=True, kw_only=True)
class SecretRequest:
    """Request for a new subscription's secret: a provided one, or a new one of an algorithm."""

    signing: str | None = None
    provided: str | None = field(default=None, repr=False)
    may_be_empty: bool = False  # only allowed for DevLake's format


ANY_SECRET = SecretRequest()


@dataclass(frozen=True)
class Subscribe:
    validate_endpoint: EndpointValidator
    registry: SubscriptionRepository
    encryptor: Encryptor
    issuer: SecretIssuer
    clock: Clock
    random: Random
    renderer: TemplateRenderer

    def __call__(
        self,
        requested: SubscriptionFields,
        request: SecretRequest = ANY_SECRET,
        *,
        pending: bool = False,
        paused: bool = False,
    ) -> tuple[Subscription, SigningKey | None]:
        """Create a subscription, active at once, and return its secret, which is shown once.

        ``pending`` withholds events until the endpoint has echoed a challenge. Where the URL is the
        credential, there is no secret.
        """
        created_at = format_rfc3339(self.clock.now())
        subscription_id = f"{ID_PREFIX}{self.random.new_id()}"
        name = parse_channel_or_format(requested.channel, requested.format)
        channel = CHANNELS[name]
        fields = validate_fields(requested, channel, self.validate_endpoint) | validate_template(
            requested, channel, self.renderer
        )
        if pending and channel.signature_scheme is not SignatureScheme.STANDARD_WEBHOOKS:
            raise InvalidSubscription(f"challenge: channel {name} cannot send one")
        secret = self.secret_for(name, request)
        subscription = Subscription(
            id=subscription_id,
            created_at=created_at,
            pending_since=created_at if pending else None,
            paused_at=created_at if paused else None,
            secrets=(self.issuer.encrypt(secret, subscription_id=subscription_id),)
            if secret
            else (),
            **_with_destination(
                {**fields, "channel": name}, channel, self.encryptor, subscription_id
            ),
            **_encrypted_headers(requested, self.encryptor, subscription_id),
        )
        return self.registry.save(subscription, claim_name=True), secret

    def secret_for(self, channel_name: str, request: SecretRequest) -> SigningKey | None:
        channel = CHANNELS[channel_name]
        if channel.signature_scheme is SignatureScheme.STANDARD_WEBHOOKS:
            return self.issuer(
                signing=request.signing, provided=request.provided, default=SignatureAlgorithm.HMAC
            )
        if request.signing is not None:
            raise InvalidSubscription(
                f"signing: channel {channel_name} has a signature of its own, or none"
            )
        if channel.signature_scheme is SignatureScheme.DEVLAKE:
            return self.issuer.text(request.provided, may_be_empty=request.may_be_empty)
        if channel.signature_scheme is SignatureScheme.OPTIONAL_TEXT:
            return None if request.provided is None else self.issuer.text(request.provided)
        if request.provided is not None:
            raise InvalidSubscription(f"secret: channel {channel_name} signs nothing")
        return None


@dataclass(frozen=True)
class UpdateSubscription:
    validate_endpoint: EndpointValidator
    registry: SubscriptionRepository
    encryptor: Encryptor
    resume_lanes: ResumeLanes
    renderer: TemplateRenderer
    on_endpoint_change: Callable[[EndpointChange], None]

    def __call__(self, subscription: Subscription, requested: SubscriptionFields) -> Subscription:
        """Change the fields; this applies to every attempt from now on.

        Lanes that the change releases, from a dead letter or a rate, are resumed.
        """
        if requested == SubscriptionFields():
            raise InvalidSubscription("nothing to change: give at least one field")
        _reject_other_kind(requested)
        channel = channel_for(subscription)
        fields = validate_fields(requested, channel, self.validate_endpoint)
        fields |= validate_template(requested, channel, self.renderer, subscription.template)
        moves = _goes_elsewhere(subscription, fields.get("endpoint"))
        if moves:
            _reject_credentials_elsewhere(subscription, fields["endpoint"], requested)
        headers = _encrypted_headers(requested, self.encryptor, subscription.id)
        addressed = _with_destination(fields, channel, self.encryptor, subscription.id)
        amended = replace(subscription, **addressed, **headers)
        saved = self.registry.save(amended, claim_name=amended.name != subscription.name)
        if moves:
            self.on_endpoint_change(EndpointChange(subscription, saved))
        skips_now = saved.ordering is Ordering.SKIP is not subscription.ordering
        if skips_now or saved.rate != subscription.rate:
            self.resume_lanes(saved)
        return saved


@dataclass(frozen=True)
class ValidateEndpoint:
    resolve: ResolveHost
    allowed_networks: Sequence[Network]
    warn: Warn
    email_sender: str | None = None

    def __call__(self, url: str, channel: Channel) -> Destination:
        """Validate a URL; raises ``InvalidEndpoint``.

        A name that does not resolve here gets a warning, and is then treated as public: without its
        addresses no network can be recognized as allowed.
        """
        destination = parse_destination(url)
        host = destination.host if isinstance(destination, Endpoint) else ""
        objection = wrong_channel_reason(host, channel) or channel.validate_destination(destination)
        if objection:
            raise InvalidEndpoint(f"url: {objection}")
        if isinstance(destination, Endpoint):
            destination.check_addresses(
                self._addresses(destination), allowed_networks=self.allowed_networks
            )
        elif self.email_sender is None:
            raise InvalidEndpoint(
                "url: no mail can be sent; deploy with --parameters"
                " EmailSender=lakehook@team.example, an identity that SES has verified"
            )
        return destination

    def _addresses(self, endpoint: Endpoint) -> Sequence[str]:
        try:
            return self.resolve(endpoint.host, endpoint.port)
        except OSError:
            self.warn(f"{endpoint.host} does not resolve from here; the sender will check it again")
            return ()


def validate_fields(
    requested: SubscriptionFields, channel: Channel, validate_endpoint: EndpointValidator
) -> dict[str, Any]:
    """Validate the given fields; headers are validated here and encrypted later."""
    parse_headers(requested.headers or ())
    checks: tuple[tuple[str, Any, Callable[[Any], Any]], ...] = (
        ("name", requested.name, parse_name),
        ("channel", requested.channel, parse_channel),
        ("channel", requested.format, parse_format),
        ("language", requested.language, lambda name: _language(name, channel)),
        ("time_zone", requested.time_zone, lambda name: _time_zone(name, channel)),
        ("event_types", requested.event_types, parse_event_types),
        ("pattern", requested.pattern, _pattern),
        ("success_if", requested.success_if, lambda text: _success_condition(text, channel)),
        ("deadline_seconds", requested.deadline_seconds, parse_deadline),
        ("ordering", requested.ordering, parse_ordering),
        ("retry_schedule", requested.retry_schedule, _schedule),
        ("rate", requested.rate, _rate),
        ("endpoint", requested.url, lambda url: validate_endpoint(url, channel)),
    )
    return {name: check(value) for name, value, check in checks if value is not None}


def _language(name: str, channel: Channel) -> Language:
    language = parse_language(name)
    if not channel.is_localized:
        raise InvalidSubscription("language: this channel sends data, not text")
    return language


def _time_zone(name: str, channel: Channel) -> str:
    zone = parse_time_zone(name)
    if zone and not channel.is_localized:
        raise InvalidSubscription("time zone: this channel sends data, not text")
    return zone


def _pattern(text: str) -> str | None:
    return parse_pattern(text) if text else None


def _success_condition(text: str, channel: Channel) -> str | None:
    if text and not channel.supports_success_if:
        raise InvalidSubscription("success_if: this channel knows the answers of its service")
    return parse_success_condition(text) if text else None


def _schedule(text: str) -> RetrySchedule | None:
    return None if text == DEFAULT_SCHEDULE else RetrySchedule.parse(text)


def _rate(text: str) -> Rate | None:
    return None if text == NO_RATE else Rate.parse(text)


def validate_template(
    requested: SubscriptionFields,
    channel: Channel,
    renderer: TemplateRenderer,
    before: Template | None = None,
) -> dict[str, Any]:
    """Validate the template if any part is given; the other parts remain unchanged."""
    if (requested.template_body, requested.template_subject, requested.template_headers) == (
        None,
        None,
        None,
    ):
        return {}
    template = _changed(before or Template(), requested)
    if template.is_empty:
        return {"template": None}
    if not channel.supports_templates:
        raise InvalidSubscription("template: this channel does not support templates")
    if template.subject is not None and not channel.has_subject:
        raise InvalidSubscription("template subject: this channel has no subject")
    renderer.validate(template)
    return {"template": template}


def _changed(before: Template, requested: SubscriptionFields) -> Template:
    headers = before.headers
    if requested.template_headers is not None:
        headers = tuple(parse_template_headers(requested.template_headers).items())
    return Template(
        body=_part(before.body, requested.template_body),
        subject=_part(before.subject, requested.template_subject),
        headers=headers,
    )


def _part(before: str | None, requested: str | None) -> str | None:
    return before if requested is None else requested or None


def _reject_credentials_elsewhere(
    subscription: Subscription, destination: Destination, requested: SubscriptionFields
) -> None:
    """Reject another server, which would get the headers or be shown the client certificate."""
    if subscription.header_names and requested.headers is None:
        names = ", ".join(subscription.header_names)
        raise InvalidSubscription(
            f"{_move(subscription, destination)}, whose headers ({names}) are not sent there;"
            " give the headers again, or none"
        )
    reject_certificate_elsewhere(subscription, destination)


def reject_certificate_elsewhere(subscription: Subscription, destination: Destination) -> None:
    """Reject another receiver, which the client certificate may let in too."""
    if subscription.client_certificate and _goes_elsewhere(subscription, destination):
        raise InvalidSubscription(
            f"{_move(subscription, destination)}, and its client certificate is not presented"
            f" there; first type lakehook subscriptions remove-client-certificate {subscription.id}"
        )


def _move(subscription: Subscription, destination: Destination) -> str:
    return (
        f"url: {_name_of(destination)} is another receiver than {_name_of(subscription.endpoint)}"
    )


def _goes_elsewhere(subscription: Subscription, destination: Destination | None) -> bool:
    return destination is not None and destination.recipient != subscription.endpoint.recipient


def _name_of(destination: Destination) -> str:
    return destination.host if isinstance(destination, Endpoint) else destination.url


def _reject_other_kind(requested: SubscriptionFields) -> None:
    for name, value in (("channel", requested.channel), ("format", requested.format)):
        if value is not None:
            raise InvalidSubscription(
                f"{name}: a subscription keeps its own; add another one, and remove this"
            )


def _with_destination(
    fields: dict[str, Any], channel: Channel, encryptor: Encryptor, subscription_id: str
) -> dict[str, Any]:
    """Encrypt a URL that is a credential, and keep only its displayed form.

    Where the channel's service counts messages per URL, subscriptions of one URL share a rate
    limit.
    """
    destination: Destination | None = fields.get("endpoint")
    if destination is None:
        return fields
    url, shown = destination.url, display_url_for(channel, destination)
    is_credential = url != shown
    return {
        **fields,
        "endpoint": replace(destination, url=shown),
        "rate_limit_key": rate_limit_key_for(url, channel),
        "encrypted_url": encryptor.encrypt(url.encode(), subscription_id=subscription_id)
        if is_credential
        else None,
    }


def rate_limit_key_for(url: str, channel: Channel) -> str:
    return deduplication_id(url)[:RATE_LIMIT_KEY_CHARACTERS] if channel.rate else ""


def _encrypted_headers(
    requested: SubscriptionFields, encryptor: Encryptor, subscription_id: str
) -> dict[str, Any]:
    if requested.headers is None:
        return {}
    headers = parse_headers(requested.headers)
    plaintext = to_ascii_json(headers).encode()
    return {
        "header_names": tuple(headers),
        "encrypted_headers": encryptor.encrypt(plaintext, subscription_id=subscription_id)
        if headers
        else None,
    }
