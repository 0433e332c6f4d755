"""``lakehook devlake`` and ``lakehook reconcile``: DevLake's set-up, and states that were lost."""

from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Annotated, Any

import typer

from lakehook.cli.context import CommandService
from lakehook.cli.errors import AWS_FAILED, PERSON_NEEDED
from lakehook.cli.inputs import read_headers
from lakehook.cli.options import (
    ApiHeaderFile,
    ApiHeaders,
    CommandCall,
    CommandGroup,
    OneSource,
    declared_source,
    examples,
    names_of,
    source_name,
)
from lakehook.cli.output import Output, Table, print_document, print_table, progress_counter, write
from lakehook.domain.devlake.setup_check import Check, CheckState
from lakehook.domain.devlake.sources import ApiAddress, DevLakeSource
from lakehook.domain.errors import InvalidInput
from lakehook.domain.event import DEFAULT_SOURCE, Event, join_pipeline_key
from lakehook.domain.time import FORMS, format_rfc3339
from lakehook.ingestion.check_devlake import Checkup

_HIDDEN = "(hidden; --show-secret)"

app = CommandGroup(help="Check that DevLake and Lakehook are set up for each other.")

ApiUrl = Annotated[
    str | None,
    typer.Option(
        "--api",
        metavar="URL",
        help="URL of DevLake's REST API from here; default: the stack's.",
    ),
]
SourceName = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="NAME",
        help=f"Only this DevLake: its name in DevlakeSources, or {DEFAULT_SOURCE}.",
    ),
]
ShowSecret = Annotated[
    bool, typer.Option("--show-secret", help="Print DevLake's NOTIFICATION_SECRET, too.")
]
_WORDS = {CheckState.OK: "ok", CheckState.WARN: "warn", CheckState.FAIL: "FAIL"}
_LINES = Table(
    {"STATE": itemgetter(0), "CHECK": itemgetter(1), "WHAT IS, AND WHAT TO DO": itemgetter(2)},
    "no checks",
)

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


@app.callback()
def devlake() -> None:
    """Keep ``check`` a separate command: typer would merge it into a group of one."""


@app.command(
    epilog=examples(
        "lakehook devlake check",
        "lakehook devlake check --source staging --api http://devlake:8080 --output json",
    )
)
def check(  # noqa: PLR0913  each is an option
    *,
    api: ApiUrl = None,
    header: ApiHeaders = None,
    header_file: ApiHeaderFile = None,
    source: SourceName = None,
    show_secret: ShowSecret = False,
    call: CommandCall,
) -> None:
    """Check each part of the set-up, and show the remedy of each problem.

    It sends one signed test notification, which publishes nothing. Exit code 6 says that something
    needs a person, 4 that AWS could not be queried; a warning is not a failure.
    """
    address = _address(api, read_headers(header_file, header))
    service = call.service
    sources = _sources(service, source)
    if address and len(sources) > 1:
        raise InvalidInput(f"api: of which DevLake? Give --source: {names_of(sources)}")
    checkups = [
        service.check_devlake(declared, service.ingress_url, address) for declared in sources
    ]
    _print_checkups(checkups, call.stack, call.output, show_secret=show_secret)
    if code := _exit_code(checkups):
        raise typer.Exit(code)


def _address(api: str | None, headers: Sequence[str] | None) -> ApiAddress | None:
    if api is None and headers:
        raise InvalidInput("header: for which API? Give its URL by --api")
    return None if api is None else ApiAddress.parse(api, headers or ())


def _sources(service: CommandService, name: str | None) -> Sequence[DevLakeSource]:
    declared = list(service.devlake_sources)
    return declared if name is None else [declared_source(service, name)]


def _exit_code(checkups: Sequence[Checkup]) -> int:
    if any(checkup.aws_failed for checkup in checkups):
        return AWS_FAILED
    return PERSON_NEEDED if any(checkup.needs_person for checkup in checkups) else 0


def _print_checkups(
    checkups: Sequence[Checkup], stack: str, output: Output, *, show_secret: bool
) -> None:
    if output is Output.JSON:
        documents = [_document(checkup, show_secret=show_secret) for checkup in checkups]
        print_document(output, {"stack": stack, "sources": documents})
        return
    for checkup in checkups:
        write(f"stack {stack}, source {source_name(checkup.source)}\n")
        print_table(_LINES, list(_rows(checkup.checks)))
        write()
        for name, value in _variables(checkup, show_secret=show_secret):
            write(f"{name}={_HIDDEN if value is None else value}")
        write()


def _document(checkup: Checkup, *, show_secret: bool) -> dict[str, Any]:
    return {
        "source": source_name(checkup.source),
        "needs_person": checkup.needs_person,
        "checks": [_facts(check) for check in checkup.checks],
        "environment": dict(_variables(checkup, show_secret=show_secret)),
    }


def _variables(checkup: Checkup, *, show_secret: bool) -> Iterator[tuple[str, str | None]]:
    """Yield the variables as in DevLake's .env."""
    yield "NOTIFICATION_ENDPOINT", checkup.endpoint
    yield "NOTIFICATION_SECRET", checkup.secret if show_secret else None


def _facts(check: Check) -> dict[str, Any]:
    return {
        "check": check.name,
        "state": str(check.state),
        "detail": check.detail,
        "remedy": check.remedy or None,
    }


def _rows(checks: Iterable[Check]) -> Iterator[Sequence[str]]:
    """Yield the rows; a remedy is a row of its own."""
    for check in checks:
        yield _WORDS[check.state], check.name, check.detail
        if check.remedy:
            yield "", "", f"→ {check.remedy}"


def reconcile(  # noqa: PLR0913  each is an option
    *,
    devlake: DevlakeUrl = None,
    source: OneSource = DEFAULT_SOURCE,
    since: Since = None,
    header: ApiHeaders = None,
    header_file: ApiHeaderFile = None,
    dry_run: DryRun = False,
    call: CommandCall,
) -> None:
    """Read DevLake's pipelines, and send states whose notifications were lost. Safe to repeat."""
    headers = read_headers(header_file, header) or []
    api = None if devlake is None else ApiAddress.parse(devlake, headers)
    service = call.service
    declared = declared_source(service, source)
    if api:
        _reject_others(api, declared, service.devlake_sources)
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
    print_document(call.output, document, tables={"events": _EVENTS} if dry_run else None)


def _reject_others(
    address: ApiAddress, source: DevLakeSource, declared: Iterable[DevLakeSource]
) -> None:
    """Reject another source's API: pipelines of both are numbered from 1."""
    owners = [
        source_ for source_ in declared if (source_.api_url or "").lower() == address.url.lower()
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
