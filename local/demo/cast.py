"""Who listens in the demonstration: subscribers of different manners, on real HTTP."""

import itertools
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from lakehook.adapters.aws import Aws
from lakehook.adapters.dynamo_subscriptions import DynamoSubscriptions
from lakehook.adapters.http_names import resolve
from lakehook.adapters.kms import KmsSealer
from lakehook.adapters.liquid import LiquidTypesetter
from lakehook.adapters.signing_keys import SigningKeys
from lakehook.adapters.world import FairDice, WallClock
from lakehook.domain.address import parse_networks
from lakehook.domain.event import EventType
from lakehook.judge_endpoint import JudgeEndpoint
from lakehook.settings import Deployment, listed
from lakehook.subscribe import Subscribe, Terms
from lakehook.subscribe.mint import Mint
from local.demo.story import FAILED, PARTIAL, PIPELINES
from local.receiver import OK, Arrival, Receiver, polite

SLOW_SECONDS = 0.4
FAILS_AT_FIRST = 3
REFUSED = PIPELINES[2].id
UNAVAILABLE = 500
MEASURED = (EventType.TASK_RUNNING,)


@dataclass(frozen=True)
class Subscriber:
    receiver: Receiver
    manner: str
    event_types: tuple[EventType, ...] = ()
    refuses: int = 0  # of what it should get, until it is repaired

    @property
    def count(self) -> int:
        return sum(map(len, self.expects().values()))

    def expects(self) -> dict[str, list[tuple[int, EventType]]]:
        """What the story has in store for it, pipeline by pipeline."""
        lines: dict[str, list[tuple[int, EventType]]] = defaultdict(list)
        for pipeline in PIPELINES:
            for sequence, event_type in enumerate(pipeline.life, start=1):
                if not self.event_types or event_type in self.event_types:
                    lines[str(pipeline.id)].append((sequence, event_type))
        return lines


class Shaky:
    """Fails some times, and is well from then on."""

    def __init__(self, times: int) -> None:
        self._failures = itertools.repeat(UNAVAILABLE, times)

    def __call__(self, _: Arrival) -> int:
        return next(self._failures, OK)


class Stuck:
    """Cannot take anything of one pipeline until somebody repairs it."""

    def __init__(self, *, pipeline: str) -> None:
        self._pipeline = pipeline
        self.repaired = False

    def __call__(self, arrival: Arrival) -> int:
        return OK if self.repaired or arrival.pipeline != self._pipeline else UNAVAILABLE


def the_cast() -> tuple[Subscriber, ...]:
    return (
        Subscriber(Receiver("quick"), "answers at once"),
        Subscriber(Receiver("slow", _slow), f"takes {SLOW_SECONDS:g} s to answer"),
        Subscriber(Receiver("failures"), "wants only failures", (FAILED, PARTIAL)),
        Subscriber(Receiver("shaky", Shaky(FAILS_AT_FIRST)), f"fails {FAILS_AT_FIRST} times first"),
    )


def the_stuck_one() -> tuple[Subscriber, Stuck]:
    stuck = Stuck(pipeline=str(REFUSED))
    refused = len(next(one.life for one in PIPELINES if one.id == REFUSED))
    manner = f"refuses {REFUSED} until repaired"
    return Subscriber(Receiver("stuck", stuck), manner, refuses=refused), stuck


def a_measuring_cast(count: int) -> tuple[Subscriber, ...]:
    """Subscribers that the story does not disturb."""
    return tuple(Subscriber(Receiver(f"load-{n}", polite), "", MEASURED) for n in range(count))


@contextmanager
def on_stage(deployment: Deployment, cast: Sequence[Subscriber]) -> Iterator[None]:
    """Have each listen and subscribe, as an operator would have it."""
    subscribe = _subscribe(deployment)
    with ExitStack() as exits:
        for one in cast:
            receiver = exits.enter_context(one.receiver)
            terms = Terms(name=receiver.name, url=receiver.url, event_types=one.event_types)
            _, secret = subscribe(terms)
            assert secret, "a webhook is signed"
            receiver.secret = secret.reveal()
        yield


def _slow(_: Arrival) -> int:
    time.sleep(SLOW_SECONDS)
    return OK


def _subscribe(deployment: Deployment) -> Subscribe:
    aws, clock, dice = Aws(), WallClock(), FairDice()
    sealer = KmsSealer(aws.kms(), deployment.secrets_key)
    opened = parse_networks(listed(deployment.allowed_networks))
    return Subscribe(
        judge=JudgeEndpoint(resolve, opened, print),
        registry=DynamoSubscriptions(aws.dynamodb(), deployment.subscriptions_table, clock),
        sealer=sealer,
        mint=Mint(SigningKeys(), sealer, clock, dice),
        clock=clock,
        dice=dice,
        typesetter=LiquidTypesetter(),
    )
