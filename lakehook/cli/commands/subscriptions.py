"""``lakehook subscriptions``: add, list, show, update, pause, resume, enable and remove."""

from dataclasses import replace

from lakehook.cli.commands import subscription_secrets, subscriptions_apply, subscriptions_test
from lakehook.cli.commands.subscription_secrets import NewSecrets, deferred_interrupt, print_created
from lakehook.cli.commands.subscriptions_test import Challenge
from lakehook.cli.inputs import read_secret, require_single_stdin
from lakehook.cli.options import (
    AllowEmptySecret,
    ChannelName,
    ClearingOptions,
    CommandCall,
    CommandGroup,
    DiscardWaiting,
    FieldOptions,
    FormatName,
    FromBeginning,
    Id,
    Name,
    NewName,
    NewUrl,
    PastSince,
    SecretFile,
    SigningName,
    Url,
    YesRemove,
    examples,
)
from lakehook.cli.output import (
    SECRETS,
    Output,
    Table,
    confirm,
    print_document,
    print_listing,
    print_result,
    to_text,
)
from lakehook.domain.event import EventType
from lakehook.domain.subscription import Subscription
from lakehook.domain.text import counted
from lakehook.operations.views.subscriptions import (
    CreatedSubscriptionView,
    RemovedView,
    ResumedSubscriptionView,
    SubscriptionDetailView,
    SubscriptionView,
    secret_to_reveal,
)
from lakehook.subscriptions.subscribe import SecretRequest, SubscriptionFields

app = CommandGroup(help="Subscriptions: which events go where, and how they are signed.")
for part in (subscription_secrets, subscriptions_test, subscriptions_apply):
    app.add_typer(part.app)


@app.command(
    epilog=examples(
        "lakehook subscriptions add --name ci --url https://ci.example/hook --challenge",
        "lakehook subscriptions add --name pager --url https://pager.example/in"
        " --event-type PIPELINE_FAILED --header-file bearer.txt",
        "lakehook subscriptions add --name lake --url https://lake.example/hook"
        ' --pattern \'{"project_name": [{"prefix": "lake-"}]}\'',
        "lakehook subscriptions add --name archive --url https://archive.example/in --since 7d",
        "lakehook subscriptions add --name old --url https://old.example/devlake"
        " --channel devlake --secret-file secret.txt",
        "lakehook subscriptions add --name robot --url https://robot.example/send"
        " --success-if '{\"code\": [0]}'",
        "lakehook subscriptions add --name jenkins --url https://ci.example/build"
        " --template build.liquid --template-header 'x-project: {{ project_name }}'",
    )
)
def add(  # noqa: PLR0913  each is an option
    *,
    name: Name,
    url: Url,
    channel: ChannelName = None,
    format_: FormatName = None,
    options: FieldOptions,
    signing: SigningName = None,
    secret_file: SecretFile = None,
    allow_empty_secret: AllowEmptySecret = False,
    challenge: Challenge = False,
    from_beginning: FromBeginning = False,
    since: PastSince = None,
    call: CommandCall,
) -> None:
    """Subscribe an endpoint to every PIPELINE_* event, or to those of --event-type.

    Prints its id and, once, the new secret; for ed25519 the public key instead. With --challenge,
    the endpoint is challenged after that; exit code 1 says that it is pending: the endpoint has not
    echoed the challenge, and `lakehook subscriptions test` sends another.
    """
    require_single_stdin(secret_file, options.header_file, options.template_file)
    requested = options.to_fields(name=name, url=url, channel=channel, format=format_)
    provided = read_secret(secret_file)
    service = call.service
    past = service.parse_backfill(since, from_beginning=from_beginning)
    request = SecretRequest(signing=signing, provided=provided, may_be_empty=allow_empty_secret)
    with NewSecrets(service) as new:
        subscription, secret = _subscribe(new, requested, request, pending=challenge)
        view = CreatedSubscriptionView.from_subscription(
            subscription, secret=secret, replay_id=service.start_backfill(subscription, past)
        )
        if challenge:
            subscriptions_test.challenge(new, subscription, view, call.output)
            return
        with new.shown():
            print_created(call.output, view)


def _subscribe(
    new: NewSecrets, requested: SubscriptionFields, request: SecretRequest, *, pending: bool
) -> tuple[Subscription, str | None]:
    """Subscribe, and return the secret to show; an interrupt waits until it will be shown."""
    with deferred_interrupt():
        subscription, key = new.service.subscribe(requested, request, pending=pending)
        if secret := secret_to_reveal(key, request.provided):
            new.add(subscription)
    return subscription, secret


@app.command("list", epilog=examples("lakehook subscriptions list --output json"))
def list_(*, call: CommandCall) -> None:
    """Show every subscription."""
    service = call.service
    subscriptions = service.find_subscription.all()
    healths = service.show_status.healths(subscriptions)
    views = [
        SubscriptionView.from_subscription(subscription, healths[subscription.id])
        for subscription in subscriptions
    ]
    print_listing(call.output, _SUBSCRIPTIONS, views)


def _event_types(view: SubscriptionView) -> str:
    if view.event_types == [name for name in EventType if name.is_of_pipeline]:
        return "every PIPELINE_*"
    return ", ".join(view.event_types)


_SUBSCRIPTIONS = Table(
    {
        "NAME": "name",
        "HEALTH": lambda view: (
            f"{view.health} ({view.disabled_reason})" if view.disabled_reason else view.health
        ),
        "URL": "url",
        "EVENT TYPES": _event_types,
    },
    "no subscriptions",
)


@app.command(epilog=examples("lakehook subscriptions show ci"))
def show(subscription: Id, *, call: CommandCall) -> None:
    """Show one subscription; a removed one by its id."""
    service = call.service
    selected = service.find_subscription(subscription, removed=True)
    healths = service.show_status.healths([selected])
    view = SubscriptionDetailView.from_subscription(selected, healths[selected.id])
    print_document(call.output, view, tables={"secrets": SECRETS})


@app.command(
    epilog=examples(
        "lakehook subscriptions update ci --url https://ci.example/hook/v2 --deadline 20",
        "lakehook subscriptions update pager --every-pipeline-event --no-headers",
    )
)
def update(  # noqa: PLR0913  each is an option
    subscription: Id,
    *,
    name: NewName = None,
    url: NewUrl = None,
    options: FieldOptions,
    clearing: ClearingOptions,
    call: CommandCall,
) -> None:
    """Change the given fields; event types and headers are replaced as a whole."""
    fields = options.to_fields(name=name, url=url)
    requested = replace(fields, **clearing.empty_fields(fields))
    service = call.service
    target = service.find_subscription(subscription)
    amended = service.update(target, requested)
    before, after = map(SubscriptionView.from_subscription, (target, amended))
    print_result(call.output, after, shown=(), note=_changes(before, after))


def _changes(before: SubscriptionView, after: SubscriptionView) -> str:
    """Describe the changes; hidden values may have changed, too."""
    changed = [
        f"{name}: {to_text(old)} → {to_text(new)}"
        for (name, old), new in zip(vars(before).items(), vars(after).values(), strict=True)
        if old != new
    ]
    return "; ".join(changed) or "nothing that is shown has changed"


@app.command(epilog=examples("lakehook subscriptions pause ci"))
def pause(subscription: Id, *, call: CommandCall) -> None:
    """Pause: deliveries wait in the ledger, in order, until it is resumed."""
    service = call.service
    paused = service.pause(service.find_subscription(subscription))
    note = f"{paused.name} is paused: what comes waits, in its order, until it is resumed"
    print_result(call.output, SubscriptionView.from_subscription(paused), shown=(), note=note)


@app.command(epilog=examples("lakehook subscriptions resume ci"))
def resume(subscription: Id, *, call: CommandCall) -> None:
    """Resume a paused subscription, some six hundred lanes a minute."""
    service = call.service
    resumed, lanes = service.resume(service.find_subscription(subscription))
    _print_resumed(call.output, resumed, lanes)


@app.command(epilog=examples("lakehook subscriptions enable ci"))
def enable(subscription: Id, *, call: CommandCall) -> None:
    """Enable a disabled subscription, some six hundred lanes a minute."""
    service = call.service
    enabled, lanes = service.enable(service.find_subscription(subscription))
    _print_resumed(call.output, enabled, lanes)


@app.command(
    epilog=examples(
        "lakehook subscriptions remove ci",
        "lakehook subscriptions remove ci --discard-waiting",
    )
)
def remove(
    subscription: Id,
    *,
    discard_waiting: DiscardWaiting = False,
    yes: YesRemove = False,
    call: CommandCall,
) -> None:
    """Remove a subscription; refused while it has waiting deliveries or dead letters.

    Repeated with its id, it completes an interrupted removal.
    """
    service = call.service
    if not yes:
        target = service.find_subscription(subscription, removed=True)
        confirm(f"remove {target.name} ({target.endpoint.display_url})?")
    tombstone, backlog = service.remove_subscription(subscription, discard_waiting=discard_waiting)
    given_up = f"; {backlog} are given up" if backlog else ""
    note = f"{tombstone.name} is removed{given_up}"
    print_result(call.output, RemovedView.from_removal(tombstone, backlog), shown=(), note=note)


def _print_resumed(output: Output, subscription: Subscription, lanes: int) -> None:
    view = ResumedSubscriptionView.from_subscription(subscription, lanes_resumed=lanes)
    go_on = counted(lanes, "pipeline goes on", "pipelines go on")
    print_result(output, view, shown=(), note=f"{view.name} is {view.state}; {go_on}")
