"""``lakehook reconcile``: send pipeline states whose notifications were lost."""

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from lakehook.cli.context import service_of
from lakehook.cli.inputs import read_headers
from lakehook.cli.options import (
    STACK,
    TEXT,
    AnswerAs,
    ApiHeaderFile,
    ApiHeaders,
    OneSource,
    Stack,
    declared_source,
    examples,
    source_name,
)
from lakehook.cli.output import Table, print_document, progress_counter
from lakehook.domain.devlake.api_address import ApiAddress
from lakehook.domain.devlake.sources import DevLakeSource
from lakehook.domain.errors import InvalidInput
from lakehook.domain.event import DEFAULT_SOURCE, Event, join_pipeline_key
from lakehook.domain.time import FORMS, format_rfc3339

RECONCILE_EXAMPLES = examples(
    "lakehook reconcile --devlake http://devlake:8080",
    "lakehook reconcile --devlake https://devlake.example/api/rest --header-file key.txt"
    " --since 2h --dry-run",
    "lakehook reconcile --source staging",
)

DevlakeUrl = Annotated[
    str | None,
    typer.Option(
        "--devlake",
        metavar="URL",
        help="URL of DevLake's REST API: http://devlake:8080; default: the stack's.",
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="TIME", help=f"Pipelines changed since then; default: 24h. {FORMS}."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the events without sending them.")]


def reconcile(  # noqa: PLR0913  each is an option
    context: typer.Context,
    *,
    devlake: DevlakeUrl = None,
    source: OneSource = DEFAULT_SOURCE,
    since: Since = None,
    header: ApiHeaders = None,
    header_file: ApiHeaderFile = None,
    dry_run: DryRun = False,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Read DevLake's pipelines, and send states whose notifications were lost. Safe to repeat."""
    headers = read_headers(header_file, header) or []
    api = None if devlake is None else ApiAddress.parse(devlake, headers)
    service = service_of(context, stack)
    declared = declared_source(service, source)
    if api:
        _refuse_others(api, declared, service.devlake_sources)
    address = api or ApiAddress.parse(_known_url(declared), headers)
    moment = None if since is None else service.moment(since, what="since")
    with progress_counter("reconciling") as done:
        reconciled = service.reconcile(address, declared, since=moment, dry_run=dry_run, done=done)
    document: dict[str, Any] = {
        "since": format_rfc3339(reconciled.since),
        "read": reconciled.read,
        "changed": len(reconciled.events),
        "sent": reconciled.sent,
    }
    if dry_run:
        document["events"] = [_event(event) for event in reconciled.events]
    print_document(output, document, tables={"events": _EVENTS} if dry_run else None)


def _refuse_others(
    given: ApiAddress, source: DevLakeSource, declared: Iterable[DevLakeSource]
) -> None:
    """Refuse another source's API: pipelines of both are numbered from 1."""
    owners = [
        source_ for source_ in declared if (source_.api_url or "").lower() == given.url.lower()
    ]
    if owners and source not in owners:
        name = source_name(owners[0])
        raise InvalidInput(f"devlake: that is the API of source {name}; give --source {name}")


def _known_url(source: DevLakeSource) -> str:
    if source.api_url is None:
        name = source_name(source)
        raise InvalidInput(f"devlake: the stack knows no API of source {name}; give --devlake URL")
    return source.api_url


def _event(event: Event) -> dict[str, Any]:
    return {
        "pipeline_id": event.pipeline_id,
        "source": event.source,
        "event_type": str(event.type),
        "timestamp": event.at,
        "project_name": event.document.get("project_name"),
        "event_id": event.id,
    }


_EVENTS = Table(
    {
        "PIPELINE": lambda event: join_pipeline_key(event["source"], event["pipeline_id"]),
        "EVENT TYPE": "event_type",
        "TIMESTAMP": "timestamp",
        "PROJECT": "project_name",
        "EVENT ID": "event_id",
    },
    "nothing has changed",
)
