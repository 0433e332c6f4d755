"""What a term becomes that is replaced as a whole, or emptied by an option of its own."""

import typer

from lakehook.subscribe import DEPLOYMENTS_SCHEDULE, NO_RATE


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


def _two_things(option: str) -> typer.BadParameter:
    return typer.BadParameter("is given, and so is the option that says none", param_hint=option)
