"""The option ``--source``: one of the DevLakes that the stack declares."""

from collections.abc import Sequence
from typing import Annotated

import typer

from lakehook.cli.context import CommandService
from lakehook.domain.devlake.sources import DevLakeSource
from lakehook.domain.errors import InvalidInput
from lakehook.domain.pipeline_key import DEFAULT_SOURCE

OneSource = Annotated[
    str,
    typer.Option(
        "--source",
        metavar="NAME",
        help=f"The DevLake: its name in DevlakeSources, or {DEFAULT_SOURCE}.",
    ),
]


def source_name(source: DevLakeSource) -> str:
    return source.name or DEFAULT_SOURCE


def names_of(sources: Sequence[DevLakeSource]) -> str:
    return ", ".join(map(source_name, sources))


def declared_source(service: CommandService, name: str) -> DevLakeSource:
    """Return the source; ``InvalidInput`` lists the declared ones."""
    declared = list(service.devlake_sources)
    for source in declared:
        if source_name(source) == name:
            return source
    raise InvalidInput(f"source: {name[:40]!a} is not one of: {names_of(declared)}")
