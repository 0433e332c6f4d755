"""Shared browser, and a local cloud after a night of failures, for all tests here."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import pytest
import requests
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from lakehook.adapters.aws import Aws
from lakehook.console.server import Served
from lakehook.dead_letters import DeadLetterSelector
from lakehook.domain.event import EventType
from lakehook.operations import OperatorService
from lakehook.operations.bootstrap import operator_service_on
from lakehook.operations.views.status import StatusView
from lakehook.producer import Publisher
from lakehook.subscriptions.subscribe import SecretRequest, SubscriptionFields
from local.console import serve_console
from local.installation import LocalLakehook, Options
from local.receiver import OK, Arrival, CannedResponse, Receiver
from tests.browser.chromium import ARGUMENTS, chromium
from tests.builders import an_event
from tests.integration.eventually import eventually

OTHER_HOST = "rebind.example"
MARKUP = "</td><script>alert(1)</script><img src=x onerror=alert(2)>"
UNSEEN = "\u202e\x1b[2J"
OPTIONS = Options(allow_networks=("127.0.0.0/8",), retry_schedule="0.2", clock_seconds=0.5)
PIPELINES = ("39", "40")
LIFE = (EventType.PIPELINE_CREATED, EventType.PIPELINE_RUNNING, EventType.PIPELINE_FAILED)
PATIENCE = 120.0


class Night:
    """A subscriber of each kind of trouble, on a laptop's cloud, where strangers write markup."""

    def __init__(self, lakehook: LocalLakehook, service: OperatorService) -> None:
        self.service = service
        self.publish = Publisher(lakehook.deployment.events_queue_url, lakehook.client("sqs"))
        self.is_poisonous = True
        self.receivers = {
            "jenkins": Receiver("jenkins", _echo),
            "ci-status": Receiver("ci-status", lambda _: _answer(503, "upstream connect error")),
            "metrics": Receiver("metrics", self._poisoned),
            "old-portal": Receiver("old-portal", lambda _: _answer(410, "this was deleted")),
        }
        self.lakehook = lakehook

    def _poisoned(self, arrival: Arrival) -> CannedResponse:
        fails = self.is_poisonous and arrival.event_type != EventType.PIPELINE_CREATED
        return _answer(500, "KeyError: 'owner'") if fails else CannedResponse(OK)

    def begin(self) -> None:
        for name, receiver in self.receivers.items():
            receiver.secret = self.subscribe(name, receiver.url)
        self.publish.publish(
            [
                an_event(
                    pipeline_id=pipeline,
                    event_type=str(kind),
                    event_id=f"{kind}-{pipeline}",
                    project_name=f"lake {MARKUP}{UNSEEN}",
                    message=f"HTTP 502 {MARKUP}{UNSEEN}",
                )
                for pipeline in PIPELINES
                for kind in LIFE
            ]
        )
        self.quarantine("60")
        eventually(self.has_come, what=lambda: str(self.rows()))

    def subscribe(self, name: str, url: str) -> str:
        """Subscribe an endpoint under a hostile name; return its secret."""
        schedule = "600" if name == "ci-status" else "0.1"
        fields = SubscriptionFields(name=f"{name}{MARKUP}", url=url, retry_schedule=schedule)
        _, key = self.service.subscribe(fields, SecretRequest())
        assert key
        return key.reveal()

    def quarantine(self, pipeline: str) -> None:
        self.lakehook.client("sqs").send_message(
            QueueUrl=self.lakehook.deployment.events_queue_url,
            MessageBody=f"oops {MARKUP}",
            MessageGroupId=pipeline,
            MessageDeduplicationId=f"parked-{pipeline}",
        )

    def status(self) -> StatusView:
        return StatusView.from_report(self.service.show_status())

    def rows(self) -> dict[str, tuple[str, int]]:
        subscribers = self.status().subscribers
        return {
            subscriber.name.removesuffix(MARKUP): (subscriber.health, subscriber.dead_letters)
            for subscriber in subscribers
        }

    def has_come(self) -> bool:
        rows = self.rows()
        healths = {name: health for name, (health, _) in rows.items()}
        return (
            (healths["ci-status"], healths["old-portal"]) == ("down", "disabled")
            and rows["metrics"][1] == len(PIPELINES)
            and len(self.receivers["jenkins"].taken) == len(PIPELINES) * len(LIFE)
            and self.status().parked == 1
        )

    def id_of(self, name: str) -> str:
        subscriptions = self.service.find_subscription.all()
        (id_,) = [
            subscription.id for subscription in subscriptions if subscription.name.startswith(name)
        ]
        return id_

    def letters(self, name: str) -> list[str]:
        """Pipelines and sequences of its dead letters."""
        selector = DeadLetterSelector(subscription_id=self.id_of(name))
        letters = self.service.find_dead_letters(selector)
        return [f"{letter.lane.pipeline_key}#{letter.sequence}" for letter in letters]

    def delivery(self, name: str, pipeline: str = "39", sequence: int = 2) -> str:
        return f"{self.id_of(name)}#{pipeline}#{sequence}"


def _echo(arrival: Arrival) -> CannedResponse:
    return CannedResponse(OK, body=str(arrival.body.get("challenge", "")).encode())


def _answer(status: int, text: str) -> CannedResponse:
    return CannedResponse(status, body=f"{text} {MARKUP}{UNSEEN}".encode())


@dataclass
class Window:
    """A page that is let in, and what went wrong in it."""

    page: Page
    night: Night
    origin: str
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(self.origin + path)
        return self.page

    def subscriber(self, name: str, tab: str = "") -> Page:
        return self.open(f"/subscriptions/{self.night.id_of(name)}{tab}")

    def act(self, link: str, button: str | None = None) -> None:
        """Follow an action's link, and confirm it: it says what it does, and its command."""
        self.page.get_by_role("link", name=link, exact=True).first.click()
        expect(self.page.locator("ul.effects li").first).to_be_visible()
        assert "lakehook " in self.page.locator(".shell code").first.inner_text()
        self.page.get_by_role("button", name=button or link).click()

    def says(self, text: str) -> None:
        expect(self.page.get_by_role("status").filter(has_text=text).first).to_be_visible()

    def watch(self, request: Request) -> None:
        if not request.url.startswith(self.origin):
            self.faults.append(f"asked {request.url}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Browser of a module: while Playwright runs, its event loop blocks asyncio for others."""
    path, environment = chromium()
    expect.set_options(timeout=PATIENCE * 1000)
    rules = f"--host-resolver-rules=MAP {OTHER_HOST} 127.0.0.1"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path, args=[*ARGUMENTS, rules], env=dict(environment)
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Night, Served]]:
    """A cloud for the module, whose functions log to a file."""
    log = tmp_path_factory.mktemp("log") / "functions.log"
    with ExitStack() as exits:
        sink = exits.enter_context(log.open("ab"))
        options = replace(OPTIONS, sink=sink.fileno())
        lakehook = exits.enter_context(LocalLakehook(options))
        console = exits.enter_context(serve_console(lakehook, port=0))
        operations = operator_service_on(lakehook.deployment, Aws(), _warn)
        night = Night(lakehook, operations)
        for receiver in night.receivers.values():
            exits.enter_context(receiver)
        night.begin()
        with requests.Session() as first:  # its AWS clients are of this environment, not a test's
            first.get(console.access.new_ticket_url(), timeout=PATIENCE)
            first.get(console.access.origin, timeout=PATIENCE).raise_for_status()
        yield night, console


def _warn(message: str) -> None:
    raise AssertionError(message)


@pytest.fixture
def night(installation: tuple[Night, Served]) -> Night:
    return installation[0]


@pytest.fixture
def console(installation: tuple[Night, Served]) -> Served:
    return installation[1]


@pytest.fixture
def window(browser: Browser, console: Served, night: Night) -> Iterator[Window]:
    """Fail the test on console messages, exceptions and requests to other hosts."""
    with browser.new_context(reduced_motion="reduce") as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        opened = Window(page, night, console.access.origin)
        page.on("request", opened.watch)
        page.on("console", lambda message: opened.faults.append(message.text))
        page.on("pageerror", lambda error: opened.faults.append(str(error)))
        page.goto(console.access.url)
        page.wait_for_url(console.access.origin + "/")
        yield opened
        assert opened.faults == []
