"""Subscribe and edit: one form, with a preview of what would be sent and a try of its pattern."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from lakehook.console.actions import Page, secret_page
from lakehook.console.context import command_line, service, translator
from lakehook.console.pages.events import tried_on_latest
from lakehook.console.rendering import written
from lakehook.domain.channels import CHANNELS, channel_for
from lakehook.domain.channels.base import SignatureScheme
from lakehook.domain.destination import Endpoint
from lakehook.domain.errors import Conflict, InvalidInput, LakehookError
from lakehook.domain.event import EventType
from lakehook.domain.headers import parse_headers, parse_template_headers
from lakehook.domain.sample import sample_event
from lakehook.domain.signing import SignatureAlgorithm
from lakehook.domain.subscription import (
    Language,
    Ordering,
    Subscription,
    parse_event_types,
    parse_time_zone,
)
from lakehook.domain.template import Template
from lakehook.operations.http_status import http_status_of
from lakehook.operations.views.subscriptions import (
    CreatedSubscriptionView,
    PreviewResultView,
    SubscriptionView,
    secret_to_reveal,
)
from lakehook.subscriptions.subscribe import (
    DEFAULT_SCHEDULE,
    NO_RATE,
    SecretRequest,
    SubscriptionFields,
)

PAGES = Blueprint("subscription_form", __name__)
EVERY_TYPE = tuple(str(event_type) for event_type in EventType if event_type.is_of_pipeline)
_OPTIONS = {  # of the command, in the order of its help
    "name": "--name",
    "url": "--url",
    "channel": "--channel",
    "language": "--language",
    "time_zone": "--time-zone",
    "pattern": "--pattern",
    "success_if": "--success-if",
    "headers": "--header",
    "no_headers": "--no-headers",
    "deadline_seconds": "--deadline",
    "ordering": "--ordering",
    "retry_schedule": "--retry-schedule",
    "rate": "--rate",
    "template_body": "--template",
    "template_subject": "--template-subject",
    "template_headers": "--template-header",
}
_SHOWN = {  # a URL and a header may be credentials, and a template is many lines
    "url": "URL",
    "headers": "NAME: VALUE",
    "template_body": "FILE",
    "template_headers": "NAME: TEXT",
}
_LINES = ("headers", "template_headers")
_WITHOUT = {  # the option of the command that empties a field
    "pattern": "--no-pattern",
    "success_if": "--no-success-if",
    "retry_schedule": "--default-retry-schedule",
    "rate": "--no-rate",
    "template_body": "--no-template",
}
_OF_PEOPLE = ("language", "time_zone")  # fields of channels that write to people
_NONE = {"pattern": "", "retry_schedule": DEFAULT_SCHEDULE, "rate": NO_RATE}
"""Value of an empty field."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """Values of the fields, as text."""

    name: str = ""
    url: str = ""
    channel: str = "webhook"
    language: str = "en"
    time_zone: str = ""
    event_types: tuple[str, ...] = EVERY_TYPE
    pattern: str = ""
    success_if: str = ""
    headers: str = field(default="", repr=False)  # new ones; a page never shows one again
    no_headers: str = ""  # if not empty, they are removed
    deadline_seconds: str = "10"
    ordering: str = "strict"
    retry_schedule: str = ""
    rate: str = ""
    template_body: str = ""
    template_subject: str = ""
    template_headers: str = ""
    signing: str = str(SignatureAlgorithm.HMAC)  # of a new webhook

    @classmethod
    def from_request(cls, sent: "MultiDict[str, str]", before: "Form") -> "Form":
        """The fields that were sent; the others as they were."""
        names = [field.name for field in fields(cls) if field.name != "event_types"]
        texts = {name: written(getattr(before, name), sent[name]) for name in names if name in sent}
        types = sent.getlist("event_types")
        return replace(before, **texts, event_types=tuple(types) or before.event_types)

    @classmethod
    def from_view(cls, view: SubscriptionView) -> "Form":
        template = view.template or {}
        return cls(
            name=view.name,
            url=view.url,
            channel=view.channel,
            language=view.language or "en",
            time_zone=view.time_zone or "",
            event_types=tuple(view.event_types),
            pattern=view.pattern or "",
            success_if=view.success_if or "",
            deadline_seconds=f"{view.deadline_seconds:g}",
            ordering=view.ordering,
            retry_schedule="" if view.retry_schedule == DEFAULT_SCHEDULE else view.retry_schedule,
            rate=view.rate or "",
            template_body=template.get("body") or "",
            template_subject=template.get("subject") or "",
            template_headers="\n".join(
                f"{name}: {text}" for name, text in template.get("headers", {}).items()
            ),
        )

    def changes(self, before: "Form") -> SubscriptionFields:
        """The fields that differ; of a new subscription those that are not as usual."""
        was = asdict(before)
        changed: dict[str, Any] = {
            name: value or _NONE.get(name, "")
            for name, value in asdict(self).items()
            if value != was[name]
        }
        for name in ("signing", "no_headers"):
            changed.pop(name, None)
        changed |= {name: _lines(changed[name]) for name in _LINES if name in changed}
        changed |= self._removed_headers()
        if "event_types" in changed:
            types = set(self.event_types)
            changed["event_types"] = () if types == set(EVERY_TYPE) else self.event_types
        if "deadline_seconds" in changed:
            changed["deadline_seconds"] = _seconds(self.deadline_seconds)
        for name in self.without_effect:
            changed.pop(name, None)
        return SubscriptionFields(**changed)

    def _removed_headers(self) -> Mapping[str, Any]:
        """All or none: nobody here can decrypt those that would stay."""
        if self.no_headers and self.headers:
            raise InvalidInput("headers: remove them, or give new ones, which replace them")
        return {"headers": ()} if self.no_headers else {}

    def secret_request(self) -> SecretRequest:
        scheme = CHANNELS[self.channel].signature_scheme
        is_chosen = scheme is SignatureScheme.STANDARD_WEBHOOKS
        return SecretRequest(signing=self.signing if is_chosen else None)

    @property
    def without_effect(self) -> tuple[str, ...]:
        return () if CHANNELS[self.channel].is_localized else _OF_PEOPLE

    def draft(self) -> Subscription:
        """A subscription by these fields, which is not saved and reached by nobody."""
        headers = tuple(parse_template_headers(_lines(self.template_headers)).items())
        template = Template(
            body=self.template_body or None,
            subject=self.template_subject or None,
            headers=headers,
        )
        return Subscription(
            id="sub_preview",
            name=self.name or "preview",
            endpoint=Endpoint.parse("https://receiver.example/hook"),
            channel=self.channel,
            language=Language(self.language),
            time_zone=parse_time_zone(self.time_zone),
            event_types=parse_event_types(self.event_types),
            pattern=self.pattern or None,
            template=None if template.is_empty else template,
            header_names=tuple(parse_headers(_lines(self.headers))),
        )


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(f"deadline: {text[:40]!a} is not a number of seconds") from None


@PAGES.route("/subscribe", methods=["GET", "POST"])
def subscribe() -> Page:
    form = _given(Form())
    if request.method != "POST":
        return _page(form, Form(), None)
    try:
        is_pending = "challenge" in request.form
        subscription, key = service().subscribe(
            form.changes(Form(ordering="", deadline_seconds="")),
            form.secret_request(),
            pending=is_pending,
        )
    except LakehookError as error:
        return _page(form, Form(), None, error)
    view = CreatedSubscriptionView.from_subscription(
        subscription, secret=secret_to_reveal(key, None)
    )
    return secret_page(view, is_new=True)


@PAGES.route("/subscriptions/<reference>/edit", methods=["GET", "POST"])
def edit(reference: str) -> Page:
    subscription = service().find_subscription(reference)
    before = Form.from_view(SubscriptionView.from_subscription(subscription))
    form = _given(before)
    if request.method != "POST":
        return _page(form, before, subscription)
    try:
        _reject_outdated(subscription)
        service().update(subscription, form.changes(before))
    except LakehookError as error:
        return _page(form, before, subscription, error)
    flash(translator()("{name} is changed, for every attempt from now on.", name=form.name))
    return redirect(url_for("subscriptions.terms", reference=subscription.id), 303)


def _reject_outdated(subscription: Subscription) -> None:
    """Reject a form with fields as they were: they would undo what was changed since."""
    if request.form.get("version") != str(subscription.version):
        raise Conflict(f"{subscription.name} was changed since this form was opened; open it again")


@PAGES.post("/subscribe/preview")
def preview() -> Page:
    return _page(_given(Form()), Form(), None)


@PAGES.post("/subscriptions/<reference>/preview")
def preview_edit(reference: str) -> Page:
    subscription = service().find_subscription(reference)
    before = Form.from_view(SubscriptionView.from_subscription(subscription))
    return _page(_given(before), before, subscription)


def _given(before: Form) -> Form:
    form = Form.from_request(request.form, before)
    is_valid = form.channel in CHANNELS and form.language in tuple(Language)
    return form if is_valid else replace(form, channel=before.channel, language=before.language)


def _page(
    form: Form, before: Form, subscription: Subscription | None, error: LakehookError | None = None
) -> Page:
    sample = request.form.get("sample", str(EventType.PIPELINE_COMPLETED))
    page = render_template(
        "subscribe.html",
        form=form,
        subscription=subscription,
        version=request.form.get("version", subscription and subscription.version),
        error=str(error) if error else None,
        channels=tuple(CHANNELS),
        languages=tuple(Language),
        orderings=tuple(Ordering),
        algorithms=tuple(SignatureAlgorithm),
        types=tuple(EventType),
        sample=sample,
        line=_command(form, before, subscription),
        **_tried(form, sample),
    )
    return page, http_status_of(error) if error else 200


def _tried(form: Form, sample: str) -> Mapping[str, Any]:
    """Return what would be sent for a sample, and which of the last events would be sent."""
    try:
        draft = form.draft()
        (kind,) = parse_event_types([sample])
        if draft.template:
            service().subscribe.renderer.validate(draft.template)
        shown = PreviewResultView.from_preview(service().preview(draft, sample_event(kind)))
    except LakehookError as error:
        return {"shown": None, "problem": str(error), "matches": [], "localized": True}
    return {
        "shown": shown,
        "problem": None,
        "matches": tried_on_latest(draft),
        "localized": channel_for(draft).is_localized,
    }


def _command(form: Form, before: Form, subscription: Subscription | None) -> str:
    was, now = asdict(before), asdict(replace(form, name=form.name or "NAME"))
    words = [
        word
        for name in _OPTIONS
        if name not in form.without_effect
        if now[name] != was[name] or (subscription is None and name == "url")
        for word in _option(name, now[name])
    ]
    if set(form.event_types) != set(before.event_types):
        words += [word for event_type in form.event_types for word in ("--event-type", event_type)]
    words += ["--signing", form.signing] if form.signing != before.signing else []
    verb = ("add",) if subscription is None else ("update", subscription.name)
    return command_line("subscriptions", *verb, *words)


def _option(name: str, value: str) -> tuple[str, ...]:
    """Return a field as words of the command; an empty one may have an option of its own."""
    if not value and name in _WITHOUT:
        return (_WITHOUT[name],)
    if name == "no_headers":
        return (_OPTIONS[name],)
    return _OPTIONS[name], _SHOWN.get(name, value)
