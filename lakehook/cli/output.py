"""Output on stdout: lines and tables for people, JSON for programs; progress on a terminal only."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lakehook.cli.terminal import on_one_line, write
from lakehook.domain.attempt import Attempt
from lakehook.domain.json_document import to_ascii_json
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.replay import Replay
from lakehook.domain.status import subscription_state
from lakehook.domain.subscription import Subscription
from lakehook.domain.time import format_rfc3339
from lakehook.operations.views import (
    attempt_view,
    dead_letter_view,
    delivery_view,
    event_type_view,
    lane_view,
    replay_view,
    secret_view,
    subscription_view,
)
from lakehook.queries import LaneReport

_WIDEST = 10_000  # where nobody looks, nothing is wrapped
NONE = "-"
_LANE_COLUMNS = ("head", "state", "attempts", "held_since", "due_at", "waiting_behind")


class Output(StrEnum):
    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True)
class Listing:
    """How things of one kind are listed: a row for people, a document for programs."""

    headings: Sequence[str]
    row: Callable[[Any], Sequence[str]]
    facts: Callable[[Any], Mapping[str, Any]]
    none: str  # what is said when there are none

    def table(self, things: Iterable[Any]) -> "Section":
        return Section(self, list(things))


BY_TYPE = Listing(
    ("EVENT TYPE", "DELIVERIES"),
    lambda one: (one[0], str(one[1])),
    event_type_view,
    "nothing to send",
)
SECRETS = Listing(
    ("SIGNING", "CREATED", "SIGNS UNTIL", "PUBLIC KEY"),
    lambda one: [value or NONE for value in secret_view(one).values()],
    secret_view,
    "no secrets",
)


@dataclass(frozen=True)
class Section:
    listing: Listing
    things: Sequence[Any]

    @property
    def documents(self) -> list[Mapping[str, Any]]:
        return [self.listing.facts(thing) for thing in self.things]


def print_document(
    output: Output,
    document: Mapping[str, Any],
    *,
    sections: Mapping[str, Section] | None = None,
    note: str = "",
) -> None:
    """Answer with one thing, and lists that belong to it; ``note`` is for people alone."""
    sections = sections or {}
    if output is Output.JSON:
        lists = {name: section.documents for name, section in sections.items()}
        write(json.dumps({**document, **lists}, indent=2))
        return
    write(_lines(document))
    for section in sections.values():
        write()
        print_section(section)
    if note:
        write(note)


def print_listing(output: Output, section: Section) -> None:
    if output is Output.JSON:
        write(json.dumps(section.documents, indent=2))
    else:
        print_section(section)


def _lines(document: Mapping[str, Any]) -> str:
    width = max(map(len, document)) + 2
    return "\n".join(f"{name:{width}}{_written(value)}" for name, value in document.items())


def _written(value: Any) -> str:
    match value:
        case None | "" | []:
            return NONE
        case bool():
            return "yes" if value else "no"
        case list():
            return on_one_line(", ".join(value))
        case dict():
            return to_ascii_json(value)
    return on_one_line(str(value))


def print_section(section: Section) -> None:
    from rich.console import Console  # noqa: PLC0415  only a table needs it, and it takes 0.1 s
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    if not section.things:
        write(section.listing.none)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in section.listing.headings:
        table.add_column(heading, overflow="fold")
    for thing in section.things:
        # As text: a name is no markup.
        table.add_row(*(Text(on_one_line(cell)) for cell in section.listing.row(thing)))
    Console(width=None if sys.stdout.isatty() else _WIDEST).print(table)


def _letter_row(record: DeliveryRecord) -> tuple[str, ...]:
    last = record.attempts_log[-1] if record.attempts_log else None
    return (
        f"{record.lane}#{record.sequence}",
        record.event_type,
        record.reason,
        str(record.attempts),
        last.last_status if last else NONE,
        format_rfc3339(last.at) if last else NONE,
    )


LETTERS = Listing(
    ("ID", "EVENT TYPE", "REASON", "ATTEMPTS", "LAST", "LAST ATTEMPT"),
    _letter_row,
    dead_letter_view,
    "no dead letters",
)


def _delivery_row(record: DeliveryRecord) -> tuple[str, ...]:
    return (
        f"{record.lane}#{record.sequence}",
        record.event_type,
        str(record.status),
        record.reason or NONE,
        str(record.attempts),
        record.attempts_log[-1].last_status if record.attempts_log else NONE,
        format_rfc3339(record.changed_at),
    )


DELIVERIES = Listing(
    ("ID", "EVENT TYPE", "STATUS", "REASON", "ATTEMPTS", "LAST", "CHANGED"),
    _delivery_row,
    delivery_view,
    "no deliveries",
)


def _attempt_row(attempt: Attempt) -> tuple[str, ...]:
    return (
        format_rfc3339(attempt.at),
        str(attempt.outcome),
        str(attempt.status or NONE),
        f"{attempt.milliseconds} ms",
        attempt.excerpt or NONE,
    )


ATTEMPTS = Listing(
    ("ATTEMPT", "OUTCOME", "STATUS", "TOOK", "ANSWER"), _attempt_row, attempt_view, "no attempts"
)


def _lane_row(report: LaneReport) -> tuple[str, ...]:
    facts = lane_view(report)
    return str(report.held.lane), *(str(facts[name]) for name in _LANE_COLUMNS)


LANES = Listing(
    ("LANE", "HEAD", "STATE", "ATTEMPTS", "HELD SINCE", "DUE", "BEHIND"),
    _lane_row,
    lane_view,
    "no lanes are held",
)


def _replay_row(one: Replay) -> tuple[str, ...]:
    matched = NONE if one.matched is None else str(one.matched)
    return (
        one.id,
        one.subscription_id,
        f"{one.state} ({one.reason})" if one.reason else str(one.state),
        str(one.sent),
        matched,
        str(one.criteria.rate),
        format_rfc3339(one.started_at),
    )


REPLAYS = Listing(
    ("ID", "SUBSCRIPTION", "STATE", "SENT", "OF", "RATE", "STARTED AT"),
    _replay_row,
    replay_view,
    "no replays",
)


def _subscription_row(one: Subscription) -> tuple[str, ...]:
    types = ", ".join(one.event_types) or "every PIPELINE_*"
    return one.id, one.name, one.endpoint.display_url, types, _state(one)


SUBSCRIPTIONS = Listing(
    ("ID", "NAME", "URL", "EVENT TYPES", "STATE"),
    _subscription_row,
    subscription_view,
    "no subscriptions",
)


def _state(one: Subscription) -> str:
    standing = str(subscription_state(one))
    return f"{standing} ({one.disabled_reason})" if one.disabled_reason else standing


@contextmanager
def progress_counter(what: str, *, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Tell what this yields how much more has been done."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415  few wait so long
    from rich.progress import MofNCompleteColumn, Progress  # noqa: PLC0415

    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda number: progress.advance(task, number)
