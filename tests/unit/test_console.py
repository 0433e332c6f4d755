"""The console: access, what each page shows and does, and strangers' text on it."""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from lakehook.cli.context import CommandService
from lakehook.console.access import CONTENT_SECURITY_POLICY, Access
from lakehook.delivery.circuit_breaker import FAILED_FOR_DAYS
from lakehook.domain.delivery import Lane
from lakehook.domain.errors import InfrastructureError, StackNotFound
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus
from lakehook.domain.queue_message import Ping, PingResult
from lakehook.domain.subscription import Language
from lakehook.domain.time import format_rfc3339
from lakehook.queries import ListEvents
from tests.builders import a_document
from tests.console_scenes import (
    HIDDEN,
    LIFE,
    MARKUP,
    ORIGIN,
    Visitor,
    accept,
    attempt,
    hold,
    lively_stack,
    subscribe,
    visitor,
)
from tests.fakes import NOON
from tests.fakes_ops import FakeStack
from tests.terminal import Terminal

ENGLISH = re.compile(r"\b[A-Za-z]+(?: [A-Za-z]+){2,}\b")
TABS = ("", "/waiting", "/dead-letters", "/terms", "/secrets")
CHANGES = ("/edit", "/pause", "/resume", "/enable", "/test", "/remove", "/rotate-secret")


@pytest.fixture
def stack() -> FakeStack:
    return lively_stack()


@pytest.fixture
def console(stack: FakeStack) -> Visitor:
    return visitor(stack.service)


def subscription_id_of(stack: FakeStack, name: str) -> str:
    (id_,) = [
        subscription.id
        for subscription in stack.subscriptions.by_id.values()
        if name in subscription.name
    ]
    return id_


def path_of(stack: FakeStack, name: str, suffix: str = "") -> str:
    return f"/subscriptions/{subscription_id_of(stack, name)}{suffix}"


def delivery(stack: FakeStack, name: str, pipeline: int = 39, sequence: int = 2) -> str:
    return f"{subscription_id_of(stack, name)}#{pipeline}#{sequence}"


def all_paths(stack: FakeStack) -> Iterator[str]:
    yield from (
        "/",
        "/pipelines/",
        "/pipelines/39",
        "/send-pipeline?pipeline=39",
        "/pipelines/?q=lake",
    )
    yield from ("/events/parked/", "/events/parked/m1", "/events/parked/m1/delete")
    yield from ("/events/", "/events/?since=7d", "/replays/", "/replays/new", "/subscribe")
    for name in ("metrics", "ci-status", "old-portal"):
        yield from (path_of(stack, name, suffix) for suffix in TABS + CHANGES)
    yield f"/dead-letters/redrive?subscription={subscription_id_of(stack, 'metrics')}"
    for lane, sequence in list(stack.ledger.records)[::7]:
        yield "/deliveries/" + quote(f"{lane}#{sequence}", safe="")


# --- access ---


def test_the_url_of_the_terminal_lets_a_browser_in_and_leaves_no_token_behind(stack: FakeStack):
    stranger = visitor(stack.service, let_in=False)

    arrived = stranger.get(f"/?token={stranger.access.token}")

    assert stranger.access.token not in arrived.text
    (cookie,) = arrived.headers.getlist("set-cookie")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert stranger.get("/").status_code == 200


@pytest.mark.parametrize("path", ["/", "/?token=wrong", "/?token=", "/pipelines/", "/nowhere"])
def test_without_the_token_nothing_is_shown(stack: FakeStack, path: str):
    refused = visitor(stack.service, let_in=False).get(path)

    assert refused.status_code == 403
    assert "ci-status" not in refused.text
    assert "set-cookie" not in refused.headers


def test_the_url_that_a_browser_is_started_with_serves_once(stack: FakeStack):
    stranger = visitor(stack.service, let_in=False)
    ticket = stranger.access.new_ticket_url().removeprefix(ORIGIN)

    assert stranger.get(ticket).status_code == 200
    assert visitor_of(stranger).get(ticket).status_code == 403


def visitor_of(first: Visitor) -> Visitor:
    """A second browser at the same console."""
    return Visitor(first.app, first.access, first.app.test_client())


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8300", "127.0.0.1:8301", ""])
@pytest.mark.parametrize("path", ["/", "/static/console.css"])
def test_another_host_name_is_refused_even_with_the_cookie(console: Visitor, host: str, path: str):
    assert console.get(path, headers={"host": host}).status_code == 403


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://127.0.0.1:8301"])
def test_a_form_of_another_site_changes_nothing(
    console: Visitor, stack: FakeStack, origin: str | None
):
    path = path_of(stack, "jenkins", "/pause")
    token = console.form_token(path)

    assert console.post(path, origin=origin, form_token=token).status_code == 403
    assert stack.subscriptions.by_id[subscription_id_of(stack, "jenkins")].paused_at is None


def test_a_form_without_its_token_changes_nothing_and_one_that_is_sent_twice_acts_once(
    console: Visitor, stack: FakeStack
):
    path = path_of(stack, "metrics", "/rotate-secret")
    token = console.form_token(path)

    assert console.post(path).status_code == 403
    assert console.post(path, form_token="guessed").status_code == 403
    first_response = console.post(path, form_token=token, overlap="24h")
    second_response = console.post(path, form_token=token, overlap="24h")

    assert (first_response.status_code, second_response.status_code) == (200, 403)
    assert len(stack.subscriptions.by_id[subscription_id_of(stack, "metrics")].secrets) == 2


def test_a_link_from_elsewhere_asks_once_more_with_the_cookie(stack: FakeStack):
    """The strict cookie is not sent from another site; the page reloads itself with it."""
    elsewhere = {"sec-fetch-site": "cross-site"}
    stranger = visitor(stack.service, let_in=False)

    arrived = stranger.get("/pipelines/39?x=1", headers=elsewhere)

    assert '<meta http-equiv="refresh" content="0;url=/pipelines/39?x=1">' in arrived.text
    for path in ("/deliveries/sub_a%2339%232", "/%5Cevil.example"):  # a backslash is a slash there
        assert f'content="0;url={path}"' in stranger.get(path, headers=elsewhere).text
    assert "PIPELINE_CREATED" not in arrived.text


def test_a_read_only_console_shows_everything_and_changes_nothing(stack: FakeStack):
    console = visitor(stack.service, read_only=True)
    path = path_of(stack, "jenkins", "/pause")
    token = console.form_token(path)

    assert console.post(path, form_token=token).status_code == 403
    assert stack.subscriptions.by_id[subscription_id_of(stack, "jenkins")].paused_at is None
    assert "/pause" not in console.page("/")


def test_the_oldest_of_very_many_forms_is_forgotten(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lakehook.console.access.MAX_OPEN_FORMS", 2)
    access = Access(8300)

    first, second, third = (access.new_form() for _ in range(3))

    assert not access.accepts_form(first, once=False)
    assert access.accepts_form(second, once=True)
    assert access.accepts_form(third, once=True)


# --- every page ---


class Checker(HTMLParser):
    """A check for tags that a page's policy forbids, and for links to other hosts."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        own = attributes.get("src", attributes.get("href") if tag == "link" else "/") or ""
        if tag in ("style", "iframe", "img", "object") or not own.startswith("/"):
            self.faults.append(tag)
        self.faults += [
            f"{tag} {name}" for name in attributes if name == "style" or name[:2] == "on"
        ]
        if str(attributes.get("href", "")).startswith("javascript:"):
            self.faults.append(f"{tag} href")


def check_policy(page: TestResponse) -> None:
    checker = Checker()
    checker.feed(page.text)
    assert (page.status_code, checker.faults) == (200, []), page.request.path
    assert page.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert page.headers["cache-control"] == "no-store"


def test_each_page_follows_its_content_policy_and_shows_no_secret_with_hostile_data():
    stack = lively_stack(hostile=True)
    console = visitor(stack.service)
    rotated = console.confirm(path_of(stack, "metrics", "/rotate-secret"), overlap="1h")
    assert re.search(r"whsec_[\w+/=]+", rotated.text), "shown this once"

    for path in all_paths(stack):
        page = console.get(path)
        check_policy(page)
        assert not set(page.text) & {"\u202e", "\x1b"}, path
        assert MARKUP[:13] not in page.text, path
        assert "whsec_" not in page.text, path


def test_a_page_makes_as_many_calls_however_much_waits(monkeypatch: pytest.MonkeyPatch):
    def calls(waiting: int) -> int:
        stack = lively_stack()
        down = stack.service().find_subscription("ci-status")
        for number in range(100, 100 + waiting):
            hold(stack, down, number)
        lengths: list[int] = []
        for name in ("find", "find_many", "count_waiting_behind", "by_lane"):
            method = getattr(type(stack.ledger), name)

            def counted(*arguments: Any, method: Any = method, **options: Any) -> Any:
                lengths.append(len(arguments[1]) if isinstance(arguments[1], list) else 1)
                return method(*arguments, **options)

            monkeypatch.setattr(type(stack.ledger), name, counted)
        console = visitor(stack.service)
        lengths.clear()
        for path in ("/", path_of(stack, "ci-status"), path_of(stack, "ci-status", "/waiting")):
            console.page(path)
        monkeypatch.undo()
        return sum(lengths)

    assert calls(60) == calls(120)


def fail_with_expired_token(*_: object) -> None:
    raise InfrastructureError("ExpiredToken")


def test_a_failure_of_aws_is_one_line_and_the_next_request_reads_credentials_again(
    stack: FakeStack, monkeypatch: pytest.MonkeyPatch
):
    over = InfrastructureError("ExpiredToken: the session is over")
    not_whole = StackNotFound("stack 'Lakehook' has no output EventsQueueUrl")
    failure: Exception | None = None

    def open_service() -> CommandService:
        if failure:
            raise failure
        return stack.service()

    console = visitor(open_service)
    for failure, status in ((over, 503), (over, 503), (not_whole, 422)):
        refused = console.get("/")
        assert refused.status_code == status
        assert str(failure) in html.unescape(refused.text)
        assert "AWS did not answer as it should" in refused.text
    failure = None
    console.page("/")

    with monkeypatch.context() as patch:
        patch.setattr(type(stack.healths), "find_many", fail_with_expired_token)
        assert console.get("/").status_code == 503
    failure = over
    assert console.get("/").status_code == 503  # the old credentials are not kept


def test_a_failure_of_aws_does_not_read_the_charts_again(
    stack: FakeStack, monkeypatch: pytest.MonkeyPatch
):
    console = visitor(stack.service)
    console.page("/")
    with monkeypatch.context() as patch:
        patch.setattr(type(stack.healths), "find_many", fail_with_expired_token)
        assert console.get("/").status_code == 503
    console.page("/")

    assert len(stack.delivery_metrics.reads) == 1  # CloudWatch charges for each


def test_the_language_is_switched_on_the_page_that_is_read(console: Visitor):
    assert "?since=7d&amp;language=zh" in console.page("/events/?since=7d")

    assert '<html lang="zh-CN">' in console.page("/events/?since=7d&language=zh")
    assert '<html lang="zh-CN">' in console.page("/")


def test_no_page_in_chinese_has_an_untranslated_sentence(stack: FakeStack):
    subscribe(stack, "mirror", disabled_reason=FAILED_FOR_DAYS, disabled_at=format_rfc3339(NOON))
    console = visitor(stack.service, language=Language.CHINESE)
    phrases: set[str] = set()

    for path in [*all_paths(stack), path_of(stack, "mirror")]:
        page = console.get(path)
        check_policy(page)
        phrases |= set(ENGLISH.findall(visible_text(page.text)))

    assert phrases == {"upstream connect error", "Expecting value at"}  # a receiver's, a producer's


def visible_text(page: str) -> str:
    """Extract the text that a person reads: texts and labels, without commands and bodies."""
    page = re.sub(r"<(script|style|code|pre|textarea)\b.*?</\1>", "", page, flags=re.DOTALL)
    labels = re.findall(r'(?:aria-label|placeholder|data-label|title|alt)="([^"]*)"', page)
    return html.unescape("\n".join([re.sub(r"<[^>]*>", "\n", page), *labels]))


def test_a_missing_page_says_so_and_links_on(console: Visitor):
    for path in ("/nowhere", "/subscriptions/nobody", "/pipelines/7777", "/deliveries/a%23b%231"):
        missing = console.get(path)
        assert missing.status_code == 404, path
        assert 'href="/"' in missing.text


# --- contents of the pages ---


def test_the_start_page_shows_the_worst_first_and_counts_the_healthy(
    console: Visitor, stack: FakeStack
):
    page = console.page("/")

    order = [page.index(f">{name}</a>") for name in ("audit-log", "metrics", "warehouse")]
    assert order == sorted(order)
    assert "lakehook subscriptions rotate-secret audit-log" in page
    assert f"/subscriptions/{subscription_id_of(stack, 'audit-log')}/rotate-secret" in page
    assert "2 subscribers are well" in page
    assert "is needed" in page
    empty_page = visitor(FakeStack().service).page("/")
    assert "lakehook subscriptions add --name ci" in empty_page
    assert "is not needed" in empty_page


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("ci-status", "/subscriptions/{ci-status}"),
        ("39", "/pipelines/?q=39"),
        ("{ci-status}#40#2", "/deliveries/{ci-status}%2340%232"),
    ],
)
def test_the_search_field_finds_subscriptions_pipelines_and_deliveries(
    console: Visitor, stack: FakeStack, query: str, path: str
):
    id_ = subscription_id_of(stack, "ci-status")
    query, path = query.replace("{ci-status}", id_), path.replace("{ci-status}", id_)

    response = console.get("/go?q=" + quote(query, safe=""))

    assert response.headers["location"] == path


def test_a_pipeline_is_found_by_its_id_and_an_unfinished_one_by_its_project(
    console: Visitor, stack: FakeStack
):
    assert console.get("/pipelines/?q=39").headers["location"] == "/pipelines/39"
    assert "/pipelines/40" in console.page("/pipelines/?q=SHOP")
    assert "No pipeline has this id" in console.page("/pipelines/?q=another")
    accept(stack, "send", *LIFE[:2], project_name="x" * 9000)
    assert "Pipeline send" in console.page("/pipelines/send")
    for path in ("/", "/pipelines/", "/events/", path_of(stack, "jenkins", "/terms")):
        assert "x" * 100 not in console.page(path), path


def test_a_pipeline_shows_each_subscribers_deliveries_over_time(console: Visitor, stack: FakeStack):
    first = stack.ledger.records[Lane(subscription_id_of(stack, "jenkins"), "40"), 1]
    stack.ledger.keep(replace(first, changed_at=NOON))
    page = console.page("/pipelines/40")

    assert page.index(">jenkins</a>") < page.index(">ci-status</a>")
    assert quote(delivery(stack, "ci-status", 40), safe="") in page
    assert "waiting" in page
    assert "https://devlake.example/pipelines/39" in page
    rows = [re.findall(r'class="seq [^>]*>(\d+)', row) for row in page.split("<tr>")]
    assert ["1", "2", "3"] in rows
    assert rows == [sorted(row) for row in rows]  # though an earlier one has changed last


def test_the_page_of_a_delivery_shows_its_state_attempts_and_request(
    console: Visitor, stack: FakeStack
):
    page = console.page("/deliveries/" + quote(delivery(stack, "ci-status", 40), safe=""))

    assert "upstream connect error" in page
    assert "503 throttled" in page
    assert "webhook-signature: …" in page
    assert "curl -X POST https://ci.example/hook" in page
    assert "blocked: the endpoint is down, and probed at <time" in page
    assert ">12:00:40Z</time>" in page


def test_deliveries_are_filtered_by_status_pipeline_and_answer(console: Visitor, stack: FakeStack):
    assert "/pipelines/40" in console.page(path_of(stack, "ci-status", "?answer=503"))
    assert "No such deliveries" in console.page(path_of(stack, "ci-status", "?answer=500"))

    page = console.page(path_of(stack, "jenkins", "?status=dead"))
    assert "No such deliveries" in page

    page = console.page(path_of(stack, "jenkins", "?pipeline=40&status=delivered"))
    assert "/pipelines/40" in page
    assert "/pipelines/41" not in page


# --- actions ---


def test_pause_resume_and_enable_ask_for_a_confirmation_that_says_their_effect(
    console: Visitor, stack: FakeStack
):
    path, id_ = path_of(stack, "jenkins"), subscription_id_of(stack, "jenkins")

    form = console.page(f"{path}/pause")
    assert "lakehook subscriptions pause jenkins" in form
    assert "New deliveries wait in order" in form
    assert stack.subscriptions.by_id[id_].paused_at is None

    response = console.confirm(f"{path}/pause")
    assert (response.status_code, response.headers["location"]) == (303, path)
    assert stack.subscriptions.by_id[id_].paused_at
    assert "jenkins is paused." in console.page(path)

    console.confirm(f"{path}/resume")
    assert stack.subscriptions.by_id[id_].paused_at is None

    console.confirm(path_of(stack, "old-portal", "/enable"))
    assert (
        stack.subscriptions.by_id[subscription_id_of(stack, "old-portal")].disabled_reason is None
    )


def test_a_ping_shows_the_response_of_the_endpoint(console: Visitor, stack: FakeStack):
    def pong(_: Ping) -> PingResult:
        return PingResult(attempt(500, "boom"), echoed=False)

    stack.queue.result_of = pong
    console.confirm(path_of(stack, "jenkins", "/test"))

    assert "jenkins did not take the test: 500 boom" in console.page("/")


def test_letters_are_redriven_by_reason_or_by_id(console: Visitor, stack: FakeStack):
    id_ = subscription_id_of(stack, "metrics")
    of_reason = f"/dead-letters/redrive?subscription={id_}&reason=spent"

    form = console.page(of_reason)
    assert "1 letter goes back" in form
    assert "1 delivery that waits behind follows" in form
    assert f"dead-letters redrive --subscription {id_} --reason spent --yes" in form
    console.confirm(of_reason)
    assert [record.lane.pipeline_id for record in stack.redriver.sent] == ["39"]

    single_letter = "/dead-letters/redrive?id=" + quote(delivery(stack, "metrics", 41), safe="")
    console.confirm(single_letter)
    assert [record.lane.pipeline_id for record in stack.redriver.sent] == ["39", "41"]


def test_a_letter_is_discarded_for_good(console: Visitor, stack: FakeStack):
    id_ = delivery(stack, "metrics", 41)

    console.confirm("/dead-letters/discard?id=" + quote(id_, safe=""))

    (record,) = [r for r in stack.ledger.records.values() if r.sequence == 2 and is_of(r, id_)]
    assert record.status is DeliveryStatus.DISCARDED
    assert console.get("/dead-letters/discard?id=" + quote(id_, safe="")).status_code == 404


def test_a_letter_that_died_since_the_page_was_shown_is_not_discarded(
    console: Visitor, stack: FakeStack
):
    path = f"/dead-letters/discard?subscription={subscription_id_of(stack, 'metrics')}"
    values = console.hidden(path)
    id_ = delivery(stack, "metrics", 41)
    (later,) = [record for record in stack.ledger.records.values() if is_of(record, id_)]
    stack.ledger.records[later.lane, later.sequence] = replace(later, changed_at=NOON + 1)

    console.post(path, **values)

    page = console.page(path)
    assert "1 letter is given up for good" in page
    assert stack.ledger.records[later.lane, later.sequence].status is DeliveryStatus.DEAD


def is_of(record: DeliveryRecord, delivery_id: str) -> bool:
    return f"{record.lane}#{record.sequence}" == delivery_id


def test_a_removal_says_which_deliveries_are_discarded_with_it(console: Visitor, stack: FakeStack):
    path = path_of(stack, "metrics", "/remove")

    assert "2 deliveries and 2 dead letters" in console.page(path)
    assert "--discard-waiting" in console.page(path)
    console.confirm(path)

    assert stack.subscriptions.by_id[subscription_id_of(stack, "metrics")].removed_at


def test_a_refusal_is_shown_in_the_form_and_nothing_is_changed(console: Visitor, stack: FakeStack):
    refused = console.confirm(path_of(stack, "metrics", "/rotate-secret"), overlap="0")

    assert refused.status_code == 422
    assert "overlap: choose one of 24h, 1h, 7d" in refused.text
    assert len(stack.subscriptions.by_id[subscription_id_of(stack, "metrics")].secrets) == 1


def test_a_removed_subscription_is_still_shown(console: Visitor, stack: FakeStack):
    removed = subscribe(stack, "gone", removed_at="2026-01-01T11:00:00.000+00:00")

    assert "is-removed" in console.page(f"/subscriptions/{removed.id}")
    assert "/test" not in console.page(f"/subscriptions/{removed.id}/terms")


# --- subscribe and edit ---

NEW = {"name": "newcomer", "url": "https://ci.example/in", "channel": "webhook"}


def test_subscribing_shows_the_secret_once_with_the_code_that_uses_it(
    console: Visitor, stack: FakeStack
):
    response = console.confirm("/subscribe", **NEW, event_types=["PIPELINE_FAILED"])

    assert re.search(r"whsec_[\w+/=]+", response.text)
    assert "standardwebhooks" in response.text
    subscription = stack.service().find_subscription("newcomer")
    assert [str(event_type) for event_type in subscription.event_types] == ["PIPELINE_FAILED"]


def test_a_header_is_kept_and_never_shown_and_a_public_key_is(console: Visitor, stack: FakeStack):
    headers = {"headers": "authorization: Bearer canary\r\n", "template_headers": "x-a: b"}
    response = console.confirm("/subscribe", **NEW, **headers, signing="ed25519")

    assert "whpk_" in response.text
    subscription = stack.service().find_subscription("newcomer")
    assert (subscription.header_names, subscription.template and subscription.template.headers) == (
        ("authorization",),
        (("x-a", "b"),),
    )
    refused = console.confirm("/subscribe", **NEW | headers)
    pages = [refused.text, *(console.page(path_of(stack, "newcomer", tab)) for tab in TABS)]
    assert refused.status_code == 409
    assert not any("canary" in page for page in pages)


def test_headers_are_removed_by_the_edit_form(console: Visitor, stack: FakeStack):
    console.confirm("/subscribe", **NEW, headers="authorization: Bearer canary\nx-team: data")
    path = path_of(stack, "newcomer", "/edit")
    page = console.page(path)
    preview = console.confirm(path, path[:-4] + "preview", no_headers="yes").text

    assert "Remove its headers: authorization, x-team" in page
    assert "lakehook subscriptions update newcomer --no-headers<" in preview
    refused = console.confirm(path, no_headers="yes", headers="x-team: search")
    assert "headers: remove them, or give new ones" in refused.text
    assert len(stack.service().find_subscription("newcomer").header_names) == 2
    console.confirm(path, no_headers="yes")
    subscription = stack.service().find_subscription("newcomer")
    assert (subscription.header_names, subscription.encrypted_headers) == ((), None)
    assert "Remove its headers" not in console.page(path)


def test_a_refused_form_says_why_and_keeps_its_values(console: Visitor, stack: FakeStack):
    refused = console.confirm("/subscribe", **NEW | {"url": "http://10.0.0.1/"})

    assert refused.status_code == 422
    assert "url:" in refused.text
    assert 'value="newcomer"' in refused.text
    assert "newcomer" not in {
        subscription.name for subscription in stack.subscriptions.by_id.values()
    }


def test_a_preview_shows_the_message_and_creates_no_subscription(
    console: Visitor, stack: FakeStack
):
    before = len(stack.subscriptions.by_id)

    preview = console.confirm(
        "/subscribe",
        "/subscribe/preview",
        name="newcomer",
        template_body="{{ event_type }} of {{ nothing }}",
        pattern='{"project_name": ["other"]}',
        sample="PIPELINE_FAILED",
    )

    assert "PIPELINE_FAILED of" in preview.text
    assert "nothing: this event has no such field" in preview.text
    assert "not: pattern" in preview.text
    assert "lakehook subscriptions add --name newcomer --url URL" in preview.text
    assert len(stack.subscriptions.by_id) == before
    refused = console.confirm("/subscribe", "/subscribe/preview", template_body="{{ oops")
    assert "template: line 1" in refused.text


def test_an_edit_saves_the_changed_fields_and_shows_the_command(console: Visitor, stack: FakeStack):
    path, id_ = path_of(stack, "jenkins", "/edit"), subscription_id_of(stack, "jenkins")
    form = {"url": "https://ci.example/hook", "deadline_seconds": "10", "ordering": "strict"}

    assert console.confirm(path, **form).status_code == 422  # nothing to change
    console.confirm(path, **form | {"ordering": "skip", "rate": "20/m"})

    changed = stack.subscriptions.by_id[id_]
    assert (str(changed.ordering), str(changed.rate)) == ("skip", "20/m")
    preview = console.confirm(path, path[:-4] + "preview", rate="", language="zh")
    assert "lakehook subscriptions update jenkins --no-rate<" in preview.text


def test_an_edit_takes_back_no_change_that_was_made_since_its_form_was_opened(
    console: Visitor, stack: FakeStack
):
    path, id_ = path_of(stack, "jenkins", "/edit"), subscription_id_of(stack, "jenkins")
    opened = console.hidden(path)
    console.confirm(path, rate="20/m")

    late = console.post(path, **opened, rate="", ordering="skip")

    assert late.status_code == 409
    assert "jenkins was changed since this form was opened" in late.text
    assert str(stack.subscriptions.by_id[id_].rate) == "20/m"
    response = console.post(path, **dict(HIDDEN.findall(late.text)), rate="", ordering="skip")
    assert response.status_code == 409  # it still shows the fields as they were


def test_a_secret_that_a_robot_makes_is_given_by_a_command(console: Visitor, stack: FakeStack):
    robot = subscribe(stack, "robot", channel="feishu")

    page = console.page(f"/subscriptions/{robot.id}/secrets")

    assert "lakehook subscriptions rotate-secret robot --overlap 0 --secret-file FILE" in page
    assert "/rotate-secret" not in page


def test_a_template_with_invisible_characters_stays_unchanged_when_another_field_is_edited(
    console: Visitor, stack: FakeStack
):
    template = "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER} {{ event_type }}\n"
    family = subscribe(stack, "family", terms={"template_body": template})
    path = f"/subscriptions/{family.id}/edit"
    field = re.search(r'name="template_body"[^>]*>([^<]*)<', console.page(path))
    assert field
    assert "\\u200d" in field[1]

    console.confirm(path, template_body=html.unescape(field[1]).replace("\n", "\r\n"), rate="1/m")

    changed = stack.subscriptions.by_id[family.id]
    assert str(changed.rate) == "1/m"
    assert changed.template
    assert changed.template.body == template


# --- events and replays ---


def test_events_say_to_whom_each_goes_and_why_not_to_the_others(console: Visitor, stack: FakeStack):
    subscribe(stack, "picky", terms={"pattern": '{"project_name": ["other"]}'})

    page = console.page("/events/")

    assert "8 of 9; why not to the others?" in page
    assert "picky: pattern" in page
    assert "lake-shop" in page


def test_a_long_journal_is_read_in_part_and_the_page_says_so(
    console: Visitor, stack: FakeStack, monkeypatch: pytest.MonkeyPatch
):
    stack.journal.events_a_page = 2
    list_events = ListEvents(stack.journal, stack.clock)
    result = list_events(since=0.0, limit=3, max_read=4)
    assert (len(result.events), result.is_partial) == (3, True)
    assert not list_events(since=0.0, limit=3, max_read=1000).is_partial

    monkeypatch.setattr(ListEvents, "__call__", lambda *_, **__: result)
    assert "only a part of it was looked at" in console.page("/events/")


def test_a_replay_is_counted_first_then_started_and_can_be_stopped(
    console: Visitor, stack: FakeStack
):
    form = {
        "subscription": subscription_id_of(stack, "ci-status"),
        "since": "2h",
        "status": "missing",
    }

    count_page = console.confirm("/replays/new", **form)
    assert "deliveries of" in count_page.text
    assert stack.replays.list_open() == []

    started = console.confirm("/replays/new", **form, start="yes")
    assert started.headers["location"] == "/replays/"
    (replay,) = stack.replays.list_open()
    assert replay.id in console.page("/replays/")

    console.confirm(f"/replays/{replay.id}/stop")
    assert stack.replays.list_open() == []
    assert "by an operator" in console.page("/replays/")


# --- parked events ---


def test_a_parked_event_is_corrected_and_sent_and_another_deleted(
    console: Visitor, stack: FakeStack
):
    path = "/events/parked/m1"
    assert "not JSON" in console.page("/events/parked/")

    refused = console.confirm(path, body='{"pipeline_id": 60}')
    assert refused.status_code == 422
    assert stack.publisher.published == []

    copy = replace(stack.parked_events.parked[0], id="m2")
    stack.parked_events.parked.append(copy)
    console.confirm("/events/parked/m2/delete")
    assert copy not in stack.parked_events.parked

    mended = json.dumps(a_document(pipeline_id=60))
    response = console.confirm(path, body=mended)
    assert response.headers["location"] == "/pipelines/?q=60"
    assert [event.pipeline_id for event in stack.publisher.published] == ["60"]
    assert "No event was refused" in console.page("/events/parked/")
    assert console.get(path).status_code == 404


def test_a_delivery_that_was_delivered_is_sent_once_more(console: Visitor, stack: FakeStack):
    id_ = delivery(stack, "jenkins", 41, 1)
    path = "/deliveries/" + quote(id_, safe="")
    assert "Send once more" in console.page(path)

    response = console.confirm("/deliveries/send-once-more?delivery_id=" + quote(id_, safe=""))

    assert response.headers["location"] == path
    assert "waiting" in console.page(path)


def test_a_pipeline_is_sent_to_a_subscriber_in_its_order(console: Visitor, stack: FakeStack):
    team = subscription_id_of(stack, "data-team")
    page = console.page("/send-pipeline?pipeline=41&subscription=data-team")
    assert "lakehook pipelines send 41 --subscription data-team" in page

    response = console.confirm("/send-pipeline?pipeline=41", subscription="data-team")

    assert response.headers["location"] == "/pipelines/41"
    lane = Lane(team, "41")
    assert stack.ledger.lanes[lane].head == 1
    assert {n for owner, n in stack.ledger.records if owner == lane} == {1, 2, 3}
    assert [resume.lane for resume in stack.queue.resumes] == [lane]
    assert "3 deliveries go to data-team." in console.page("/pipelines/41")


def test_each_view_names_its_page(
    console: Visitor, stack: FakeStack, capsys: pytest.CaptureFixture[str]
):
    """A document for programs has the URL of its page for people."""
    terminal = Terminal(stack, capsys)
    terminal("status", "--output", "json")
    subscription_id_of = [
        terminal.parse_output()["subscribers"][0],
        terminal.json("subscriptions", "show", "jenkins"),
        terminal.json("deliveries", "show", delivery(stack, "metrics")),
        terminal.json("dead-letters", "list")[0],
        terminal.json("lanes", "list")[0],
        terminal.json("pipelines", "list")[0],
        terminal.json("pipelines", "show", "39"),
        terminal.json("events", "parked", "list")[0],
    ]
    paths = [view["console_path"] for view in subscription_id_of]

    for path in paths:
        console.page(path)
    kinds = [path.split("/")[1] for path in paths]
    assert kinds == ["subscriptions"] * 2 + ["deliveries"] * 3 + ["pipelines"] * 2 + ["events"]
