"""The laptop's commands: ``python -m local up`` and ``python -m local demo``."""

import math
import secrets
import string
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from lakehook.domain.devlake.sources import NONE, DevLakeSources, is_source_name
from lakehook.domain.errors import InvalidInput
from lakehook.domain.retry import RetrySchedule
from lakehook.domain.ssrf_policy import parse_networks
from lakehook.domain.subscription import parse_language
from local.hosts import BadHosts, read_hosts

_ALPHABET, _LENGTH = string.ascii_letters + string.digits, 48  # as the stack generates on AWS

DEFAULT_PORT = 4566
LAPTOP_SECRET = "the-laptops-notification-secret-which-is-no-secret"  # noqa: S105  on loopback alone
MAX_PORT = 65533
"""Two ports follow, for the functions that have a URL."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="The whole of Lakehook on this machine, without AWS.",
)
Port = Annotated[
    int,
    typer.Option(
        min=0,
        max=MAX_PORT,
        help="Port to listen on; the ingress and the API have the next ones. 0: any free ones.",
    ),
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json", help="For programs: one line of JSON on standard output, as without a terminal."
    ),
]
State = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        file_okay=False,
        help="Directory for its data, which the next run continues with; default: none.",
    ),
]
EmailSender = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Sender of mails, to try the channel email."),
]
SecretFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The secret that DevLake signs with; a missing file is created with a new one."
        " Default: the same secret on every laptop.",
    ),
]

WithConsole = Annotated[
    bool, typer.Option("--console", help="Serve the operator's pages, too, and print their URL.")
]


def kept_secret(path: Path) -> str:
    """Return the file's first line; without a file, a new secret, which is written to it.

    Raises ``OSError`` if the file can be neither read nor written, ``ValueError`` if it is empty.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return _new_secret(path)
    if len(lines) != 1 or not lines[0]:
        raise ValueError(f"{path}: not one line with a secret")
    return lines[0]


def _new_secret(path: Path) -> str:
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    path.touch(mode=0o600)
    path.write_text(f"{secret}\n", encoding="utf-8")
    return secret


def _retry_schedule(text: str | None) -> str | None:
    try:
        if text is not None:
            RetrySchedule.parse(text)
    except InvalidInput as error:
        raise typer.BadParameter(str(error)) from error
    return text


CaFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Authorities of private receivers: their certificates in PEM.",
    ),
]
Schedule = Annotated[
    str | None,
    typer.Option(callback=_retry_schedule, help="Seconds before each further attempt: 1,2,4."),
]


def _clock_seconds(seconds: float | None) -> float | None:
    if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
        raise typer.BadParameter("give seconds above 0: 0.5")
    return seconds


ClockSeconds = Annotated[
    float | None,
    typer.Option(
        callback=_clock_seconds, help="Seconds between the scheduler's runs; default: as on AWS."
    ),
]


THIS_MACHINE = "127.0.0.0/8"


def _networks(texts: list[str] | None) -> list[str]:
    try:
        return [str(network) for network in parse_networks(texts or (THIS_MACHINE,))]
    except ValueError as error:
        raise typer.BadParameter(f"{error}; give a network: 127.0.0.0/8") from error


AllowNetwork = Annotated[
    list[str] | None,
    typer.Option(
        callback=_networks,
        show_default=THIS_MACHINE,
        help="A private network that may be called; repeatable.",
    ),
]


def _hosts(path: Path | None) -> Path | None:
    try:
        if path is not None:
            read_hosts(path)
    except BadHosts as error:
        raise typer.BadParameter(str(error)) from error
    return path


HostsFile = Annotated[
    Path | None,
    typer.Option(
        callback=_hosts,
        metavar="FILE",
        help="Addresses of names, for the functions: a JSON object,"
        ' {"ci.example": ["127.0.0.1"]}, read again at each look-up.',
    ),
]


def _url(text: str | None) -> str | None:
    try:
        if text is not None:
            DevLakeSources.parse(text, NONE, "{}")
    except InvalidInput as error:
        raise typer.BadParameter(str(error).removeprefix("devlake API: ")) from error
    return text


DevlakeApi = Annotated[
    str | None,
    typer.Option(
        callback=_url,
        metavar="URL",
        help="DevLake's REST API, such as http://127.0.0.1:8080, for what its notices lack.",
    ),
]
DevlakeUi = Annotated[
    str | None,
    typer.Option(
        callback=_url,
        metavar="URL",
        help="DevLake's config UI for links in messages, such as http://127.0.0.1:4000.",
    ),
]


def _sources(texts: list[str] | None) -> list[str]:
    for text in texts or ():
        name, _, url = text.partition("=")
        if not is_source_name(name):
            raise typer.BadParameter(
                f"{name[:40]!a} is no name: give 1 to 32 letters, digits or -_, and not default"
            )
        _url(url or None)
    return texts or []


DevlakeSource = Annotated[
    list[str] | None,
    typer.Option(
        callback=_sources,
        metavar="NAME[=API_URL]",
        help="One more DevLake: its notices go to the ingress's URL followed by the name;"
        " repeatable.",
    ),
]


def _secret(path: Path | None) -> str | None:
    try:
        return None if path is None else kept_secret(path)
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}", param_hint="--secret-file") from error
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--secret-file") from error


def _ca_bundle(path: Path | None) -> str | None:
    from lakehook.adapters.http.tls import check_authorities  # noqa: PLC0415  as moto, below

    if path is None:
        return None
    try:
        check_authorities(bundle := path.read_text(encoding="utf-8"))
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}", param_hint="--ca-file") from error
    except (InvalidInput, UnicodeDecodeError) as error:
        reason = "not one or more certificates in PEM"
        raise typer.BadParameter(f"{path}: {reason}", param_hint="--ca-file") from error
    return bundle


@app.command(epilog="Example: python -m local up --retry-schedule 1,2,4 --clock-seconds 1")
def up(  # noqa: PLR0913  each is an option
    *,
    port: Port = DEFAULT_PORT,
    retry_schedule: Schedule = None,
    clock_seconds: ClockSeconds = None,
    allow_network: AllowNetwork = None,
    hosts: HostsFile = None,
    secret_file: SecretFile = None,
    devlake_api: DevlakeApi = None,
    devlake_ui: DevlakeUi = None,
    devlake_source: DevlakeSource = None,
    ca_file: CaFile = None,
    email_sender: EmailSender = None,
    state: State = None,
    as_json: AsJson = False,
    console: WithConsole = False,
) -> None:
    """Run until SIGTERM or Ctrl-C. When ready, print where everything is.

    A terminal gets it for people, a pipe or a file as one line of JSON. Its data is lost when it
    ends, unless --state names a directory.
    """
    from local.installation import Options  # noqa: PLC0415  moto takes a second; --help should not
    from local.up import up as run  # noqa: PLC0415

    options = Options(
        port=port,
        retry_schedule=retry_schedule,
        clock_seconds=clock_seconds,
        allow_networks=tuple(allow_network or ()),
        hosts=hosts,
        notification_secret=_secret(secret_file) or LAPTOP_SECRET,
        ca_bundle=_ca_bundle(ca_file),
        email_sender=email_sender,
        state=state,
        devlake_api_url=devlake_api,
        devlake_ui_url=devlake_ui,
        devlake_sources=dict(_named(text) for text in devlake_source or ()),
    )
    raise typer.Exit(run(options, as_json=as_json or not sys.stdout.isatty(), console=console))


def _named(source: str) -> tuple[str, str | None]:
    name, _, url = source.partition("=")
    return name, url or None


@app.command()
def demo(
    *,
    keep: Annotated[
        bool, typer.Option("--keep", help="At the end, serve the operator's pages until Ctrl-C.")
    ] = False,
) -> None:
    """Show what Lakehook does: deliveries in order, signed, retried, and dead-lettered."""
    from local.console import keep_open  # noqa: PLC0415  as below
    from local.demo import run  # noqa: PLC0415  up does not need it

    raise typer.Exit(run(keep_open) if keep else run())


@app.command()
def console(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the pages.")] = 8300,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open nothing.")] = False,
    language: Annotated[str, typer.Option(metavar="en|zh", help="Language of the pages.")] = "en",
) -> None:
    """Show the operator's pages with sample subscribers and a few running pipelines."""
    from local.console import serve_sample  # noqa: PLC0415  as above
    from local.up import until_interrupted  # noqa: PLC0415

    chosen = parse_language(language)
    until_interrupted(lambda: serve_sample(port=port, no_browser=no_browser, language=chosen))


def main() -> None:
    """Run; invalid arguments are reported on one line, with exit status 2."""
    try:
        status = app(standalone_mode=False)
    except TyperException as mistake:
        print(mistake.format_message(), file=sys.stderr)
        status = mistake.exit_code
    sys.exit(status)


if __name__ == "__main__":
    main()
