"""Subscribers of the demonstration, which behave differently, on real HTTP."""

import itertools
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from lakehook.adapters.aws import Aws
from lakehook.adapters.dynamodb.subscriptions import DynamoSubscriptions
from lakehook.adapters.http.dns import resolve
from lakehook.adapters.kms import KmsEncryptor
from lakehook.adapters.liquid import LiquidRenderer
from lakehook.adapters.signing_keys import CryptographySigningKeys
from lakehook.adapters.system import SystemClock, SystemRandom
from lakehook.domain.event import EventType
from lakehook.domain.ssrf_policy import parse_networks
from lakehook.settings import StackOutputs, parse_list
from lakehook.subscriptions.secrets import SecretIssuer
from lakehook.subscriptions.subscribe import Subscribe, SubscriptionFields, ValidateEndpoint
from local.demo.scenario import DEMO_PIPELINES, FAILED, PARTIAL
from local.receiver import OK, Arrival, Receiver, polite

SLOW_SECONDS = 0.4
FAILS_AT_FIRST = 3
REFUSED = DEMO_PIPELINES[2].id
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
        for pipeline in DEMO_PIPELINES:
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


def demo_subscribers() -> tuple[Subscriber, ...]:
    return (
        Subscriber(Receiver("quick"), "answers at once"),
        Subscriber(Receiver("slow", _slow), f"takes {SLOW_SECONDS:g} s to answer"),
        Subscriber(Receiver("failures"), "wants only failures", (FAILED, PARTIAL)),
        Subscriber(Receiver("shaky", Shaky(FAILS_AT_FIRST)), f"fails {FAILS_AT_FIRST} times first"),
    )


def stuck_subscriber() -> tuple[Subscriber, Stuck]:
    stuck = Stuck(pipeline=str(REFUSED))
    refused = len(
        next(demo_pipeline.life for demo_pipeline in DEMO_PIPELINES if demo_pipeline.id == REFUSED)
    )
    manner = f"refuses {REFUSED} until repaired"
    return Subscriber(Receiver("stuck", stuck), manner, refuses=refused), stuck


def measuring_subscribers(count: int) -> tuple[Subscriber, ...]:
    """Subscribers that the story does not disturb."""
    return tuple(Subscriber(Receiver(f"load-{n}", polite), "", MEASURED) for n in range(count))


@contextmanager
def running_subscribers(deployment: StackOutputs, cast: Sequence[Subscriber]) -> Iterator[None]:
    """Have each listen and subscribe, as an operator would have it."""
    subscribe = _subscribe(deployment)
    with ExitStack() as exits:
        for one in cast:
            receiver = exits.enter_context(one.receiver)
            terms = SubscriptionFields(
                name=receiver.name, url=receiver.url, event_types=one.event_types
            )
            _, secret = subscribe(terms)
            assert secret, "a webhook is signed"
            receiver.secret = secret.reveal()
        yield


def _slow(_: Arrival) -> int:
    time.sleep(SLOW_SECONDS)
    return OK


def _subscribe(deployment: StackOutputs) -> Subscribe:
    aws, clock, dice = Aws(), SystemClock(), SystemRandom()
    sealer = KmsEncryptor(aws.kms(), deployment.secrets_key)
    opened = parse_networks(parse_list(deployment.allowed_networks))
    return Subscribe(
        validate_endpoint=ValidateEndpoint(resolve, opened, print),
        registry=DynamoSubscriptions(aws.dynamodb(), deployment.subscriptions_table, clock),
        encryptor=sealer,
        issuer=SecretIssuer(CryptographySigningKeys(), sealer, clock, dice),
        clock=clock,
        random=dice,
        renderer=LiquidRenderer(),
    )
