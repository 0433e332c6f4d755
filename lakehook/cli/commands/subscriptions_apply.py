"""``lakehook subscriptions apply|export``: subscriptions as code, in a YAML file.

Only JSON's types are read: no tags, no aliases, and no words that turn into booleans or dates
(``no``, ``on``, ``2026-01-01`` are texts).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from lakehook.cli.commands.subscription_secrets import NewSecrets, deferred_interrupt
from lakehook.cli.context import CommandService
from lakehook.cli.inputs import References, bounded
from lakehook.cli.options import CommandCall, CommandGroup, DiscardWaiting, examples
from lakehook.cli.output import NONE, Output, write
from lakehook.domain.errors import InvalidInput
from lakehook.domain.json_document import to_indented_json, to_json
from lakehook.operations.views.subscriptions import secret_to_reveal
from lakehook.subscriptions.apply import Action, Apply, Export, Plan, Step, StepResult
from lakehook.subscriptions.apply.parser import Part, SourceFile

_SIGNS = {Action.CREATE: "+", Action.CHANGE: "~", Action.REMOVE: "-"}
_COLOURS = {"+": "green", "~": "yellow", "-": "red"}
_PAST = {Action.CREATE: "created", Action.CHANGE: "changed", Action.REMOVE: "removed"}
_CORE = "tag:yaml.org,2002:"
_SCALARS = (
    ("bool", r"true|false", "tf"),
    ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", "-0123456789"),
    ("null", r"~|null|", ("~", "n", "")),
)
_KINDS = frozenset(
    _CORE + kind for kind in ("map", "seq", "str", *(scalar for scalar, *_ in _SCALARS))
)
SOMETHING_TO_DO = 5  # the exit code
MAX_FILE_BYTES = 1024 * 1024

app = CommandGroup()

FileOption = Annotated[
    typer.FileBinaryRead,
    typer.Option(
        "-f",
        "--file",
        metavar="FILE",
        help="YAML or JSON with all subscriptions; - is standard input.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be done, without doing it.")
]
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
        help="Encrypt header values, and URLs that are credentials, again, as their changes"
        " cannot be detected.",
    ),
]
Prune = Annotated[
    bool, typer.Option("--prune", help="Remove subscriptions that are not in the file.")
]

Yes = Annotated[bool, typer.Option("--yes", help="With --prune: confirm more than one removal.")]


def show(plan: Plan, done: Sequence[StepResult] | None, output: Output) -> None:
    """Print the plan; ``done`` are the steps taken, None if none was to be taken."""
    if output is Output.JSON:
        write(to_indented_json(_document(plan, done)))
        return
    for colour, line in _lines(plan):
        write(line, fg=colour)
    write(_summary(plan, done), bold=True)
    secrets = {result.step.name: secret for result in done or () if (secret := _secret(result))}
    for name, secret in secrets.items():
        write(f"secret of {name}: {secret}")
    if secrets:
        write("Keep the secrets: they are never shown again.")


def _secret(done: StepResult) -> str | None:
    return secret_to_reveal(done.secret, None)


def _document(plan: Plan, done: Sequence[StepResult] | None) -> dict[str, Any]:
    return {
        "dry_run": done is None,
        "steps": [_step(step, result) for step, result in zip_longest(plan.steps, done or ())],
        "unchanged": list(plan.unchanged),
        "not_in_file": list(plan.not_in_file),
    }


def _step(step: Step, done: StepResult | None) -> dict[str, Any]:
    stands = done.subscription if done else step.existing
    return {
        "action": str(step.action),
        "name": step.name,
        "subscription_id": stands.id if stands else None,
        "changes": [
            {"field": change.field, "old": change.old, "new": change.new} for change in step.changes
        ],
        "done": done is not None,
        "secret": _secret(done) if done else None,
        "public_key": done.subscription.public_key if done else None,
    }


def _lines(plan: Plan) -> Iterator[tuple[str | None, str]]:
    """Yield each line with its colour."""
    for step in plan.steps:
        sign = _SIGNS[step.action]
        yield _COLOURS[sign], f"{sign} {step.name}{_where(step)}"
        for change in step.changes:
            yield None, f"    {change.field}: {_value(change.old)} → {_value(change.new)}"


def _where(step: Step) -> str:
    desired = step.entry.desired if step.entry and not step.existing else None
    return f"  {desired.channel} at {desired.endpoint.display_url}" if desired else ""


def _value(value: Any) -> str:
    match value:
        case None | "" | []:
            return NONE
        case str():
            return value
        case list():
            return ", ".join(value)
    return to_json(value)


def _summary(plan: Plan, done: Sequence[StepResult] | None) -> str:
    counts = [_count(plan, done, action) for action in Action if plan.steps_with(action)]
    counts.append(f"{len(plan.unchanged)} unchanged")
    if plan.not_in_file:
        counts.append(f"{len(plan.not_in_file)} not in the file and left alone")
    return ", ".join(counts)


def _count(plan: Plan, done: Sequence[StepResult] | None, action: Action) -> str:
    planned = len(plan.steps_with(action))
    if done is None:
        return f"{planned} to {action}"
    finished = sum(result.step.action is action for result in done)
    of_all = "" if finished == planned else f" of {planned}"
    return f"{finished}{of_all} {_PAST[action]}"


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="an alias; write it out", problem_mark=mark)
        return super().compose_node(parent, index)


class _Dumper(yaml.SafeDumper):
    """Dumper that quotes what this reader, or one of YAML 1.1, would not read as a text."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True

    def represent_str(self, text: str) -> yaml.ScalarNode:
        """Represent a text; unless plain, in the one style that escapes: others lose a U+0085."""
        style = None if text.isprintable() else '"'
        return self.represent_scalar(f"{_CORE}str", text, style=style)

    def represent_decimal(self, number: Decimal) -> yaml.ScalarNode:
        return self.represent_scalar(f"{_CORE}float", str(number))


_Dumper.add_representer(str, _Dumper.represent_str)
_Dumper.add_representer(Decimal, _Dumper.represent_decimal)


for _name, _written, _first in _SCALARS:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(_CORE + _name, re.compile(f"(?:{_written})$"), list(_first))


def parse_source_file(text: str, *, name: str) -> SourceFile:
    """Parse a file; ``InvalidInput`` names the line that is not YAML."""
    lines: dict[tuple[Part, ...], int] = {}
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        document = None if node is None else _node_value(loader, node, (), lines)
    except yaml.MarkedYAMLError as error:
        raise InvalidInput(f"{name}:{_line(error.problem_mark)}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise InvalidInput(f"{name}: not YAML: {error}") from None
    except RecursionError:
        raise InvalidInput(f"{name}: nested too deep") from None
    return SourceFile(name=name, document=document, lines=lines)


def format_document(document: Mapping[str, Any], *, comments: Mapping[str, str]) -> str:
    """Format as YAML, with a comment for each variable."""
    head = "".join(
        f"#   {name}: {_single_line(description)}\n" for name, description in comments.items()
    )
    if head:
        head = "# What is sealed is not in here. To be set in the environment:\n" + head
    return head + yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def _node_value(
    loader: _Loader, node: yaml.Node, path: tuple[Part, ...], lines: dict[tuple[Part, ...], int]
) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if node.tag not in _KINDS:
        raise _fault(node, f"a tag, {node.tag}; plain values are what it takes")
    match node:
        case yaml.MappingNode():
            return _mapping(loader, node, path, lines)
        case yaml.SequenceNode():
            return [
                _node_value(loader, item, (*path, index), lines)
                for index, item in enumerate(node.value)
            ]
    try:
        return loader.construct_object(node)
    except ValueError:
        raise _fault(node, "no value of its kind") from None


def _mapping(
    loader: _Loader,
    node: yaml.MappingNode,
    path: tuple[Part, ...],
    lines: dict[tuple[Part, ...], int],
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = key_node.value
        if not isinstance(key_node, yaml.ScalarNode):
            raise _fault(key_node, "a key that is no text")
        if key in found:
            raise _fault(key_node, f"{key!a} is given twice")
        lines[(*path, key)] = key_node.start_mark.line + 1
        found[key] = _node_value(loader, value_node, (*path, key), lines)
    return found


def _fault(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _line(mark: yaml.Mark | None) -> int:
    return mark.line + 1 if mark else 1


def _single_line(text: str) -> str:
    return text if text.isprintable() else ascii(text)


@app.command(
    epilog=examples(
        "lakehook subscriptions apply -f subscriptions.yaml --dry-run",
        "lakehook subscriptions apply -f subscriptions.yaml --prune --yes",
        "lakehook subscriptions apply -f subscriptions.yaml --reseal",
    )
)
def apply(  # noqa: PLR0913  each is an option
    *,
    file: FileOption,
    dry_run: DryRun = False,
    exit_code: ExitCode = False,
    reseal: Reseal = False,
    prune: Prune = False,
    yes: Yes = False,
    discard_waiting: DiscardWaiting = False,
    call: CommandCall,
) -> None:
    """Make the subscriptions match a file; missing ones are created.

    Fields that are left out have their defaults. Secrets of new subscriptions are printed once;
    existing ones are not touched. Run it again to complete an interrupted apply.
    """
    if exit_code and not dry_run:
        raise typer.BadParameter("is about --dry-run", param_hint="--exit-code")
    service = call.service
    verb = Apply(service)
    plan = verb.plan(
        _source_file(file),
        References(Path(file.name).parent),
        reseal=reseal,
        prune=prune,
        discard_waiting=discard_waiting,
    )
    if dry_run:
        show(plan, None, call.output)
    else:
        _confirm_removals(plan, yes=yes)
        _carry_out(plan, verb(plan, discard_waiting=discard_waiting), service, call.output)
    if exit_code and plan.steps:
        raise typer.Exit(SOMETHING_TO_DO)


@app.command(epilog=examples("lakehook subscriptions export > subscriptions.yaml"))
def export(*, call: CommandCall) -> None:
    """Write all subscriptions as YAML that apply would find unchanged.

    Encrypted values are replaced by environment variables.
    """
    verb = Export()
    document = verb(call.service.find_subscription.all())
    if call.output is Output.JSON:
        write(to_indented_json(document))
    else:
        write(format_document(document, comments=verb.variables), nl=False)


def _carry_out(
    plan: Plan, doing: Iterator[StepResult], service: CommandService, output: Output
) -> None:
    done: list[StepResult] = []
    with NewSecrets(service) as new:
        try:
            while result := _next(doing, new):
                done.append(result)  # recorded even if the next step fails
        finally:  # also on Ctrl-C: secrets must be shown now
            with new.shown():
                show(plan, done, output)


def _next(doing: Iterator[StepResult], new: NewSecrets) -> StepResult | None:
    with deferred_interrupt():
        result = next(doing, None)
        if result and _secret(result):
            new.add(result.subscription)
    return result


def _source_file(file: typer.FileBinaryRead) -> SourceFile:

    read = bounded(file, what=file.name, limit=MAX_FILE_BYTES)
    try:
        return parse_source_file(read.decode("utf-8-sig"), name=file.name)
    except UnicodeDecodeError:
        raise InvalidInput(f"{file.name}: not text") from None


def _confirm_removals(plan: Plan, *, yes: bool) -> None:
    going = [step.name for step in plan.steps_with(Action.REMOVE)]
    if len(going) > 1 and not yes:
        raise InvalidInput(
            f"{len(going)} subscriptions would be removed: {', '.join(going)};"
            " --yes removes more than one"
        )
