"""Notifications for people: facts of an event, localized, in parts that each channel formats.

Event texts are untrusted: they are bounded, and a name is kept on one line.

===============  =====================================================================
notification.py  the facts, the notification, and what these channels share
localization.py  English and Chinese
slack.py         an incoming webhook of Slack
wecom.py         a group robot of WeCom (企业微信)
feishu.py        a custom bot of Feishu (飞书) or Lark
dingtalk.py      a custom robot of DingTalk (钉钉)
teams.py         a webhook of Microsoft Teams Workflows
email.py         a mail
===============  =====================================================================
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Protocol, Self

from lakehook.domain.channels.base import Channel, OutboundMessage, RenderedMessage, SignatureScheme
from lakehook.domain.channels.localization import Translations, translations_for
from lakehook.domain.channels.webhook import USER_AGENT
from lakehook.domain.delivery import Delivery
from lakehook.domain.destination import Request
from lakehook.domain.error_text import first_line, is_nested, summary_of
from lakehook.domain.event import Event, EventType
from lakehook.domain.event_fields import MAX_FAILED_TASKS
from lakehook.domain.json_document import Document, parse_json_object, to_json
from lakehook.domain.queue_message import Ping
from lakehook.domain.subscription import Locale
from lakehook.domain.template import RenderedTemplate
from lakehook.domain.text import clean_lines, safe_url, single_line
from lakehook.domain.time import format_local, parse_rfc3339

MAX_NAME_CHARACTERS = 100
MAX_MESSAGE_CHARACTERS = 4000
MAX_ERROR_CHARACTERS = 1000  # of an error that DevLake nests, shown on one line
MAX_TASK_MESSAGE_CHARACTERS = 300

_FINISHED_STATES = frozenset(("COMPLETED", "FAILED", "PARTIAL", "CANCELLED"))
_DAY, _HOUR, _MINUTE = 24 * 3600, 3600, 60
_BLUEPRINT = "blueprint:"

MAX_FAILURES = 3
"""Failed tasks that a message lists, one a line."""


@dataclass(frozen=True, kw_only=True)
class NotificationFacts:
    """Facts of a notification; an unknown one is empty or None."""

    state: str  # the suffix of the event type: CREATED, FAILED …
    pipeline: str
    trigger: str  # as in the event: manual, automatic, blueprint:7, unknown
    at: datetime
    task: "Task | None" = None
    project: str = ""
    name: str = ""  # the pipeline's name
    tasks: "TaskCount | None" = None
    failures: tuple["Failure", ...] = ()
    url: str = ""  # the pipeline's page
    seconds: int | None = None  # duration of the pipeline or task
    message: str = ""
    stalled_in: str = ""  # the state in which the pipeline stalled
    inferred: bool = False
    late: bool = False
    replayed: bool = False

    @classmethod
    def from_delivery(cls, delivery: Delivery) -> Self:
        event, document = delivery.event, delivery.event.document
        return cls(
            state=_state(event.type),
            pipeline=event.pipeline_key,
            trigger=document["trigger_source"],
            at=parse_rfc3339(event.at),
            task=None
            if event.type.is_of_pipeline
            else Task.from_document(document.get("task") or {}),
            project=single_line(document.get("project_name") or "", MAX_NAME_CHARACTERS),
            name=single_line(document.get("pipeline_name") or "", MAX_NAME_CHARACTERS),
            tasks=TaskCount.of(event),
            failures=tuple(_failures(event)),
            url=safe_url(document.get("pipeline_url") or ""),
            seconds=_seconds(event),
            message=_message(event),
            stalled_in=_stalled_in(event),
            inferred=event.is_inferred,
            late=delivery.late,
            replayed=delivery.replayed,
        )


@dataclass(frozen=True)
class Task:
    id: str = ""
    plugin: str = ""

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        return cls(_name(document.get("id")), _name(document.get("plugin")))


@dataclass(frozen=True)
class TaskCount:
    total: int
    finished: int | None = None  # in all runs, so possibly more than ``total``

    @classmethod
    def of(cls, event: Event) -> Self | None:
        total = event.document.get("total_tasks")
        if not total or not event.type.is_of_pipeline:
            return None
        return cls(total, event.document.get("finished_tasks"))


@dataclass(frozen=True)
class Failure:
    """A task of the pipeline that failed, or was cancelled after another failed."""

    task: Task
    state: str = ""  # FAILED, CANCELLED …
    message: str = ""  # on one line


class Severity(Enum):
    """Severity of a notification, which decides its colour and emoji."""

    INFO = "🔵"
    SUCCESS = "✅"
    ERROR = "❌"
    WARNING = "⚠️"
    STALLED = "⏳"
    CANCELLED = "⏹️"

    @property
    def emoji(self) -> str:
        return self.value


_SEVERITIES = {
    "COMPLETED": Severity.SUCCESS,
    "FAILED": Severity.ERROR,
    "PARTIAL": Severity.WARNING,
    "CANCELLED": Severity.CANCELLED,
    "STALLED": Severity.STALLED,
}


@dataclass(frozen=True, kw_only=True)
class Notification:
    severity: Severity
    headline: str
    facts: tuple[tuple[str, str], ...]  # label and value; the last is ``at``
    at: datetime
    message: str = ""  # lines
    link: "Link | None" = None
    remarks: tuple[str, ...] = ()
    colon: str = ": "

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(f"{name}{self.colon}{value}" for name, value in self.facts)

    @classmethod
    def from_facts(cls, facts: NotificationFacts, locale: Locale) -> Self:
        words = translations_for(locale.language)
        time = words.labels["time"], format_local(facts.at, locale.time_zone)
        remarks = (
            (facts.inferred, words.inferred),
            (facts.late, words.late),
            (facts.replayed, words.replayed),
        )
        return cls(
            severity=_SEVERITIES.get(facts.state, Severity.INFO),
            headline=_headline(facts, words),
            facts=(*_facts(facts, words), time),
            at=facts.at,
            message="\n".join(_format_message(facts, words)),
            link=Link(words.link, facts.url) if facts.url else None,
            remarks=tuple(remark for applies, remark in remarks if applies),
            colon=words.colon,
        )

    @classmethod
    def from_ping(cls, ping: Ping, locale: Locale) -> Self:
        words, at = translations_for(locale.language), parse_rfc3339(ping.timestamp)
        return cls(
            severity=Severity.INFO,
            headline=words.ping_headline,
            facts=((words.labels["time"], format_local(at, locale.time_zone)),),
            at=at,
            message=words.ping_message.format(ping.subscription_id),
            colon=words.colon,
        )


@dataclass(frozen=True)
class Link:
    text: str
    url: str  # without quotes, brackets or bars


class NotificationChannel(Channel, Protocol):
    """Channel that writes to people. It can express every event, and each formats it."""

    signature_scheme: SignatureScheme = SignatureScheme.NONE
    is_localized: bool = True

    def render(self, delivery: Delivery, locale: Locale) -> RenderedMessage:
        return self.format(
            Notification.from_facts(NotificationFacts.from_delivery(delivery), locale)
        )

    def render_ping(self, ping: Ping, locale: Locale) -> RenderedMessage:
        return self.format(Notification.from_ping(ping, locale))

    def format(self, notification: Notification) -> RenderedMessage: ...


class WebhookNotificationChannel(NotificationChannel, Protocol):
    """Notification channel whose service takes JSON over HTTP; the URL is the credential."""

    def apply_template(
        self, rendered: RenderedTemplate, default: RenderedMessage
    ) -> RenderedMessage:
        """Send a body in the service's own JSON unchanged, and any other as text in its markup.

        Such a service has no subject.
        """
        body = (
            default.body
            if rendered.body is None
            else to_json(self.wrap_text(rendered.body)).encode()
        )
        return RenderedMessage(body=body, headers={**default.headers, **dict(rendered.headers)})

    def wrap_text(self, text: str) -> Document: ...

    def build_request(self, message: OutboundMessage) -> Request:
        return message.to_request(
            {
                "content-type": "application/json",
                "user-agent": USER_AGENT,
                "webhook-id": message.id,
            }
        )


def _failures(event: Event) -> Iterator[Failure]:
    """Yield the failed tasks; validation has ensured that each has an id and a plug-in."""
    for task in event.document.get("failed_tasks") or ():
        yield Failure(
            task=Task.from_document(task),
            state=_name(task.get("status")).rpartition("_")[2],
            message=single_line(task.get("message") or "", MAX_TASK_MESSAGE_CHARACTERS),
        )


def _message(event: Event) -> str:
    """Return the error. A nested one becomes one line: its first, if failed tasks explain it."""
    text = event.document.get("message") or ""
    if event.document.get("failed_tasks"):
        return single_line(first_line(text), MAX_ERROR_CHARACTERS)
    if is_nested(text):
        return single_line(summary_of(text), MAX_ERROR_CHARACTERS)
    return clean_lines(text, MAX_MESSAGE_CHARACTERS)


def _state(event_type: EventType) -> str:
    return event_type.partition("_")[2]


def _name(value: Any) -> str:
    """Return a name from an event's ``task``, whose values are not validated."""
    return single_line(str(value), MAX_NAME_CHARACTERS) if isinstance(value, str | int) else ""


def _stalled_in(event: Event) -> str:
    """Return the state in which the pipeline stalled; see ``domain/pipeline.py``."""
    if event.type is not EventType.PIPELINE_STALLED:
        return ""
    return _name((event.document.get("data") or {}).get("state")).upper()


def _seconds(event: Event) -> int | None:
    """Return the duration from the start to the end, or to the event; else the event's own."""
    if event.type is EventType.PIPELINE_STALLED:
        seconds = (event.document.get("data") or {}).get("seconds")
        return seconds if isinstance(seconds, int) and seconds >= 0 else None
    if _state(event.type) not in _FINISHED_STATES:
        return None
    document = event.document
    of_task = {} if event.type.is_of_pipeline else document.get("task") or {}
    began = _instant(of_task.get("began_at") or document.get("began_at"))
    ended = _instant(of_task.get("finished_at") or document.get("finished_at") or event.at)
    if began is None or ended is None or ended < began:
        return _spent_seconds(event)
    return int((ended - began).total_seconds())


def _spent_seconds(event: Event) -> int | None:
    seconds = event.document.get("spent_seconds") if event.type.is_of_pipeline else None
    return None if seconds is None else int(seconds)


def _instant(text: Any) -> datetime | None:
    try:
        return parse_rfc3339(text)
    except (TypeError, ValueError):
        return None


def _headline(notified: NotificationFacts, translations: Translations) -> str:
    what, state = _subject(notified, translations), translations.states[notified.state]
    headline = translations.headline.format(what=what, state=state)
    if not what[-1].isascii():  # Chinese has no spaces within it, only around numbers
        headline = headline.replace(f"{what} ", what, 1)
    if notified.project:
        return translations.in_project.format(project=notified.project, what=headline)
    return headline[0].upper() + headline[1:]


def _subject(notified: NotificationFacts, translations: Translations) -> str:
    pipeline = translations.pipeline.format(notified.pipeline)
    if notified.task is None:
        return pipeline
    task = _task_name(notified.task.id, notified.task.plugin, translations)
    return (translations.task if task else translations.unknown_task).format(
        task=task, pipeline=pipeline
    )


def _task_name(id_: str, name: str, translations: Translations) -> str:
    return (id_ + (translations.brackets.format(name) if name else "")).strip()


def _format_message(notified: NotificationFacts, translations: Translations) -> Iterator[str]:
    """Yield the message. A stall is detected here, so its text exists in every language."""
    if notified.stalled_in in translations.states and notified.seconds is not None:
        state, duration = (
            translations.states[notified.stalled_in],
            _duration(notified.seconds, translations),
        )
        text = translations.stalled.format(state=state, duration=duration)
        yield text[0].upper() + text[1:]
    elif notified.message:
        yield notified.message
    yield from _format_failures(notified.failures, translations)


def _format_failures(failures: Sequence[Failure], words: Translations) -> Iterator[str]:
    if failures:
        yield words.failed_tasks
    for failure in failures[:MAX_FAILURES]:
        task = _task_name(failure.task.id, failure.task.plugin, words)
        state = words.states.get(failure.state, "") if failure.state != "FAILED" else ""
        yield words.colon.join(part for part in (task, state, failure.message) if part)
    if len(failures) > MAX_FAILURES:
        are_all = len(failures) < MAX_FAILED_TASKS  # an event holds no more than these
        pattern = words.more if are_all else words.more_at_least
        yield pattern.format(len(failures) - MAX_FAILURES)


def _facts(notified: NotificationFacts, translations: Translations) -> Iterator[tuple[str, str]]:
    facts = {
        "project": notified.project,
        "pipeline": _task_name(notified.pipeline, notified.name, translations),
        "task": _task_name(notified.task.id, notified.task.plugin, translations)
        if notified.task
        else "",
        "trigger": _trigger(notified.trigger, translations),
        "tasks": _task_count(notified, translations),
        "duration": "" if notified.seconds is None else _duration(notified.seconds, translations),
    }
    yield from ((translations.labels[name], fact) for name, fact in facts.items() if fact)


def _task_count(notified: NotificationFacts, words: Translations) -> str:
    """Format the task counts. DevLake's ``finished`` counts all runs, and failed tasks too."""
    count = notified.tasks
    if count is None:
        return ""
    if count.finished is None:
        return str(count.total)
    pattern = words.tasks if count.finished <= count.total else words.tasks_of_all_runs
    return pattern.format(total=count.total, finished=count.finished) + _failed(notified, words)


def _failed(notified: NotificationFacts, words: Translations) -> str:
    failed = sum(failure.state != "CANCELLED" for failure in notified.failures)
    if not failed:
        return ""
    are_all = len(notified.failures) < MAX_FAILED_TASKS
    return (words.failed if are_all else words.failed_at_least).format(failed)


def _trigger(trigger: str, translations: Translations) -> str:
    if trigger.startswith(_BLUEPRINT):
        return translations.blueprint.format(trigger.removeprefix(_BLUEPRINT))
    return translations.triggers.get(trigger, "")  # an unknown trigger is left out


def _duration(seconds: int, translations: Translations) -> str:
    """Format the two largest units: 1 h 5 min, 5 min 12 s, 0 s."""
    counts = (
        seconds // _DAY,
        seconds % _DAY // _HOUR,
        seconds % _HOUR // _MINUTE,
        seconds % _MINUTE,
    )
    texts = [unit.format(count) for count, unit in zip(counts, translations.units, strict=True)]
    first = next((place for place, count in enumerate(counts) if count), len(counts) - 1)
    shown = [texts[place] for place in range(first, min(first + 2, len(texts))) if counts[place]]
    return " ".join(shown) or texts[-1]


def parse_template_document(body: str, *, any_of: tuple[str, ...]) -> Document | None:
    """Parse a template's output as the service's own JSON; None if it is text to show."""
    try:
        document = parse_json_object(body)
    except ValueError:
        return None
    return document if any(name in document for name in any_of) else None
