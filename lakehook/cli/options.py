"""Arguments and options that commands share."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property, wraps
from inspect import Parameter, signature
from typing import Annotated, Any

import typer

from lakehook.cli.context import CommandService, OpenService
from lakehook.cli.inputs import read_headers, read_template, require_single_stdin
from lakehook.cli.output import Output
from lakehook.domain.channels import CHANNELS, CHANNELS_BY_FORMAT
from lakehook.domain.devlake.sources import DevLakeSource
from lakehook.domain.errors import InvalidInput
from lakehook.domain.event import DEFAULT_SOURCE
from lakehook.domain.lane import DeliveryStatus
from lakehook.domain.signing import SignatureAlgorithm
from lakehook.domain.subscription import (
    DEFAULT_DEADLINE_SECONDS,
    MAX_DEADLINE_SECONDS,
    MIN_DEADLINE_SECONDS,
    WEBHOOK,
    Language,
    Ordering,
)
from lakehook.domain.time import FORMS
from lakehook.subscriptions.subscribe import DEFAULT_SCHEDULE, NO_RATE, SubscriptionFields

STACK = "Lakehook"
TEXT = Output.TEXT

Stack = Annotated[
    str,
    typer.Option(
        "--stack", metavar="NAME", envvar="LAKEHOOK_STACK", help="The CloudFormation stack."
    ),
]
AnswerAs = Annotated[Output, typer.Option("--output", help="Format: for people, or for programs.")]
Utc = Annotated[
    bool, typer.Option("--utc", help="Show exact times in UTC instead of relative ones.")
]
Id = Annotated[str, typer.Argument(metavar="ID", help="Its id, or its name if no other has it.")]

_NAME = typer.Option("--name", metavar="NAME", help="Its name.")
_URL = typer.Option(
    "--url", metavar="URL", help="Its endpoint: https://host/path; for e-mail mailto:address,…"
)
Name = Annotated[str, _NAME]
NewName = Annotated[str | None, _NAME]
Url = Annotated[str, _URL]
NewUrl = Annotated[str | None, _URL]

ChannelName = Annotated[
    str | None,
    typer.Option(
        "--channel",
        metavar="|".join(CHANNELS),
        help=f"How it is reached; default: {WEBHOOK}.",
    ),
]
FormatName = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="|".join(CHANNELS_BY_FORMAT),
        hidden=True,
        help="The channel by its form: lakehook is channel webhook, others have one name.",
    ),
]
DiscardWaiting = Annotated[
    bool, typer.Option("--discard-waiting", help="Discard waiting deliveries and dead letters.")
]

_DELIVERY_ID = typer.Argument(
    metavar="ID", help="<subscription>#<pipeline>#<sequence>: ci#39#2, or sub_0123#staging/39#2."
)
DeliveryId = Annotated[str, _DELIVERY_ID]
PipelineId = Annotated[
    str,
    typer.Argument(metavar="ID", help="The pipeline's id: 39, or staging/39 of a named source."),
]
OfPipeline = Annotated[
    str | None,
    typer.Option(
        "--pipeline", metavar="ID", help="Those of this pipeline: 39, staging/39 of a named source."
    ),
]
OfSource = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="NAME",
        help=f"Pipelines of this source; {DEFAULT_SOURCE} is the one without a name.",
    ),
]
OfSubscription = Annotated[
    str | None,
    typer.Option(
        "--subscription",
        metavar="ID",
        help="Of this subscription, by id or name; a removed one by id.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Confirm for more than one.")]
YesRemove = Annotated[bool, typer.Option("--yes", help="Do not ask at a terminal.")]
Held = Annotated[bool, typer.Option("--held", help="Only lanes that are held.")]
StatusOption = Annotated[DeliveryStatus | None, typer.Option("--status", help="With this status.")]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help=f"Changed since: {FORMS}."),
]
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most this many.")]

ApiHeaders = Annotated[
    list[str] | None,
    typer.Option(
        "--header",
        metavar="'NAME: VALUE'",
        help="For DevLake, such as 'authorization: Bearer …'; repeatable.",
    ),
]
ApiHeaderFile = Annotated[
    typer.FileBinaryRead | None,
    typer.Option(
        "--header-file", metavar="FILE", help="The same, one per line; - is standard input."
    ),
]

EventsFile = Annotated[
    typer.FileBinaryRead,
    typer.Option("--file", metavar="FILE", help="One JSON event per line; - is standard input."),
]
SigningName = Annotated[
    str | None,
    typer.Option(
        "--signing",
        metavar="|".join(SignatureAlgorithm),
        help="Signature: a shared secret, or a key whose public half the receiver has.",
    ),
]
SecretFile = Annotated[
    typer.FileBinaryRead | None,
    typer.Option("--secret-file", metavar="FILE", help="An existing secret; - is standard input."),
]
CertificateFile = Annotated[
    typer.FileBinaryRead,
    typer.Option(
        "--certificate", metavar="FILE", help="In PEM: its own, then the intermediate ones."
    ),
]
KeyFile = Annotated[
    typer.FileBinaryRead,
    typer.Option(
        "--key", metavar="FILE", help="Its private key in PEM, not encrypted; - is standard input."
    ),
]
AllowEmptySecret = Annotated[
    bool,
    typer.Option("--allow-empty-secret", help="Only for DevLake's format: then anybody can sign."),
]
Overlap = Annotated[
    str,
    typer.Option(
        "--overlap",
        metavar="30m|24h|7d|0",
        help="How long the old secret also signs; 0 ends all old ones at once.",
    ),
]

HeadersFile = Annotated[
    typer.FileBinaryRead,
    typer.Option("--headers", metavar="FILE", help="Its headers, as lines or as a JSON object."),
]
BodyFile = Annotated[
    typer.FileBinaryRead,
    typer.Option("--body", metavar="FILE", help="Its body, byte for byte; - is standard input."),
]
PublicKeyText = Annotated[
    str | None,
    typer.Option("--public-key", metavar="whpk_…", help="The public key of an ed25519 secret."),
]
Tolerance = Annotated[
    str, typer.Option("--tolerance", metavar="5m", help="Maximum difference of its time from now.")
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help=f"When it was captured: {FORMS}."),
]

FromBeginning = Annotated[
    bool,
    typer.Option("--from-beginning", help="Also send all stored past events, at 10/s."),
]
PastSince = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help=f"Past events since then: {FORMS}."),
]

OneSource = Annotated[
    str,
    typer.Option(
        "--source",
        metavar="NAME",
        help=f"The DevLake: its name in DevlakeSources, or {DEFAULT_SOURCE}.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class FieldOptions:
    """Options for the fields of a subscription."""

    language: Annotated[
        str | None,
        typer.Option(
            "--language", metavar="|".join(Language), help="Language of channels for people."
        ),
    ] = None
    time_zone: Annotated[
        str | None,
        typer.Option(
            "--time-zone",
            metavar="ZONE",
            help="Time zone of messages to people: Asia/Shanghai. Empty: that of the event.",
        ),
    ] = None
    event_types: Annotated[
        list[str] | None,
        typer.Option("--event-type", metavar="TYPE", help="An event type; repeatable."),
    ] = None
    pattern: Annotated[
        str | None,
        typer.Option(
            "--pattern",
            metavar="JSON",
            help="Only events whose fields match this EventBridge pattern.",
        ),
    ] = None
    success_if: Annotated[
        str | None,
        typer.Option(
            "--success-if",
            metavar="JSON",
            help="Only a 2xx whose body matches this EventBridge pattern is a success.",
        ),
    ] = None
    deadline_seconds: Annotated[
        float | None,
        typer.Option(
            "--deadline",
            metavar="SECONDS",
            help="Deadline of a request, from DNS to the last byte:"
            f" {MIN_DEADLINE_SECONDS:g} to {MAX_DEADLINE_SECONDS:g},"
            f" {DEFAULT_DEADLINE_SECONDS:g} by default.",
        ),
    ] = None
    ordering: Annotated[
        str | None,
        typer.Option(
            "--ordering",
            metavar="|".join(Ordering),
            help="Behind a dead letter the lane is held (strict), or goes on (skip).",
        ),
    ] = None
    retry_schedule: Annotated[
        str | None,
        typer.Option("--retry-schedule", metavar="SECONDS,…", help="Waits between attempts."),
    ] = None
    rate: Annotated[
        str | None,
        typer.Option(
            "--rate",
            metavar="N/s|m|h|d",
            help="Rate limit, evenly spaced; further deliveries wait, in order.",
        ),
    ] = None
    headers: Annotated[
        list[str] | None,
        typer.Option(
            "--header",
            metavar="'NAME: VALUE'",
            help="Sent with every request; repeatable. Its value is encrypted.",
        ),
    ] = None
    header_file: Annotated[
        typer.FileBinaryRead | None,
        typer.Option(
            "--header-file",
            metavar="FILE",
            help="Headers, one 'Name: value' a line, besides those of --header, and in no"
            " process list; - is standard input.",
        ),
    ] = None
    template_file: Annotated[
        typer.FileBinaryRead | None,
        typer.Option(
            "--template",
            metavar="FILE",
            help="Its body, in Liquid over the event's fields; - is standard input.",
        ),
    ] = None
    template_subject: Annotated[
        str | None,
        typer.Option(
            "--template-subject", metavar="TEXT", help="Subject in Liquid, if the channel has one."
        ),
    ] = None
    template_headers: Annotated[
        list[str] | None,
        typer.Option(
            "--template-header",
            metavar="'NAME: TEXT'",
            help="Header with a value in Liquid; repeatable. Must not contain a secret.",
        ),
    ] = None

    def to_fields(self, **own: Any) -> SubscriptionFields:
        """Read the files, and return the given fields; ``own`` are those of one command alone."""
        require_single_stdin(self.header_file, self.template_file)
        values = vars(self) | own
        values["headers"] = read_headers(values.pop("header_file"), self.headers)
        values["template_body"] = read_template(values.pop("template_file"))
        return SubscriptionFields(**{name: value for name, value in values.items() if value != []})


@dataclass(frozen=True, kw_only=True)
class ClearingOptions:
    """Options that empty a field of a subscription."""

    every_pipeline_event: Annotated[
        bool,
        typer.Option("--every-pipeline-event", help="Subscribe to every PIPELINE_* from now on."),
    ] = False
    no_pattern: Annotated[bool, typer.Option("--no-pattern", help="Remove the pattern.")] = False
    no_success_if: Annotated[
        bool, typer.Option("--no-success-if", help="Every 2xx is a success from now on.")
    ] = False
    default_retry_schedule: Annotated[
        bool,
        typer.Option("--default-retry-schedule", help="Use the deployment's schedule from now on."),
    ] = False
    no_rate: Annotated[bool, typer.Option("--no-rate", help="Remove its rate limit.")] = False
    no_headers: Annotated[bool, typer.Option("--no-headers", help="Remove its headers.")] = False
    no_template: Annotated[
        bool, typer.Option("--no-template", help="Use the channel's default form from now on.")
    ] = False

    def empty_fields(self, given: SubscriptionFields) -> Mapping[str, Any]:
        """Return the emptied fields; a usage error names an option that gives one a value."""
        emptied: dict[str, Any] = {}
        for name, (option, values) in _EMPTIED.items():
            if not getattr(self, name):
                continue
            if any(getattr(given, field) is not None for field in values):
                raise typer.BadParameter(
                    "is given, and so is the option that says none", param_hint=option
                )
            emptied |= values
        return emptied


_EMPTIED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "every_pipeline_event": ("--event-type", {"event_types": []}),
    "no_pattern": ("--pattern", {"pattern": ""}),
    "no_success_if": ("--success-if", {"success_if": ""}),
    "default_retry_schedule": ("--retry-schedule", {"retry_schedule": DEFAULT_SCHEDULE}),
    "no_rate": ("--rate", {"rate": NO_RATE}),
    "no_headers": ("--header", {"headers": []}),
    "no_template": (
        "--template",
        {"template_body": "", "template_subject": "", "template_headers": []},
    ),
}


@dataclass(frozen=True, kw_only=True)
class CommandCall:
    """Options of every command, and the service of its stack, opened when it is first used."""

    context: typer.Context
    output: AnswerAs = TEXT
    stack: Stack = STACK

    @cached_property
    def service(self) -> CommandService:
        open_service: OpenService = self.context.obj
        return open_service(self.stack)


class CommandGroup(typer.Typer):
    """Group of commands, whose parameters may be dataclasses of options."""

    def __init__(self, **options: Any) -> None:
        super().__init__(rich_markup_mode=None, **options)

    def command(self, *args: Any, **options: Any) -> Callable[..., Any]:
        register = super().command(*args, **options)
        return lambda command: register(expand_options(command))


def expand_options(command: Callable[..., None]) -> Callable[..., None]:
    """Replace each parameter that is a dataclass by options, one a field, for Typer to see."""
    parameters = signature(command).parameters.values()
    classes: dict[str, Any] = {
        each.name: each.annotation for each in parameters if is_dataclass(each.annotation)
    }

    @wraps(command)
    def run(**values: Any) -> None:
        for name, options in classes.items():
            values[name] = options(**{each.name: values.pop(each.name) for each in fields(options)})
        command(**values)

    expanded = [each for parameter in parameters for each in _expanded(parameter)]
    run.__dict__["__signature__"] = signature(command).replace(parameters=expanded)
    return run


def _expanded(parameter: Parameter) -> Iterator[Parameter]:
    if not is_dataclass(parameter.annotation):
        yield parameter
        return
    for field in fields(parameter.annotation):
        yield parameter.replace(name=field.name, default=field.default, annotation=field.type)


def examples(*lines: str) -> str:
    r"""Format examples for the end of a command's help; ``\b`` keeps the lines."""
    return "\n  ".join(("\b\nExamples:" if len(lines) > 1 else "\b\nExample:", *lines))


def source_name(source: DevLakeSource) -> str:
    return source.name or DEFAULT_SOURCE


def names_of(sources: Sequence[DevLakeSource]) -> str:
    return ", ".join(map(source_name, sources))


def declared_source(service: CommandService, name: str) -> DevLakeSource:
    """Return the source; ``InvalidInput`` lists the declared ones."""
    declared = list(service.devlake_sources)
    for source in declared:
        if source_name(source) == name:
            return source
    raise InvalidInput(f"source: {name[:40]!a} is not one of: {names_of(declared)}")
