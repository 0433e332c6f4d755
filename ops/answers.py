"""What a command answers on stdout: a few lines for people, or JSON for programs."""

import json
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import typer

from lakehook.domain.event import EventType
from lakehook.domain.subscription import Subscription

_WIDEST = 10_000  # where nobody looks, nothing is wrapped


class Output(StrEnum):
    TEXT = "text"
    JSON = "json"


def answer(output: Output, document: Mapping[str, Any], *, note: str = "") -> None:
    """Answer with one thing; ``note`` is for people alone."""
    if output is Output.JSON:
        typer.echo(json.dumps(document, indent=2))
    else:
        typer.echo(_lines(document))
        if note:
            typer.echo(note)


def answer_all(output: Output, subscriptions: Sequence[Subscription]) -> None:
    if output is Output.JSON:
        typer.echo(json.dumps([facts(one) for one in subscriptions], indent=2))
    elif subscriptions:
        _print_table(subscriptions)
    else:
        typer.echo("no subscriptions")


def facts(subscription: Subscription) -> dict[str, Any]:
    """What anyone may see of a subscription: no secret, no header's value, no query's value."""
    return {
        "subscription_id": subscription.id,
        "name": subscription.name,
        "url": subscription.endpoint.shown,
        "event_types": [str(one) for one in EventType if subscription.wants(one)],
        "signing": str(subscription.signing),
        "deadline_seconds": subscription.deadline_seconds,
        "headers": list(subscription.header_names),
    }


def _lines(document: Mapping[str, Any]) -> str:
    width = max(map(len, document)) + 2
    return "\n".join(f"{name:{width}}{_written(value)}" for name, value in document.items())


def _written(value: Any) -> str:
    if isinstance(value, dict):
        value = [f"{name} {number}" for name, number in value.items()]
    return (", ".join(value) or "-") if isinstance(value, list) else str(value)


def _print_table(subscriptions: Sequence[Subscription]) -> None:
    from rich.console import Console  # noqa: PLC0415  only a table needs it, and it takes 0.1 s
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("ID", "NAME", "URL", "EVENT TYPES"):
        table.add_column(heading, overflow="fold")
    for one in subscriptions:
        types = ", ".join(one.event_types) or "every PIPELINE_*"
        # As text: a name is no markup.
        table.add_row(*map(Text, (one.id, one.name, one.endpoint.shown, types)))
    Console(width=None if sys.stdout.isatty() else _WIDEST).print(table)
