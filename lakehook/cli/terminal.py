"""Safe output to a terminal: untrusted text cannot move, hide or colour anything there.

Projects, error messages and endpoints' responses are untrusted. A control character could clear the
screen or set its title, and a bidirectional override could reverse a line.
"""

import sys

import typer

from lakehook.domain.text import on_one_line


def write(
    text: str = "",
    *,
    err: bool = False,
    nl: bool = True,
    fg: str | None = None,
    bold: bool | None = None,
) -> None:
    """Write lines to standard output or standard error; ``fg`` and ``bold`` are Click's."""
    lines = "\n".join(map(on_one_line, text.split("\n")))
    typer.secho(lines, err=err, nl=nl, fg=fg, bold=bold)


def confirm(question: str) -> None:
    """Ask at a terminal; a program that calls the command is not asked."""
    if _is_interactive() and not typer.confirm(on_one_line(question)):
        write("nothing is changed")
        raise typer.Exit(1)


def wait_for_enter(request: str) -> None:
    """Wait for a person at a terminal, whose Ctrl-C ends the command; never for a program."""
    if _is_interactive():
        typer.prompt(request, default="", prompt_suffix=" ", show_default=False)


def _is_interactive() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def clear_screen() -> None:
    """Clear the screen before a page is shown again, if there is a terminal."""
    if sys.stdout.isatty():
        typer.echo("\x1b[2J\x1b[H", nl=False)
