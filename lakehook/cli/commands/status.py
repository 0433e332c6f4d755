"""``lakehook status``: every subscription, what waits, and what needs a person."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated

import typer

from lakehook.cli.context import CommandService
from lakehook.cli.errors import PERSON_NEEDED
from lakehook.cli.options import CommandCall, Utc, examples
from lakehook.cli.output import (
    Output,
    clear_screen,
    print_columns,
    print_document,
    relative_time,
    write,
)
from lakehook.domain.event import join_pipeline_key
from lakehook.domain.status import HealthState
from lakehook.domain.text import counted, truncate
from lakehook.domain.time import format_age, parse_rfc3339
from lakehook.operations.views.status import StatusView, SubscriberStatusView

STATUS_EXAMPLES = examples(
    "lakehook status", "lakehook status --watch", "lakehook status --output json"
)
WATCH_SECONDS = 5.0
MAX_NAMED, MAX_ANSWER_CHARACTERS = 8, 120
_HEADINGS = ("SUBSCRIBER", "HEALTH", "SINCE", "PIPELINES WAIT", "DEAD", "LAST ANSWER")

Watch = Annotated[bool, typer.Option("--watch", help="Refresh every few seconds.")]


def status(*, watch: Watch = False, utc: Utc = False, call: CommandCall) -> None:
    """Show each subscription's health, since when, what waits for it, and a command to run.

    A pipeline waits while a delivery of it does. Exit code 6 says that something needs a person: a
    dead letter, a stalled pipeline, a subscription that is disabled or pending, an
    endpoint that has failed for a quarter of an hour or whose answer waiting does not change.
    """
    service = call.service
    view = _show(service, call.output, utc=utc)
    with suppress(KeyboardInterrupt):
        while watch:
            service.clock.sleep(WATCH_SECONDS)
            if call.output is Output.TEXT:
                clear_screen()
            view = _show(service, call.output, utc=utc)
    if view.needs_person:
        raise typer.Exit(PERSON_NEEDED)


def _show(service: CommandService, output: Output, *, utc: bool) -> StatusView:
    view = StatusView.from_report(service.show_status())
    if output is Output.JSON:
        print_document(output, view)
    else:
        _print(view, utc=utc)
    return view


def _print(view: StatusView, *, utc: bool) -> None:
    write(_totals(view))
    shown = [subscriber for subscriber in view.subscribers if not subscriber.is_quiet]
    if shown:
        write()
        rows = [
            (_row(subscriber, view, utc=utc), list(_remarks(subscriber, view, utc=utc)))
            for subscriber in shown
        ]
        print_columns(_HEADINGS, rows)
    if quiet := [subscriber.name for subscriber in view.subscribers if subscriber.is_quiet]:
        more = f" and {len(quiet) - MAX_NAMED} others" if len(quiet) > MAX_NAMED else ""
        write(f"\nok: {', '.join(quiet[:MAX_NAMED])}{more}")
    if view.parked:
        events = counted(view.parked, "event", "events")
        write(f"parked: {events}, each with its reason\n  → lakehook events parked list")
    for pipeline in view.stalled_pipelines:
        key = join_pipeline_key(pipeline.source, pipeline.pipeline_id)
        project = f" ({pipeline.project_name})" if pipeline.project_name else ""
        write(
            f"stalled: pipeline {key}{project} {pipeline.state} for {format_age(pipeline.seconds)}"
        )
    if view.stalled_pipelines:
        write("  → lakehook pipelines list")


def _totals(view: StatusView) -> str:
    parts = [
        "nothing lost",
        _waiting(view) if view.lanes_held else "nothing waits",
        _dead(view) if view.dead_letters else "",
        f"{view.parked:,} parked" if view.parked else "",
        f"{view.stalled} stalled" if view.stalled else "",
        f"oldest {_age(view.oldest_held_since, view)}" if view.oldest_held_since else "",
    ]
    return f"Lakehook · {view.at[11:16]}Z   {' · '.join(part for part in parts if part)}"


def _waiting(view: StatusView) -> str:
    if view.has_more:
        return f"{view.lanes_held:,}+ pipelines wait"
    return counted(view.lanes_held, "pipeline waits", "pipelines wait")


def _dead(view: StatusView) -> str:
    if view.has_more:
        return f"{view.dead_letters:,}+ dead letters"
    return counted(view.dead_letters, "dead letter", "dead letters")


def _row(subscriber: SubscriberStatusView, view: StatusView, *, utc: bool) -> tuple[str, ...]:
    more = "+" if subscriber.has_more else ""
    since = subscriber.since if utc else _age(subscriber.since, view)
    return (
        subscriber.name,
        _health(subscriber),
        since or "-",
        f"{subscriber.lanes_held}{more}" if subscriber.lanes_held else "-",
        f"{subscriber.dead_letters}{more}" if subscriber.dead_letters else "-",
        truncate(subscriber.last_answer or "-", MAX_ANSWER_CHARACTERS),
    )


def _health(subscriber: SubscriberStatusView) -> str:
    if subscriber.average_ms is not None:
        return f"{subscriber.health} {subscriber.average_ms / 1000:.1f} s"
    held = counted(subscriber.lanes_held, "pipeline held", "pipelines held")
    return (
        held if subscriber.health == HealthState.OK and subscriber.lanes_held else subscriber.health
    )


def _remarks(subscriber: SubscriberStatusView, view: StatusView, *, utc: bool) -> Iterator[str]:
    """Yield what happens next without action, and commands to run, one line each."""
    if subscriber.disabled_reason:
        yield subscriber.disabled_reason
    if subscriber.next:
        when = subscriber.next_at if utc else relative_time(subscriber.next_at, now=view.at)
        seconds = subscriber.seconds_left
        left = f"; about {format_age(seconds)} left" if seconds else ""
        deadline = (
            f"; the deadline is {subscriber.deadline_seconds:g} s" if subscriber.average_ms else ""
        )
        yield subscriber.next + (f" {when}" if when else "") + left + deadline
    if expires_at := subscriber.client_certificate_expires_at:
        when = expires_at if utc else relative_time(expires_at, now=view.at)
        yield f"its client certificate expires {when}"
    for command in subscriber.commands:
        yield f"→ {command}"


def _age(at: str | None, view: StatusView) -> str:
    if at is None:
        return "-"
    return format_age((parse_rfc3339(view.at) - parse_rfc3339(at)).total_seconds())
