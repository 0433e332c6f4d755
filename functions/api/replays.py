"""``/replays``: what was sent, or missed, goes out once more."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Path

from functions.api import answers
from functions.api.fields import (
    USUALLY_LISTED,
    AtDesk,
    Cursor,
    Limit,
    told,
    while_there_is_time,
)
from functions.api.orders import NewReplay
from functions.api.page import page
from lakehook.desk.replay_facts import of_type_facts, replay_facts, tally_facts

ROUTES = Router()
TAGS = ["Replays"]

ReplayId = Annotated[str, Path(description="The replay's id.", examples=["rpl_0123"])]


@ROUTES.get("/replays", summary="List replays", tags=TAGS, **told("The last started first."))
def list_replays(
    desk: AtDesk, limit: Limit = USUALLY_LISTED, cursor: Cursor = None
) -> answers.Replays:
    found, following = page(
        desk.replays.all(),
        key=lambda one: (-one.started_at, one.id),
        limit=limit,
        cursor=cursor,
    )
    return answers.Replays(
        replays=[answers.Replay(**replay_facts(one)) for one in found], next=following
    )


@ROUTES.post(
    "/replays",
    summary="Send the past again",
    description="What was accepted in that time, in order, by the same ids, marked `replayed`."
    " It is written down and goes on by itself; one subscription has one at a time, and asked for"
    " once more it is the one that is open.",
    tags=TAGS,
    **told("It is open, and sends.", 404, 409, status=201, body=True),
)
def replay(desk: AtDesk, wanted: NewReplay) -> answers.ReplayStarted:
    subscription = desk.look_up(wanted.subscription)
    started = desk.start_replay(
        subscription, desk.start_replay.terms(wanted.wish, subscription), counted=False
    )
    return answers.ReplayStarted(**replay_facts(started.replay), attached=started.attached)


@ROUTES.post(
    "/replays/count",
    summary="Count what a replay would send",
    description="All of the journal is read for it, and nothing written. What takes longer than"
    " the function may run is refused: it is for the command.",
    tags=TAGS,
    **told("What it would send.", 404, body=True),
)
def count(desk: AtDesk, wanted: NewReplay) -> answers.ReplayCount:
    subscription = desk.look_up(wanted.subscription)
    terms = desk.start_replay.terms(wanted.wish, subscription)
    told_of = while_there_is_time(ROUTES, instead="lakehook replay --dry-run counts it")
    tally = desk.count_replay(terms, subscription, told=told_of)
    by_type = [answers.OfType(**of_type_facts(one)) for one in sorted(tally.by_type.items())]
    return answers.ReplayCount(**tally_facts(tally, terms, subscription), event_types=by_type)


@ROUTES.get(
    "/replays/<replay>",
    summary="Show a replay",
    tags=TAGS,
    **told("What it was asked for, and how far it has come.", 404),
)
def show_replay(desk: AtDesk, replay: ReplayId) -> answers.Replay:
    return answers.Replay(**replay_facts(desk.replays(replay)))


@ROUTES.post(
    "/replays/<replay>/stop",
    summary="Stop a replay",
    description="What is lined up by now still goes out.",
    tags=TAGS,
    **told("The replay; one that had ended is as it was.", 404, 409),
)
def stop_replay(desk: AtDesk, replay: ReplayId) -> answers.Replay:
    return answers.Replay(**replay_facts(desk.stop_replay(replay)))
