"""Arguments and options that commands share."""

from typing import Annotated

import typer

from lakehook.cli.output import Output
from lakehook.domain.channels import CHANNELS, CHANNELS_BY_FORMAT
from lakehook.domain.lane import DeliveryStatus
from lakehook.domain.pipeline_key import DEFAULT_SOURCE
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

STACK = "Lakehook"
TEXT = Output.TEXT

Stack = Annotated[
    str,
    typer.Option(
        "--stack", metavar="NAME", envvar="LAKEHOOK_STACK", help="Where: the CloudFormation stack."
    ),
]
AnswerAs = Annotated[Output, typer.Option("--output", help="For people, or for programs.")]
Utc = Annotated[
    bool, typer.Option("--utc", help="Exact times, in UTC; else how long ago they were.")
]
Id = Annotated[
    str, typer.Argument(metavar="ID", help="Its id, or its name if no other bears the same.")
]

_NAME = typer.Option("--name", metavar="NAME", help="What people call it.")
_URL = typer.Option(
    "--url", metavar="URL", help="Where it listens: https://host/path; of email mailto:address,…"
)
Name = Annotated[str, _NAME]
NewName = Annotated[str | None, _NAME]
Url = Annotated[str, _URL]
NewUrl = Annotated[str | None, _URL]

EventTypes = Annotated[
    list[str] | None,
    typer.Option("--event-type", metavar="TYPE", help="An event it wants; repeatable."),
]
Pattern = Annotated[
    str | None,
    typer.Option(
        "--pattern",
        metavar="JSON",
        help="Of these the events whose fields match, in EventBridge's syntax.",
    ),
]
NoPattern = Annotated[
    bool, typer.Option("--no-pattern", help="It wants them whatever their fields are.")
]
EveryPipelineEvent = Annotated[
    bool, typer.Option("--every-pipeline-event", help="It wants every PIPELINE_* from now on.")
]
Deadline = Annotated[
    float | None,
    typer.Option(
        "--deadline",
        metavar="SECONDS",
        help="For a whole exchange, from DNS to the last byte:"
        f" {MIN_DEADLINE_SECONDS:g} to {MAX_DEADLINE_SECONDS:g},"
        f" {DEFAULT_DEADLINE_SECONDS:g} if never said.",
    ),
]
ChannelName = Annotated[
    str | None,
    typer.Option(
        "--channel",
        metavar="|".join(CHANNELS),
        help=f"By which it is told: {WEBHOOK} if never said.",
    ),
]
LanguageName = Annotated[
    str | None,
    typer.Option(
        "--language", metavar="|".join(Language), help="Of a channel that speaks to people."
    ),
]
RateText = Annotated[
    str | None,
    typer.Option(
        "--rate",
        metavar="N/s|m|h|d",
        help="At most so many requests, evenly spaced; what is over it waits, in its order.",
    ),
]
NoRate = Annotated[bool, typer.Option("--no-rate", help="No rate of its own from now on.")]
FormatName = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="|".join(CHANNELS_BY_FORMAT),
        hidden=True,
        help="An older name: lakehook is channel webhook, devlake is channel devlake.",
    ),
]
OrderingName = Annotated[
    str | None,
    typer.Option(
        "--ordering",
        metavar="|".join(Ordering),
        help="Behind a dead letter a lane is held (strict), or goes on (skip).",
    ),
]
Schedule = Annotated[
    str | None,
    typer.Option("--retry-schedule", metavar="SECONDS,…", help="The waits between attempts."),
]
DefaultSchedule = Annotated[
    bool,
    typer.Option("--default-retry-schedule", help="It has no schedule of its own from now on."),
]
Headers = Annotated[
    list[str] | None,
    typer.Option(
        "--header",
        metavar="'NAME: VALUE'",
        help="Sent with every request; repeatable. Its value is kept sealed.",
    ),
]
HeaderFile = Annotated[
    typer.FileBinaryRead | None,
    typer.Option(
        "--header-file",
        metavar="FILE",
        help="Headers, one 'Name: value' a line, beside those of --header, and in no process list;"
        " - is standard input.",
    ),
]
NoHeaders = Annotated[
    bool, typer.Option("--no-headers", help="It has no headers of its own from now on.")
]
TemplateFile = Annotated[
    typer.FileBinaryRead | None,
    typer.Option(
        "--template",
        metavar="FILE",
        help="Its body, in Liquid over the event's fields; - is standard input.",
    ),
]
TemplateSubject = Annotated[
    str | None,
    typer.Option(
        "--template-subject", metavar="TEXT", help="In Liquid, of a channel that has one."
    ),
]
TemplateHeaders = Annotated[
    list[str] | None,
    typer.Option(
        "--template-header",
        metavar="'NAME: TEXT'",
        help="A header whose value is in Liquid; repeatable. It is no place for a secret.",
    ),
]
NoTemplate = Annotated[
    bool, typer.Option("--no-template", help="In the channel's own way from now on.")
]
DiscardWaiting = Annotated[
    bool, typer.Option("--discard-waiting", help="Give up what waits, and dead letters too.")
]

_DELIVERY_ID = typer.Argument(
    metavar="ID", help="<subscription>#<pipeline>#<sequence>: ci#39#2, or sub_0123#staging/39#2."
)
DeliveryId = Annotated[str, _DELIVERY_ID]
DeliveryIds = Annotated[
    list[str] | None, typer.Argument(metavar="ID", help="Such as ci#39#2, or sub_0123#39#2.")
]
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
        help="Those of this one, by id or by name; a removed one by id.",
    ),
]
Reason = Annotated[
    str | None, typer.Option("--reason", metavar="REASON", help="Those that died of this.")
]
Every = Annotated[bool, typer.Option("--all", help="Every one there is.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it, also to more than one.")]
YesRemove = Annotated[bool, typer.Option("--yes", help="Do not ask at a terminal.")]
Held = Annotated[bool, typer.Option("--held", help="Those that hold something.")]
StatusOption = Annotated[
    DeliveryStatus | None, typer.Option("--status", help="Those that stand like this.")
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help=f"Those changed since: {FORMS}."),
]
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many.")]

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
        "--header-file", metavar="FILE", help="The same, one a line; - is standard input."
    ),
]

EventsFile = Annotated[
    typer.FileBinaryRead,
    typer.Option("--file", metavar="FILE", help="One JSON event a line; - is standard input."),
]
SigningName = Annotated[
    str | None,
    typer.Option(
        "--signing",
        metavar="|".join(SignatureAlgorithm),
        help="By a secret that both sides share, or by a key whose public half the receiver has.",
    ),
]
SecretFile = Annotated[
    typer.FileBinaryRead | None,
    typer.Option(
        "--secret-file", metavar="FILE", help="A secret that exists; - is standard input."
    ),
]
AllowEmptySecret = Annotated[
    bool,
    typer.Option(
        "--allow-empty-secret", help="In DevLake's format: anybody can sign as we do, then."
    ),
]
Overlap = Annotated[
    str,
    typer.Option(
        "--overlap",
        metavar="30m|24h|7d|0",
        help="How long the old secret signs beside the new one; 0 ends all old ones at once.",
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
    str, typer.Option("--tolerance", metavar="5m", help="How far its time may be from now.")
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help=f"When it was captured: {FORMS}."),
]

FromBeginning = Annotated[
    bool,
    typer.Option("--from-beginning", help="It is sent all of the past that is kept, at 10/s."),
]
PastSince = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help=f"The past since then: {FORMS}."),
]


def examples(*lines: str) -> str:
    r"""The end of a command's help; ``\b`` keeps the lines as they are."""
    return "\n  ".join(("\b\nExamples:" if len(lines) > 1 else "\b\nExample:", *lines))
