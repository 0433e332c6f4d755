"""What a term becomes that is replaced as a whole, or emptied by an option of its own."""

import typer

from lakehook.subscribe import DEPLOYMENTS_SCHEDULE


def schedule_of(given: str | None, *, default: bool) -> str | None:
    if given is not None and default:
        raise typer.BadParameter("says two things", param_hint="--retry-schedule")
    return DEPLOYMENTS_SCHEDULE if default else given


def replaced(option: str, given: list[str] | None, *, emptied: bool) -> list[str] | None:
    if given and emptied:
        raise typer.BadParameter("is given, and so is the option that says none", param_hint=option)
    return [] if emptied else given or None
