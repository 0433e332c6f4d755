"""``lakehook subscriptions apply|export``: the subscriptions as a file has them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from lakehook.apply import Action, Apply, Done, Manuscript, Plan
from lakehook.apply.export import Export
from lakehook.domain.errors import BadInput
from ops.answers import Output
from ops.desk import desk_of
from ops.given import bounded
from ops.options import STACK, TEXT, AnswerAs, DiscardWaiting, Stack, examples
from ops.plan_shown import show
from ops.references import References
from ops.terminal import write

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
        help="Seal header values, and URLs that are credentials, anew: whether they have"
        " changed, nobody can see.",
    ),
]
Prune = Annotated[
    bool, typer.Option("--prune", help="Remove those that are not in the file; else left alone.")
]

Yes = Annotated[bool, typer.Option("--yes", help="With --prune: remove also more than one.")]


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
        References(Path(file.name).parent),
        reseal=reseal,
        prune=prune,
        discard_waiting=discard_waiting,
    )
    if dry_run:
        show(plan, None, output)
    else:
        _refuse_many(plan, yes=yes)
        _carry_out(plan, verb(plan, discard_waiting=discard_waiting), output)
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
        write(json.dumps(document, indent=2))
    else:
        write(written(document, comments=verb.variables), nl=False)


def _carry_out(plan: Plan, doing: Iterable[Done], output: Output) -> None:
    done: list[Done] = []
    try:
        for one in doing:
            done.append(one)  # noqa: PERF402  it stays known where the next one breaks off
    finally:  # Ctrl-C too: secrets are shown now or never
        show(plan, done, output)


def _manuscript(file: typer.FileBinaryRead) -> Manuscript:
    from ops.subscriptions_file import manuscript_of  # noqa: PLC0415

    read = bounded(file, what=file.name, most=MOST_FILE_BYTES)
    try:
        return manuscript_of(read.decode("utf-8-sig"), name=file.name)
    except UnicodeDecodeError:
        raise BadInput(f"{file.name}: not text") from None


def _refuse_many(plan: Plan, *, yes: bool) -> None:
    going = [step.name for step in plan.of(Action.REMOVE)]
    if len(going) > 1 and not yes:
        raise BadInput(
            f"{len(going)} subscriptions would be removed: {', '.join(going)};"
            " --yes removes more than one"
        )
