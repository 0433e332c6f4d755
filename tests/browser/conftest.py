"""One browser for all tests here, and a console over an office of fakes."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from lakehook.console.context import ConsoleOptions
from lakehook.console.server import Served, served
from tests.browser.chromium import ARGUMENTS, chromium
from tests.console_scenes import lively_office
from tests.fakes_ops import Office


@dataclass
class Window:
    """A page that is let in, and what went wrong in it."""

    page: Page
    office: Office
    origin: str
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(self.origin + path)
        return self.page

    def watch(self, request: Request) -> None:
        if not request.url.startswith(self.origin):
            self.faults.append(f"asked {request.url}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for the module: while Playwright is there, its event loop keeps asyncio from others."""
    path, environment = chromium()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path, args=list(ARGUMENTS), env=dict(environment)
        )
        yield started
        started.close()


@pytest.fixture(params=[False], ids=["plain"])
def office(request: pytest.FixtureRequest) -> Office:
    return lively_office(hostile=request.param)


@pytest.fixture
def console(office: Office) -> Iterator[Served]:
    with served(office.desk, port=0, options=ConsoleOptions()) as running:
        yield running


@pytest.fixture
def window(browser: Browser, console: Served, office: Office) -> Iterator[Window]:
    """Whatever the page says in its console, throws, or asks of others fails the test."""
    with browser.new_context(reduced_motion="reduce") as context:
        page = context.new_page()
        opened = Window(page, office, console.access.origin)
        page.on("request", opened.watch)
        page.on("console", lambda message: opened.faults.append(message.text))
        page.on("pageerror", lambda error: opened.faults.append(str(error)))
        page.goto(console.access.url)
        page.wait_for_url(console.access.origin + "/")
        yield opened
        assert opened.faults == []
