"""The console in a real browser over the laptop's cloud: each page, each action, each refusal."""

import re
import socket
from pathlib import Path
from typing import cast
from urllib.parse import quote

import pytest
import requests
from playwright.sync_api import Browser, Page, Route, expect

from lakehook.cli.command import run
from lakehook.cli.context import CommandService
from lakehook.console.server import Served
from lakehook.domain.status import subscription_state
from local.console import keep_open
from tests.browser.chromium import AXE
from tests.browser.conftest import MARKUP, OTHER_HOST, Night, Window
from tests.browser.pictures import IMAGES, PICTURES, take_pictures
from tests.console_scenes import lively_stack
from tests.integration.eventually import eventually

# A browser that leaves a page drops what it still loads, and werkzeug leaves that file to the
# garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file .*static:ResourceWarning")

WIDTHS = (400, 1600)
COLOURFUL = re.compile(r"^/$|/(dead-letters|edit|remove|pipelines/40)$")
"""Pages that together have all colours: to judge a page's contrasts takes longest."""


def pages_of(night: Night) -> list[str]:
    dead, (parked,) = night.id_of("metrics"), night.service.parked_events.all()
    return [
        "/",
        *(f"/subscriptions/{dead}{tab}" for tab in ("", "/waiting", "/dead-letters", "/terms")),
        f"/subscriptions/{dead}/secrets",
        f"/subscriptions/{dead}/remove",
        f"/subscriptions/{dead}/rotate-secret",
        "/deliveries/" + quote(night.delivery("ci-status", sequence=1), safe=""),
        "/deliveries/" + quote(night.delivery("metrics"), safe=""),
        "/pipelines/40",
        "/send-pipeline?pipeline=40",
        "/pipelines/",
        "/events/",
        "/events/parked/",
        f"/events/parked/{parked.id}",
        "/replays/",
        "/replays/new",
        "/subscribe",
        f"/subscriptions/{dead}/edit",
        "/nowhere",
    ]


def violations(page: Page, *rules: str) -> list[str]:
    """Return the violations of axe-core's rules, or of some of them."""
    chosen = {"runOnly": list(rules)} if rules else {}
    violations = page.evaluate(
        "async (chosen) => (await axe.run(document, chosen)).violations",
        {"resultTypes": ["violations"], **chosen},
    )
    return [f"{violation['id']}: {violation['nodes'][0]['html'][:120]}" for violation in violations]


# --- pages ---


def test_each_page_is_usable_fits_its_window_and_runs_nothing_of_strangers(window: Window):
    window.page.add_init_script(path=AXE)  # a tester's tool is not held to the page's policy
    for path in pages_of(window.night):
        window.page.emulate_media(color_scheme="light")
        page = window.open(path)
        window.faults = [fault for fault in window.faults if "404" not in fault]
        assert page.locator("img, iframe, main script").count() == 0, path
        assert violations(page) == [], path
        if COLOURFUL.search(path):
            page.emulate_media(color_scheme="dark")
            assert violations(page, "color-contrast") == [], path
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


def test_pieces_refresh_by_themselves_keep_the_focus_and_can_be_stopped(window: Window):
    page, night = window.page, window.night
    page.clock.install()
    window.open("/")
    page.get_by_role("link", name=f"metrics{MARKUP}").first.focus()

    night.subscribe("newcomer", "https://127.0.0.1:1/hook")
    page.clock.run_for(6000)
    expect(page.get_by_role("link", name="newcomer").first).to_be_visible()
    expect(page.get_by_role("link", name=f"metrics{MARKUP}").first).to_be_focused()

    page.get_by_role("button", name="Live").click()
    night.service.remove_subscription(night.id_of("newcomer"), discard_waiting=True)
    page.clock.run_for(12000)
    expect(page.get_by_role("link", name="newcomer").first).to_be_visible()


def test_a_page_whose_console_fails_is_marked_as_outdated(window: Window):
    page = window.page
    page.clock.install()
    window.open("/")

    held_routes: list[Route] = []

    def keep_waiting(route: Route) -> None:
        held_routes.append(route)

    page.route("**/*", keep_waiting)
    page.clock.run_for(16000)
    while not held_routes:
        page.wait_for_timeout(50)
    (refresh,) = held_routes  # no other is asked for while it is not answered
    refresh.fulfill(status=503)

    expect(page.get_by_text("what is shown is as it was")).to_be_visible()
    window.faults.clear()


# --- who is let in ---


def test_without_its_token_or_by_another_host_nothing_is_shown(browser: Browser, console: Served):
    port, url = console.access.port, console.access.url
    with browser.new_context() as context:
        page = context.new_page()
        for refused, heading in (
            (f"{console.access.origin}/", "This browser is not let in"),
            (f"{console.access.origin}/?token=guessed", "This browser is not let in"),
            (url.replace("127.0.0.1", OTHER_HOST), "Another host name"),
        ):
            answer = page.goto(refused)
            assert answer
            assert answer.status == 403
            expect(page.get_by_role("heading", name=heading)).to_be_visible()
            assert "jenkins" not in page.content()
        assert f":{port}" in url


def test_a_form_of_another_site_is_refused_though_the_browser_knows_the_console(window: Window):
    """The other site is another port: the strictest cookie would still be sent along."""
    target = f"{window.origin}/subscriptions/{window.night.id_of('jenkins')}/pause"
    page = window.page
    page.route(
        "http://127.0.0.1:1/",
        lambda route: route.fulfill(
            content_type="text/html",
            body=f'<form method="post" action="{target}"><button>Win</button></form>',
        ),
    )
    page.goto("http://127.0.0.1:1/")
    page.get_by_role("button", name="Win").click()

    expect(page.get_by_role("heading", name="From another site")).to_be_visible()
    assert state_of(window.night, "jenkins") == "active"
    window.faults.clear()


# --- actions, in the order of a night: what one leaves the next one finds ---


def state_of(night: Night, name: str) -> str:
    return str(subscription_state(night.service.find_subscription(night.id_of(name))))


def test_a_subscriber_is_paused_by_the_keyboard_resumed_tested_and_enabled(window: Window):
    page, name = window.subscriber("jenkins"), f"jenkins{MARKUP}"
    page.get_by_role("link", name="Pause").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"Pause {name}")).to_be_visible()
    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    window.says(f"{name} is paused.")
    assert state_of(window.night, "jenkins") == "paused"

    window.act("Resume")
    window.says("goes on")
    window.act("Test", "Send the test")
    window.says("took the test: 200 in")
    arrivals = window.night.receivers["old-portal"].arrivals
    before = len(arrivals)
    window.subscriber("old-portal")
    window.act("Enable")
    window.says("goes on")
    eventually(lambda: len(arrivals) > before)  # and its answer disables it again


def letters_become(night: Night, *expected: str) -> None:
    def letters() -> list[str]:
        return night.letters("metrics")

    eventually(lambda: letters() == list(expected), what=lambda: str(letters()))


def test_all_letters_of_a_reason_are_discarded_and_redriven_and_what_waits_follows(window: Window):
    night = window.night
    window.subscriber("metrics", "/dead-letters")
    window.act("Discard", "Discard 2 letters")
    window.says("2 letters are discarded.")
    letters_become(night, "39#3", "40#3")

    night.is_poisonous = False
    window.subscriber("metrics", "/dead-letters")
    window.act("Redrive", "Redrive 2 letters")
    window.says("2 letters go back.")
    eventually(lambda: night.rows()["metrics"] == ("ok", 0), what=lambda: str(night.rows()))
    arrivals = [
        (arrival.pipeline, arrival.sequence) for arrival in night.receivers["metrics"].taken
    ]
    assert sorted(arrivals) == [("39", 1), ("39", 3), ("40", 1), ("40", 3)]


def subscribe_by_the_form(window: Window, name: str) -> str:
    """Subscribe an endpoint that echoes the challenge; return the secret that the page shows."""
    night, page = window.night, window.open("/subscribe")
    url = night.receivers["jenkins"].url
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("URL").fill(url)
    page.get_by_label("Pattern: only events whose fields match").fill('{"source": ["x"]}')
    expect(page.get_by_text("not: pattern").first).to_be_visible()
    page.get_by_label("Send no event before its endpoint has echoed a challenge").check()
    page.get_by_role("button", name="Subscribe it").click()
    secret = page.get_by_text(re.compile("^whsec_")).inner_text()
    assert state_of(night, name) == "pending"
    window.act("Test", "Send the test")
    window.says(f"{name} took the test: 200 in")
    assert state_of(night, name) == "active"
    return secret


def test_a_subscription_shows_its_secret_once_is_edited_rotated_and_removed(window: Window):
    night, page = window.night, window.page
    first = subscribe_by_the_form(window, "data-team")

    window.subscriber("data-team", "/secrets")
    window.act("Rotate the secret")
    second = page.get_by_text(re.compile("^whsec_")).inner_text()
    assert second != first
    for tab in ("", "/terms", "/secrets"):
        assert second not in window.subscriber("data-team", tab).content()

    window.subscriber("data-team", "/edit").get_by_label("Deadline in seconds").fill("5")
    page.get_by_role("button", name="Save the changes").click()
    window.says("data-team is changed")
    assert night.service.find_subscription("data-team").deadline_seconds == 5
    window.subscriber("data-team")
    window.act("Remove", "Remove data-team")
    window.says("data-team is removed.")


# --- the command, and the pictures ---


def test_the_pictures_of_the_documentation_can_be_taken(browser: Browser, tmp_path: Path):
    (picture,) = take_pictures(browser, tmp_path, ["console-delivery-light.png"])

    assert PICTURES.keys() <= {image.name for image in IMAGES.iterdir()}
    assert 0 < picture.stat().st_size < 120_000


def test_the_read_only_command_changes_nothing_until_it_is_interrupted(
    browser: Browser,
    night: Night,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    class Interrupted:
        def wait(self) -> None:
            url = capsys.readouterr().out.removeprefix("console: ").strip()
            with browser.new_context() as context:
                page = context.new_page()
                page.goto(url)
                page.wait_for_url(url.partition("?")[0])
                look(page, f"{url.partition('?')[0]}subscriptions/{night.id_of('ci-status')}")
            raise KeyboardInterrupt

    def look(page: Page, subscriber: str) -> None:
        page.goto(subscriber)
        expect(page.locator('html[lang="zh-CN"]')).to_be_attached()
        expect(page.get_by_role("heading", name="ci-status")).to_be_visible()
        expect(page.locator('a[href$="/pause"]')).to_have_count(0)
        page.goto(f"{subscriber}/pause")
        page.get_by_role("button", name="暂停").click()
        expect(page.get_by_role("heading", name="此控制台为只读")).to_be_visible()

    monkeypatch.setattr("lakehook.cli.commands.console.Event", Interrupted)
    arguments = ["console", "--no-browser", "--read-only", "--port", "0", "--language", "zh"]

    assert run(arguments, lambda *_: cast("CommandService", night.service)) == 0
    assert state_of(night, "ci-status") == "active"


def test_the_console_of_the_demonstration_is_served_until_it_is_interrupted(
    night: Night, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    seen_statuses = []

    class Interrupted:
        def wait(self) -> None:
            url = capsys.readouterr().out.splitlines()[0].removeprefix("console: ")
            seen_statuses.append(requests.get(url, timeout=120).status_code)
            raise KeyboardInterrupt

    monkeypatch.setattr("local.console.Flag", Interrupted)
    keep_open(night.lakehook)

    assert seen_statuses == [200]


def test_a_port_in_use_is_an_error_of_one_line(capsys: pytest.CaptureFixture[str]):
    stack = lively_stack()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        status = run(["console", "--port", port], lambda _stack, warn: stack.service(warn))

    assert status == 2
    message = f"error: port: {port} is taken; try --port 0 for any free one\n"
    assert capsys.readouterr().err == message
