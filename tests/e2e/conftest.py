"""One installation for all tests here; each has pipelines and subscribers of its own."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from lakehook.domain.event import Event
from lakehook.producer import PipelineEventPublisher
from local.installation import LocalLakehook, Options
from ops.desk import Desk
from ops.options import STACK
from ops.wiring import desk_of_stack
from tests.devlake_vectors import named
from tests.e2e.evidence import Evidence
from tests.e2e.subscribers import Subscribers
from tests.e2e.terminal import Terminal

OPTIONS = Options(
    retry_schedule="0.5,1.5",
    allow_networks=("127.0.0.0/8",),
    clock_seconds=0.5,
    notification_secret=named("TASK_CREATED").secret,
)


Publish = Callable[[Sequence[Event]], int]
"""Says events as the pipeline service does."""


@pytest.fixture(scope="package")
def lakehook() -> Iterator[LocalLakehook]:
    with LocalLakehook(OPTIONS) as installation:
        yield installation


@pytest.fixture(scope="package")
def evidence(lakehook: LocalLakehook) -> Evidence:
    return Evidence(lakehook)


@pytest.fixture(scope="package")
def desk(lakehook: LocalLakehook) -> Desk:
    """As the command finds it: by the name of the stack alone."""
    return desk_of_stack(STACK, print)


@pytest.fixture
def terminal(desk: Desk, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(desk, capsys)


@pytest.fixture
def subscribers(desk: Desk, terminal: Terminal, evidence: Evidence) -> Iterator[Subscribers]:
    with Subscribers(desk, terminal, evidence) as subscribers:
        yield subscribers


@pytest.fixture(scope="package")
def publish(lakehook: LocalLakehook) -> Publish:
    queue_url = lakehook.deployment.events_queue_url
    return PipelineEventPublisher(queue_url, lakehook.client("sqs")).publish
