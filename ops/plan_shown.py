"""How a plan is shown, and what came of it: as a difference for people, as JSON for programs."""

import json
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from lakehook.apply import Action, Done, Plan, Step
from lakehook.desk.subscription_facts import shown_once
from lakehook.domain.document import text_of
from ops.answers import NONE, Output
from ops.terminal import write

_SIGNS = {Action.CREATE: "+", Action.CHANGE: "~", Action.REMOVE: "-"}
_COLOURS = {"+": "green", "~": "yellow", "-": "red"}
_PAST = {Action.CREATE: "created", Action.CHANGE: "changed", Action.REMOVE: "removed"}


def show(plan: Plan, done: Sequence[Done] | None, output: Output) -> None:
    """``done`` is what came of the first steps; nothing where none was to be taken."""
    if output is Output.JSON:
        write(json.dumps(_document(plan, done), indent=2))
        return
    for colour, line in _lines(plan):
        write(line, fg=colour)
    write(_summary(plan, done), bold=True)
    secrets = {one.step.name: told for one in done or () if (told := _secret(one))}
    for name, told in secrets.items():
        write(f"secret of {name}: {told}")
    if secrets:
        write("Keep the secrets: they are never shown again.")


def _secret(done: Done) -> str | None:
    return shown_once(done.secret, None)


def _document(plan: Plan, done: Sequence[Done] | None) -> dict[str, Any]:
    return {
        "dry_run": done is None,
        "steps": [_step(step, one) for step, one in zip_longest(plan.steps, done or ())],
        "unchanged": list(plan.unchanged),
        "not_in_file": list(plan.not_in_file),
    }


def _step(step: Step, done: Done | None) -> dict[str, Any]:
    stands = done.subscription if done else step.existing
    return {
        "action": str(step.action),
        "name": step.name,
        "subscription_id": stands.id if stands else None,
        "changes": [{"field": one.field, "old": one.old, "new": one.new} for one in step.changes],
        "done": done is not None,
        "secret": _secret(done) if done else None,
        "public_key": done.subscription.public_key if done else None,
    }


def _lines(plan: Plan) -> Iterator[tuple[str | None, str]]:
    """Each with the colour that it has."""
    for step in plan.steps:
        sign = _SIGNS[step.action]
        yield _COLOURS[sign], f"{sign} {step.name}{_where(step)}"
        for one in step.changes:
            yield None, f"    {one.field}: {_value(one.old)} → {_value(one.new)}"


def _where(step: Step) -> str:
    wanted = step.entry.wanted if step.entry and not step.existing else None
    return f"  {wanted.channel} at {wanted.endpoint.shown}" if wanted else ""


def _value(value: Any) -> str:
    match value:
        case None | "" | []:
            return NONE
        case str():
            return value
        case list():
            return ", ".join(value)
    return text_of(value)


def _summary(plan: Plan, done: Sequence[Done] | None) -> str:
    counts = [_count(plan, done, action) for action in Action if plan.of(action)]
    counts.append(f"{len(plan.unchanged)} unchanged")
    if plan.not_in_file:
        counts.append(f"{len(plan.not_in_file)} not in the file and left alone")
    return ", ".join(counts)


def _count(plan: Plan, done: Sequence[Done] | None, action: Action) -> str:
    wanted = len(plan.of(action))
    if done is None:
        return f"{wanted} to {action}"
    finished = sum(one.step.action is action for one in done)
    of_all = "" if finished == wanted else f" of {wanted}"
    return f"{finished}{of_all} {_PAST[action]}"
