"""``lakehook listen``: a receiver at hand, which shows each delivery as it comes."""

from typing import Annotated

import typer

from lakehook.cli.context import service_of
from lakehook.cli.options import STACK, TEXT, AnswerAs, Stack, examples

DEFAULT_PORT = 8000
MAX_PORT = 65535
EXAMPLES = examples(
    "lakehook listen",
    "lakehook listen --forward-to http://localhost:3000/hook --subscription ci",
    "lakehook listen --fail 500",
)
Port = Annotated[
    int | None,
    typer.Option(
        "--port",
        metavar="PORT",
        min=0,
        max=MAX_PORT,
        help=f"On a laptop: where to listen; {DEFAULT_PORT}, or any free port with --forward-to.",
    ),
]
ForwardTo = Annotated[
    str | None,
    typer.Option(
        "--forward-to", metavar="URL", help="Send each delivery on, and answer as it does."
    ),
]
Fail = Annotated[
    int | None,
    typer.Option("--fail", metavar="STATUS", min=100, max=599, help="Answer with this status."),
]
Slow = Annotated[
    float,
    typer.Option("--slow", metavar="SECONDS", min=0, max=3600, help="Wait before each answer."),
]
As = Annotated[
    str | None,
    typer.Option(
        "--subscription",
        metavar="NAME",
        help="Get what this subscription gets: its event types, pattern and template.",
    ),
]


def listen(  # noqa: PLR0913  each is an option
    context: typer.Context,
    *,
    port: Port = None,
    forward_to: ForwardTo = None,
    fail: Fail = None,
    slow: Slow = 0.0,
    subscription: As = None,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Receive deliveries here, verify each, and print it in a line, until Ctrl-C.

    On a laptop it subscribes itself and leaves nothing behind. Against AWS it follows the journal
    and takes what a subscription would get, signed by a secret of its own; nothing there changes.
    """
    from lakehook.cli.listening import listen_until_interrupted  # noqa: PLC0415  few listen
    from lakehook.cli.receiver import AnswerPolicy, Forwarder, Receiver  # noqa: PLC0415

    forward = Forwarder.parse(forward_to) if forward_to else None
    service = service_of(context, stack)
    receiver = Receiver(
        policy=AnswerPolicy(forward=forward, fail=fail, slow_seconds=slow),
        clock=service.clock,
        output=output,
    )
    # What it forwards to is likely to listen on the usual port itself.
    chosen = port if port is not None else 0 if forward else DEFAULT_PORT
    listen_until_interrupted(service, receiver, subscription, port=chosen)
