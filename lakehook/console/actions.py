"""Action of the console: a change, its effect, and the command that does the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from lakehook.domain.errors import LakehookError
from lakehook.operations.http_status import http_status_of

Page = str | tuple[str, int] | Response


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A field of the confirmation: free text, or one of ``options``."""

    name: str
    label: str
    value: str = ""
    options: Sequence[str] = ()
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class ConsoleAction:
    title: str
    effects: Sequence[str]
    command: str
    button: str
    back: str
    is_danger: bool = False
    choices: Sequence[Choice] = ()


def confirm(action: ConsoleAction, act: Callable[[], str | Response]) -> Page:
    """Ask for confirmation; then act, and show the result on the page that it came from."""
    if request.method != "POST":
        return render_template("confirm.html", action=action, error=None)
    try:
        result = act()
    except LakehookError as error:
        page = render_template("confirm.html", action=action, error=str(error))
        return page, http_status_of(error)
    if not isinstance(result, str):
        return result
    flash(result)
    return redirect(action.back, 303)
