"""``lakehook subscriptions``: who wants which events, where, and signed how."""

import typer

from lakehook.desk.past import begin_past, past_asked_for
from lakehook.desk.subscription_facts import facts, facts_with_history, shown_once
from lakehook.subscribe import SecretWish, Terms
from ops import applying, asking, matching, previewing, rotation, standing
from ops.answers import answer, answer_all
from ops.asking import Challenge
from ops.desk import desk_of
from ops.given import headers_in, refuse_one_input_for_two, secret_in
from ops.options import (
    STACK,
    TEXT,
    AnswerAs,
    ChannelName,
    Deadline,
    DefaultSchedule,
    EventTypes,
    EveryPipelineEvent,
    FormatName,
    HeaderFile,
    Headers,
    Id,
    LanguageName,
    Name,
    NewName,
    NewUrl,
    NoHeaders,
    NoPattern,
    NoRate,
    NoTemplate,
    OrderingName,
    Pattern,
    RateText,
    Schedule,
    Stack,
    TemplateFile,
    TemplateHeaders,
    TemplateSubject,
    Url,
    examples,
)
from ops.past import FromBeginning, PastSince
from ops.replacing import pattern_of, rate_of, replaced, schedule_of, templates_of
from ops.rotation import note_on
from ops.secret_options import AllowEmptySecret, SecretFile, SigningName
from ops.subscription_facts import SECRETS, SUBSCRIPTIONS

app = typer.Typer(rich_markup_mode=None, help="Who wants which events, where, and signed how.")
app.add_typer(standing.app)
app.add_typer(rotation.app)
app.add_typer(asking.app)
app.add_typer(matching.app)
app.add_typer(previewing.app)
app.add_typer(applying.app)


@app.command(
    epilog=examples(
        "lakehook subscriptions add --name ci --url https://ci.example/hook --challenge",
        "lakehook subscriptions add --name pager --url https://pager.example/in"
        " --event-type PIPELINE_FAILED --header-file bearer.txt",
        "lakehook subscriptions add --name lake --url https://lake.example/hook"
        ' --pattern \'{"project_name": [{"prefix": "lake-"}]}\'',
        "lakehook subscriptions add --name archive --url https://archive.example/in --since 7d",
        "lakehook subscriptions add --name old --url https://old.example/devlake"
        " --format devlake --secret-file secret.txt",
        "lakehook subscriptions add --name jenkins --url https://ci.example/build"
        " --template build.liquid --template-header 'x-project: {{ project_name }}'",
    )
)
def add(  # noqa: PLR0913  each is an option
    context: typer.Context,
    *,
    name: Name,
    url: Url,
    channel: ChannelName = None,
    format_: FormatName = None,
    language: LanguageName = None,
    event_types: EventTypes = None,
    pattern: Pattern = None,
    signing: SigningName = None,
    secret_file: SecretFile = None,
    allow_empty_secret: AllowEmptySecret = False,
    challenge: Challenge = False,
    deadline: Deadline = None,
    ordering: OrderingName = None,
    retry_schedule: Schedule = None,
    rate: RateText = None,
    headers: Headers = None,
    header_file: HeaderFile = None,
    from_beginning: FromBeginning = False,
    since: PastSince = None,
    template: TemplateFile = None,
    template_subject: TemplateSubject = None,
    template_headers: TemplateHeaders = None,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Subscribe an endpoint to every PIPELINE_* event, or to those of --event-type.

    Prints its id and, this once, the new secret; of ed25519 the public key instead. With
    --challenge the exit code 1 says that it is pending: its endpoint has not echoed the challenge.
    """
    refuse_one_input_for_two(secret_file, header_file, template)
    terms = Terms(
        name=name,
        url=url,
        channel=channel,
        format=format_,
        language=language,
        event_types=event_types,
        pattern=pattern,
        deadline_seconds=deadline,
        ordering=ordering,
        retry_schedule=retry_schedule,
        rate=rate,
        headers=headers_in(header_file, headers),
        **templates_of(template, template_subject, template_headers, emptied=False),
    )
    brought = secret_in(secret_file)
    desk = desk_of(context, stack)
    past = past_asked_for(desk, since, from_beginning=from_beginning)
    wish = SecretWish(signing=signing, brought=brought, may_be_empty=allow_empty_secret)
    subscription, secret = desk.subscribe(terms, wish, pending=challenge)
    told = {"secret": shown_once(secret, brought), **begin_past(desk, subscription, past)}
    if challenge:
        asking.challenge(desk, subscription, told=told, output=output)
    else:
        answer(output, facts(subscription) | told, note=note_on(told["secret"]))


@app.command("list", epilog=examples("lakehook subscriptions list --output json"))
def list_(context: typer.Context, output: AnswerAs = TEXT, stack: Stack = STACK) -> None:
    """Show every subscription."""
    answer_all(output, SUBSCRIPTIONS.of(desk_of(context, stack).look_up.all()))


@app.command(epilog=examples("lakehook subscriptions show ci"))
def show(
    context: typer.Context, subscription: Id, output: AnswerAs = TEXT, stack: Stack = STACK
) -> None:
    """Show one subscription; a removed one by its id."""
    found = desk_of(context, stack).look_up(subscription, removed=True)
    answer(output, facts_with_history(found), sections={"secrets": SECRETS.of(found.secrets)})


@app.command(
    epilog=examples(
        "lakehook subscriptions update ci --url https://ci.example/hook/v2 --deadline 20",
        "lakehook subscriptions update pager --every-pipeline-event --no-headers",
    )
)
def update(  # noqa: PLR0913  each is an option
    context: typer.Context,
    subscription: Id,
    *,
    name: NewName = None,
    url: NewUrl = None,
    language: LanguageName = None,
    event_types: EventTypes = None,
    every_pipeline_event: EveryPipelineEvent = False,
    pattern: Pattern = None,
    no_pattern: NoPattern = False,
    deadline: Deadline = None,
    ordering: OrderingName = None,
    retry_schedule: Schedule = None,
    default_retry_schedule: DefaultSchedule = False,
    rate: RateText = None,
    no_rate: NoRate = False,
    headers: Headers = None,
    header_file: HeaderFile = None,
    no_headers: NoHeaders = False,
    template: TemplateFile = None,
    template_subject: TemplateSubject = None,
    template_headers: TemplateHeaders = None,
    no_template: NoTemplate = False,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Change the terms that are given; event types and headers are replaced as a whole."""
    refuse_one_input_for_two(header_file, template)
    terms = Terms(
        name=name,
        url=url,
        language=language,
        event_types=replaced("--event-type", event_types, emptied=every_pipeline_event),
        pattern=pattern_of(pattern, emptied=no_pattern),
        deadline_seconds=deadline,
        ordering=ordering,
        retry_schedule=schedule_of(retry_schedule, default=default_retry_schedule),
        rate=rate_of(rate, emptied=no_rate),
        headers=replaced("--header", headers_in(header_file, headers), emptied=no_headers),
        **templates_of(template, template_subject, template_headers, emptied=no_template),
    )
    desk = desk_of(context, stack)
    amended = desk.amend(desk.look_up(subscription), terms)
    answer(output, facts(amended) | {"created_at": amended.created_at})
