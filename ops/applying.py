"""``lakehook subscriptions apply|export``: the subscriptions as a file has them."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from lakehook.apply import Action, Apply, Done, Manuscript, Plan
from lakehook.apply.export import Export
from lakehook.domain.errors import BadInput
from ops.answers import Output
from ops.desk import desk_of
from ops.given import MOST_HEADER_BYTES, bounded
from ops.options import STACK, TEXT, AnswerAs, DiscardWaiting, Stack, Yes, examples
from ops.plan_shown import show

SOMETHING_TO_DO = 5  # the exit code
MOST_FILE_BYTES = 1024 * 1024

app = typer.Typer(rich_markup_mode=None)

FileOption = Annotated[
    typer.FileBinaryRead,
    typer.Option(
        "-f", "--file", metavar="FILE", help="YAML (or JSON) of all of them; - is standard input."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]
ExitCode = Annotated[
    bool,
    typer.Option(
        "--exit-code", help=f"With --dry-run: {SOMETHING_TO_DO} if there is something to do."
    ),
]
Reseal = Annotated[
    bool,
    typer.Option(
        "--reseal",
        help="Seal headers and URLs anew that are credentials; whether their values have"
        " changed nobody can see.",
    ),
]
Prune = Annotated[
    bool, typer.Option("--prune", help="Remove those that are not in the file; else left alone.")
]


@app.command(
    epilog=examples(
        "lakehook subscriptions apply -f subscriptions.yaml --dry-run",
        "lakehook subscriptions apply -f subscriptions.yaml --prune --yes",
        "lakehook subscriptions apply -f subscriptions.yaml --reseal",
    )
)
def apply(  # noqa: PLR0913  each is an option
    context: typer.Context,
    *,
    file: FileOption,
    dry_run: DryRun = False,
    exit_code: ExitCode = False,
    reseal: Reseal = False,
    prune: Prune = False,
    yes: Yes = False,
    discard_waiting: DiscardWaiting = False,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Have the subscriptions as a file wants them: one that is not there yet is created.

    A term of which the file says nothing is as usual. Secrets of new ones are printed, this once;
    those that are there are not touched. What broke off is finished by the same command again.
    """
    if exit_code and not dry_run:
        raise typer.BadParameter("is about --dry-run", param_hint="--exit-code")
    verb = Apply(desk_of(context, stack))
    plan = verb.plan(
        _manuscript(file),
        Environment(_folder(file)),
        reseal=reseal,
        prune=prune,
        discard_waiting=discard_waiting,
    )
    done: list[Done] = []
    if not dry_run:
        _refuse_many(plan, yes=yes)
    try:
        if not dry_run:
            for one in verb(plan, discard_waiting=discard_waiting):
                done.append(one)  # noqa: PERF402  what is done stays known where it breaks off
    finally:
        show(plan, None if dry_run else done, output)
    if exit_code and plan.steps:
        raise typer.Exit(SOMETHING_TO_DO)


@app.command(epilog=examples("lakehook subscriptions export > subscriptions.yaml"))
def export(context: typer.Context, output: AnswerAs = TEXT, stack: Stack = STACK) -> None:
    """Write all subscriptions as YAML that apply would find unchanged.

    What is sealed stays so: in its place stands a variable of the environment.
    """
    from ops.subscriptions_file import written  # noqa: PLC0415  --help need not wait for it

    verb = Export()
    document = verb(desk_of(context, stack).look_up.all())
    if output is Output.JSON:
        typer.echo(json.dumps(document, indent=2))
    else:
        typer.echo(written(document, comments=verb.variables), nl=False)


@dataclass(frozen=True)
class Environment:
    """Where secrets are: in variables, or in files, seen from the folder of the file."""

    folder: Path

    def __call__(self, kind: str, name: str) -> str:
        return self._variable(name) if kind == "env" else self._file(name)

    def _variable(self, name: str) -> str:
        value = os.environ.get(name)  # noqa: TID251  the file says which
        if not value:
            raise BadInput(f"env: {name!a} is not set, or empty")
        return value

    def _file(self, path: str) -> str:
        """Its text, less the line break at its end."""
        try:
            with (self.folder / path).open("rb") as file:
                text = bounded(file, what="file", most=MOST_HEADER_BYTES).decode("utf-8-sig")
        except OSError as error:
            raise BadInput(f"file: {path!a}: {error.strerror}") from None
        except ValueError:  # a NUL in the path, too
            raise BadInput(f"file: {path!a} is not text") from None
        return text.removesuffix("\n").removesuffix("\r")


def _manuscript(file: typer.FileBinaryRead) -> Manuscript:
    from ops.subscriptions_file import manuscript_of  # noqa: PLC0415

    read = bounded(file, what=file.name, most=MOST_FILE_BYTES)
    try:
        return manuscript_of(read.decode("utf-8-sig"), name=file.name)
    except UnicodeDecodeError:
        raise BadInput(f"{file.name}: not text") from None


def _folder(file: typer.FileBinaryRead) -> Path:
    return Path(file.name).parent


def _refuse_many(plan: Plan, *, yes: bool) -> None:
    going = [step.name for step in plan.of(Action.REMOVE)]
    if len(going) > 1 and not yes:
        raise BadInput(
            f"{len(going)} subscriptions would be removed: {', '.join(going)};"
            " --yes removes more than one"
        )
