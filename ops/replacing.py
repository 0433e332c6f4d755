"""What a term becomes that is replaced as a whole, or emptied by an option of its own."""

from typing import Any

import typer

from lakehook.subscribe import DEPLOYMENTS_SCHEDULE, NO_RATE
from ops.given import template_in


def schedule_of(given: str | None, *, default: bool) -> str | None:
    if given is not None and default:
        raise typer.BadParameter("says two things", param_hint="--retry-schedule")
    return DEPLOYMENTS_SCHEDULE if default else given


def pattern_of(given: str | None, *, emptied: bool) -> str | None:
    if given is not None and emptied:
        raise typer.BadParameter(
            "is given, and so is the option that says none", param_hint="--pattern"
        )
    return "" if emptied else given


def rate_of(given: str | None, *, emptied: bool) -> str | None:
    if given is not None and emptied:
        raise _two_things("--rate")
    return NO_RATE if emptied else given


def replaced(option: str, given: list[str] | None, *, emptied: bool) -> list[str] | None:
    if given and emptied:
        raise _two_things(option)
    return [] if emptied else given or None


def templates_of(
    file: typer.FileBinaryRead | None,
    subject: str | None,
    headers: list[str] | None,
    *,
    emptied: bool,
) -> dict[str, Any]:
    """The terms about the template, part by part."""
    if emptied and (file is not None or subject is not None or headers):
        raise _two_things("--template")
    if emptied:
        return {"template_body": "", "template_subject": "", "template_headers": []}
    return {
        "template_body": template_in(file),
        "template_subject": subject,
        "template_headers": headers or None,
    }


def _two_things(option: str) -> typer.BadParameter:
    return typer.BadParameter("is given, and so is the option that says none", param_hint=option)
