"""``lakehook reconcile``: what was missed while the ingress was away."""

from typing import Annotated, Any

import typer

from lakehook.domain.devlake.api_address import ApiAddress
from lakehook.domain.event import Event
from lakehook.domain.moment import FORMS
from lakehook.domain.rfc_3339 import rfc_3339
from ops.answers import Listing, answer
from ops.desk import desk_of
from ops.given import headers_in
from ops.options import STACK, TEXT, AnswerAs, ApiHeaderFile, ApiHeaders, Stack, examples
from ops.progress import counting

EXAMPLES = examples(
    "lakehook reconcile --devlake http://devlake:8080",
    "lakehook reconcile --devlake https://devlake.example/api/rest --header-file key.txt"
    " --since 2h --dry-run",
)

DevlakeUrl = Annotated[
    str, typer.Option("--devlake", metavar="URL", help="DevLake's REST API: http://devlake:8080.")
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="TIME", help=f"Pipelines changed since then; 24h if not said. {FORMS}."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the events and send none.")]


def reconcile(  # noqa: PLR0913  each is an option
    context: typer.Context,
    *,
    devlake: DevlakeUrl,
    since: Since = None,
    header: ApiHeaders = None,
    header_file: ApiHeaderFile = None,
    dry_run: DryRun = False,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Read DevLake's pipelines, and send what it may have told in vain. A repeat does no harm."""
    address = ApiAddress.parse(devlake, headers_in(header_file, header) or [])
    desk = desk_of(context, stack)
    moment = None if since is None else desk.moment(since, what="since")
    with counting("reconciling") as done:
        found = desk.reconcile(address, since=moment, dry_run=dry_run, done=done)
    document = {
        "since": rfc_3339(found.since),
        "read": found.read,
        "changed": len(found.events),
        "sent": found.sent,
    }
    answer(output, document, sections={"events": _EVENTS.of(found.events)} if dry_run else None)


def _event(event: Event) -> dict[str, Any]:
    return {
        "pipeline_id": event.pipeline_id,
        "event_type": str(event.type),
        "timestamp": event.at,
        "project_name": event.document.get("project_name"),
        "event_id": event.id,
    }


_EVENTS = Listing(
    ("PIPELINE", "EVENT TYPE", "TIMESTAMP", "PROJECT", "EVENT ID"),
    lambda one: [value or "-" for value in _event(one).values()],
    _event,
    "nothing has changed",
)
