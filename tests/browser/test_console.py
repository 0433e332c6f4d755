"""The console in a real browser: what its policy, script, keyboard and layout do there."""

import socket
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from lakehook.cli.command import run
from lakehook.domain.errors import InfrastructureError
from tests.browser.chromium import AXE
from tests.browser.conftest import Window
from tests.browser.pictures import IMAGES, take_pictures
from tests.console_scenes import lively_office, subscribe
from tests.fakes_ops import Office

WIDTHS = (400, 1600)


def id_of(office: Office, name: str) -> str:
    (found,) = [one.id for one in office.subscriptions.known.values() if name in one.name]
    return found


def pages_of(office: Office) -> list[str]:
    down, dead = id_of(office, "ci-status"), id_of(office, "metrics")
    return [
        "/",
        *(f"/subscriptions/{dead}{tab}" for tab in ("", "/waiting", "/dead-letters", "/terms")),
        f"/subscriptions/{dead}/secrets",
        f"/subscriptions/{dead}/remove",
        f"/subscriptions/{dead}/rotate-secret",
        "/deliveries/" + quote(f"{down}#40#2", safe=""),
        "/pipelines/40",
        "/pipelines/",
        "/events/",
        "/events/parked/",
        "/events/parked/m1",
        "/replays/",
        "/replays/new",
        "/subscribe",
        f"/subscriptions/{dead}/edit",
        "/nowhere",
    ]


def violations(page: Page, *rules: str) -> list[str]:
    """Of axe-core's rules, or of these."""
    chosen = {"runOnly": list(rules)} if rules else {}
    found = page.evaluate(
        "async (chosen) => (await axe.run(document, chosen)).violations",
        {"resultTypes": ["violations"], **chosen},
    )
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found]


def test_no_page_is_hard_to_use_or_wider_than_its_window(window: Window):
    window.page.add_init_script(path=AXE)  # a tester's tool is not held to the page's policy
    for path in pages_of(window.office):
        window.page.emulate_media(color_scheme="light")
        page = window.open(path)
        window.faults = [fault for fault in window.faults if "404" not in fault]
        assert violations(page) == [], path
        page.emulate_media(color_scheme="dark")
        assert violations(page, "color-contrast") == [], path
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


@pytest.mark.parametrize("office", [True], indirect=True, ids=["hostile"])
def test_what_strangers_wrote_runs_nothing(window: Window):
    for path in pages_of(window.office)[:-1]:
        page = window.open(path)
        assert page.locator("img, iframe, main script").count() == 0, path


def test_a_change_is_made_by_the_keyboard_alone(window: Window):
    page = window.open(f"/subscriptions/{id_of(window.office, 'jenkins')}")

    page.get_by_role("link", name="Pause").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Pause jenkins")).to_be_visible()
    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_text("jenkins is paused.")).to_be_visible()
    assert window.office.subscriptions.known[id_of(window.office, "jenkins")].paused_at


def test_pieces_refresh_by_themselves_keep_the_focus_and_can_be_stopped(window: Window):
    page = window.page
    page.clock.install()
    window.open("/")
    page.get_by_role("link", name="metrics").focus()

    subscribe(window.office, "newcomer")
    page.clock.run_for(6000)
    expect(page.get_by_role("link", name="newcomer")).to_be_visible()
    expect(page.get_by_role("link", name="metrics")).to_be_focused()

    page.get_by_role("button", name="Live").click()
    subscribe(window.office, "another")
    page.clock.run_for(12000)
    assert page.get_by_role("link", name="another").count() == 0


def test_a_console_that_fails_is_said_to_show_what_was(
    window: Window, monkeypatch: pytest.MonkeyPatch
):
    page = window.page
    page.clock.install()
    window.open("/")

    def expired(*_: object) -> None:
        raise InfrastructureError("ExpiredToken")

    monkeypatch.setattr(type(window.office.healths), "find_many", expired)
    page.clock.run_for(6000)

    expect(page.get_by_text("what is shown is as it was")).to_be_visible()
    assert any("503" in fault for fault in window.faults)
    window.faults.clear()


def test_a_form_of_another_site_is_refused_though_the_browser_knows_the_console(window: Window):
    """The other site is another port: the strictest cookie would still be sent along."""
    target = f"{window.origin}/subscriptions/{id_of(window.office, 'jenkins')}/pause"
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
    assert window.office.subscriptions.known[id_of(window.office, "jenkins")].paused_at is None
    window.faults.clear()


def test_the_pictures_of_the_documentation_can_be_taken(browser: Browser, tmp_path: Path):
    taken = take_pictures(browser, tmp_path)

    assert {picture.name for picture in taken} <= {one.name for one in IMAGES.iterdir()}
    assert all(picture.stat().st_size < 100_000 for picture in taken)


def test_the_command_serves_the_pages_until_it_is_interrupted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    office, seen = lively_office(), []

    class Interrupted:
        def wait(self) -> None:
            url = capsys.readouterr().out.removeprefix("console: ").strip()
            with requests.Session() as session:
                session.get(url, timeout=10)
                seen.append(session.get(url.partition("?")[0], timeout=10).text)
            raise KeyboardInterrupt

    monkeypatch.setattr("lakehook.cli.commands.console.Event", Interrupted)
    arguments = ["console", "--no-browser", "--read-only", "--port", "0", "--language", "zh"]

    assert run(arguments, lambda _stack, warn: office.desk(warn)) == 0
    (page,) = seen
    assert '<html lang="zh-CN">' in page
    assert "/pause" not in page


def test_a_port_that_is_taken_is_said_in_one_line(capsys: pytest.CaptureFixture[str]):
    office = lively_office()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status = run(["console", "--port", port], lambda _stack, warn: office.desk(warn))

    assert status == 2
    said = f"error: port: {port} is taken; try --port 0 for any free one\n"
    assert capsys.readouterr().err == said
