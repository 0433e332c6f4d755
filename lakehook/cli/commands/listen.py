"""``lakehook listen``: a local receiver that shows each delivery as it arrives."""

from typing import Annotated

import typer

from lakehook.cli.options import CommandCall, examples

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
        help=f"Port to listen on, on a laptop; {DEFAULT_PORT}, or any free port with --forward-to.",
    ),
]
ForwardTo = Annotated[
    str | None,
    typer.Option(
        "--forward-to", metavar="URL", help="Forward each delivery, and return its response."
    ),
]
Fail = Annotated[
    int | None,
    typer.Option("--fail", metavar="STATUS", min=100, max=599, help="Respond with this status."),
]
Slow = Annotated[
    float,
    typer.Option("--slow", metavar="SECONDS", min=0, max=3600, help="Wait before each response."),
]
As = Annotated[
    str | None,
    typer.Option(
        "--subscription",
        metavar="NAME",
        help="Use this subscription's event types, pattern and template.",
    ),
]


def listen(  # noqa: PLR0913  each is an option
    *,
    port: Port = None,
    forward_to: ForwardTo = None,
    fail: Fail = None,
    slow: Slow = 0.0,
    subscription: As = None,
    call: CommandCall,
) -> None:
    """Receive deliveries here, verify each, and print it on one line, until Ctrl-C.

    On a laptop it subscribes itself, and removes the subscription at the end. Against AWS it
    follows the journal, and shows what a subscription would receive, signed by a secret of its own;
    nothing there changes.
    """
    from lakehook.cli.listening import (  # noqa: PLC0415
        AnswerPolicy,
        DevelopmentReceiver,
        Forwarder,
        listen_until_interrupted,
    )

    forward = Forwarder.parse(forward_to) if forward_to else None
    service = call.service
    receiver = DevelopmentReceiver(
        policy=AnswerPolicy(forward=forward, fail=fail, slow_seconds=slow),
        clock=service.clock,
        output=call.output,
    )
    # The target of --forward-to is likely to use the default port itself.
    chosen = port if port is not None else 0 if forward else DEFAULT_PORT
    listen_until_interrupted(service, receiver, subscription, port=chosen)
