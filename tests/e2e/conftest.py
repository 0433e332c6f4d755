"""Shared installation for all tests here; each has pipelines and subscribers of its own."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from lakehook.cli.bootstrap import open_service
from lakehook.cli.context import CommandService
from lakehook.cli.options import STACK
from lakehook.domain.event import Event
from lakehook.producer import Publisher
from local.installation import LocalLakehook, Options
from tests.devlake.rest import SharedRest, serving
from tests.devlake_vectors import vector_named
from tests.e2e.evidence import Evidence
from tests.e2e.kills import soon_visible_again
from tests.e2e.subscribers import Subscribers
from tests.e2e.terminal import Terminal
from tests.integration.authority import Authority

__all__ = ["soon_visible_again"]
HERE = Path(__file__).parent

SENDER = "lakehook@team.example"
KNOWN, READ, AWAY = "known", "read", "away"
"""Further DevLakes: the REST APIs of two are known, and that of the third does not answer.

A test that looks at what the ingress reads has ``READ``: it asks an API that was slow no more for
a while, and ``KNOWN`` may be busy.
"""

NOBODY = "http://127.0.0.1:1"
DEVLAKES_UI = "https://devlake.example"  # of the default source
STALLING = "stalling"  # a project whose pipelines never have enough time

OPTIONS = Options(
    stall_thresholds=json.dumps({"projects": {STALLING: {"created": "1s"}}}),
    retry_schedule="0.5,1.5",
    allow_networks=("127.0.0.0/8",),
    clock_seconds=0.5,
    notification_secret=vector_named("TASK_CREATED").secret,
    email_sender=SENDER,
    devlake_ui_url=DEVLAKES_UI,
)


LAST = "test_permissions.py"
"""It judges what all the others have made the functions do."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Last among those here alone: in between the installation would be taken down."""
    own_items = [item for item in items if item.path.parent == HERE]
    in_order = iter(sorted(own_items, key=lambda item: item.path.name == LAST))
    items[:] = [next(in_order) if item.path.parent == HERE else item for item in items]


Publish = Callable[[Sequence[Event]], int]
"""Says events as the pipeline service does."""


@pytest.fixture(scope="package")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hosts file of the functions, until a test changes it."""
    path = tmp_path_factory.mktemp("machine") / "hosts.json"
    path.write_text("{}")
    return path


@pytest.fixture(scope="package")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Log of the functions' processes."""
    return tmp_path_factory.mktemp("log") / "functions.log"


@pytest.fixture(scope="package")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Record of the functions' calls of AWS."""
    path = tmp_path_factory.mktemp("calls") / "calls.jsonl"
    path.touch()
    return path


@pytest.fixture(scope="package")
def devlakes() -> Iterator[dict[str, SharedRest]]:
    """REST APIs by source, for whichever servers a test mounts there."""
    shared = {name: SharedRest() for name in (KNOWN, READ)}
    with ExitStack() as exits:
        for api in shared.values():
            api.url = exits.enter_context(serving(api.answer))
        yield shared


@pytest.fixture(scope="package")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Certificate authority that the installation trusts."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="package")
def lakehook(
    hosts: Path, log: Path, calls: Path, devlakes: dict[str, SharedRest], authority: Authority
) -> Iterator[LocalLakehook]:
    with log.open("ab") as sink:
        sources = {name: api.url for name, api in devlakes.items()} | {AWAY: NOBODY}
        functions_options = replace(OPTIONS, hosts=hosts, calls=calls, sink=sink.fileno())
        options = replace(functions_options, devlake_sources=sources, ca_bundle=authority.pem)
        with LocalLakehook(options) as installation:
            yield installation


@pytest.fixture(scope="package")
def evidence(lakehook: LocalLakehook, log: Path) -> Evidence:
    return Evidence(lakehook, log)


@pytest.fixture(scope="package")
def service(lakehook: LocalLakehook) -> CommandService:
    """Open the service as the command does: by the name of the stack alone."""
    return open_service(STACK, print)


@pytest.fixture
def terminal(service: CommandService, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(service, capsys)


@pytest.fixture
def subscribers(
    service: CommandService, terminal: Terminal, evidence: Evidence
) -> Iterator[Subscribers]:
    with Subscribers(service, terminal, evidence) as subscribers:
        yield subscribers


@pytest.fixture(scope="package")
def publish(lakehook: LocalLakehook) -> Publish:
    queue_url = lakehook.deployment.events_queue_url
    return Publisher(queue_url, lakehook.client("sqs")).publish


SendBody = Callable[[str, str], None]
"""Sends a body in the group of a pipeline, whatever it is."""


@pytest.fixture(scope="package")
def send_body(lakehook: LocalLakehook) -> SendBody:
    sqs = lakehook.client("sqs")

    def send_body(pipeline_id: str, body: str) -> None:
        sqs.send_message(
            QueueUrl=lakehook.deployment.events_queue_url,
            MessageBody=body,
            MessageGroupId=pipeline_id,
            MessageDeduplicationId=str(uuid4()),
        )

    return send_body
