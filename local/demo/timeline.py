"""Output of the demonstration: a timeline of each pipeline at each subscriber, then a summary."""

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from lakehook.domain.event import EventType
from local.demo.checks import Verdict
from local.demo.measure import Measured
from local.demo.scenario import (
    CANCELLED,
    COMPLETED,
    CREATED,
    DEMO_PIPELINES,
    FAILED,
    PARTIAL,
    RUNNING,
)
from local.demo.subscribers import Subscriber

_SIGNS = {
    CREATED: ("○", "cyan"),
    RUNNING: ("▶", "blue"),
    COMPLETED: ("✔", "green"),
    FAILED: ("✘", "red"),
    PARTIAL: ("◐", "yellow"),
    CANCELLED: ("■", "magenta"),
}


class Timeline:
    """Timeline that the console redraws: what was published, and what has arrived where."""

    def __init__(self, cast: Sequence[Subscriber]) -> None:
        self._cast = cast
        self._said: dict[str, list[EventType]] = {
            str(demo_pipeline.id): [] for demo_pipeline in DEMO_PIPELINES
        }

    def says(self, pipeline_id: int, event_type: EventType) -> None:
        self._said[str(pipeline_id)].append(event_type)

    def __rich__(self) -> RenderableType:
        table = Table(
            title="Events of each pipeline: published, and arrived at each subscriber", expand=False
        )
        for heading in ("pipeline", "project", "published"):
            table.add_column(heading)
        for subscriber in self._cast:
            table.add_column(subscriber.receiver.name)
        arrivals = [_heard_by(subscriber) for subscriber in self._cast]
        for pipeline in DEMO_PIPELINES:
            name = str(pipeline.id)
            signs = [
                _signs(self._said[name]),
                *(_signs(arrived.get(name, [])) for arrived in arrivals),
            ]
            table.add_row(name, pipeline.project, *signs)
        return Group(table, _legend(), Text())


def _heard_by(subscriber: Subscriber) -> dict[str, list[EventType]]:
    heard: dict[str, list[EventType]] = {}
    for arrival in list(subscriber.receiver.taken):
        heard.setdefault(arrival.pipeline, []).append(EventType(arrival.event_type))
    return heard


def _signs(event_types: Sequence[EventType]) -> Text:
    return Text(" ").join(Text(*_SIGNS[event_type]) for event_type in event_types)


def _legend() -> Text:
    names = (
        Text.assemble(sign, " ", event_type.removeprefix("PIPELINE_").lower())
        for event_type, sign in _SIGNS.items()
    )
    return Text("   ").join(names)


def show_verdicts(
    console: Console, cast: Sequence[Subscriber], verdicts: Sequence[Verdict]
) -> None:
    table = Table(title="What arrived")
    headings = ("name", "manner", "arrived", "in order", "signed", "refused", "twice")
    for heading in headings:
        table.add_column(heading)
    for subscriber, verdict in zip(cast, verdicts, strict=True):
        table.add_row(
            subscriber.receiver.name,
            subscriber.manner,
            f"{verdict.arrived} of {verdict.expected}",
            _yes_or_no(said=verdict.in_order),
            _yes_or_no(said=verdict.genuine),
            str(len(subscriber.receiver.arrivals) - len(subscriber.receiver.taken)),
            str(verdict.repeated),
        )
    console.print(table)


def show_cast(console: Console, cast: Sequence[Subscriber]) -> None:
    console.print(f"{len(DEMO_PIPELINES)} pipelines run, and {len(cast)} subscribers are told:")
    for subscriber in cast:
        described = subscriber.description or subscriber.manner
        console.print(f"  {subscriber.receiver.name:<10}{described}", highlight=False)
    console.print()


def show_measured(console: Console, measured: Measured) -> None:
    console.print(
        f"ready in {measured.ready_seconds:.1f} s;"
        f" {measured.deliveries_per_second:.0f} deliveries/s"
        f" ({measured.deliveries} in {measured.burst_seconds:.1f} s);"
        f" idle, it takes {measured.idle_cpu_percent:.1f} % of one core"
    )


def _yes_or_no(*, said: bool) -> Text:
    return Text("yes", "green") if said else Text("no", "bold red")
