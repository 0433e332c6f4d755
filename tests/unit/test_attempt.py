import json
from dataclasses import dataclass, replace

import pytest

from lakehook.delivery.dependencies import InsufficientTime
from lakehook.delivery.sender import AttemptDelivery, RenderDelivery, SignedSender
from lakehook.domain.attempt import Attempt, Outcome, Response
from lakehook.domain.channels.webhook import USER_AGENT
from lakehook.domain.destination import Endpoint, Request
from lakehook.domain.response_redaction import MAX_EXCERPT_CHARACTERS
from lakehook.domain.signing import HmacSecret, signatures
from lakehook.domain.subscription import Subscription
from lakehook.ports.outbound import NoResponse, SubscriptionCredentials
from tests.builders import a_delivery, a_subscription
from tests.fakes import (
    NOON,
    FakeClock,
    FakeCredentialStore,
    FakeRandom,
    FakeTemplateRenderer,
    FakeTransport,
)

SECRETS = (HmacSecret(b"n" * 32), HmacSecret(b"o" * 32))
ECHO = f"bad token theirs-t0ken for {SECRETS[0].reveal()} at /hook?key=qu3rycredential".encode()


@dataclass
class SlowReceiver(FakeTransport):
    """A receiver that takes a while by the clock."""

    clock: FakeClock | None = None
    seconds: float = 0.0

    def send(self, request: Request) -> Response | NoResponse:
        assert self.clock
        self.clock.sleep(self.seconds)
        return super().send(request)


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.keys = SubscriptionCredentials(SECRETS, {"authorization": "Bearer theirs-t0ken"})
        self.receiver = SlowReceiver(clock=self.clock)

    def attempt(self, subscription: Subscription | None = None) -> Attempt:
        post = SignedSender(FakeCredentialStore(self.keys), self.receiver, self.clock, FakeRandom())
        attempt = AttemptDelivery(RenderDelivery(FakeTemplateRenderer()), post, self.clock)
        return attempt(a_delivery(2), subscription or a_subscription())

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.receiver.script = [Response(status=status, headers=headers, body=body)]

    def set_clock(self, seconds: float) -> NoResponse:
        self.clock.time += seconds
        return NoResponse(Outcome.TIMED_OUT, "")

    def sent(self) -> Request:
        (request,) = self.receiver.requests
        return request


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(("seconds", "milliseconds"), [(-3600, 0), (3600, 10_000)])
def test_an_attempt_during_which_the_clock_was_set_took_its_deadline_at_most(
    world: World, seconds: float, milliseconds: int
):
    world.receiver.send = lambda _: world.set_clock(seconds)  # type: ignore[method-assign]

    assert world.attempt(a_subscription(deadline_seconds=10)).milliseconds == milliseconds


@pytest.mark.parametrize(
    ("location", "excerpt"),
    [
        ("https://new.example/hook?key=theirs", "moved to https://new.example/hook?…"),
        ("/\x1b[2J?Bearer theirs-t0ken", "moved to / [2J?…"),
        ("/hook/theirs-t0ken", "moved to /hook/…"),
        ("", "see elsewhere"),
    ],
)
def test_a_redirect_is_not_followed_and_says_where_it_leads(
    world: World, location: str, excerpt: str
):
    world.answer(308, b"see elsewhere", location=location)

    attempt = world.attempt()

    assert (attempt.outcome, attempt.excerpt) == (Outcome.REJECTED, excerpt)


def test_the_bytes_signed_are_the_bytes_sent(world: World):
    world.attempt()

    request = world.sent()
    assert request.headers["webhook-signature"] == signatures(
        message_id="sub_a#39#2", timestamp=int(NOON), body=request.body, secrets=SECRETS
    )
    assert json.loads(request.body)["sequence"] == 2


def test_an_attempt_uses_the_plain_or_encrypted_url_and_the_deadline(world: World):
    subscription, url = a_subscription(deadline_seconds=2.5), "https://ci.example/hook?key=1"

    world.attempt(subscription)
    world.keys = SubscriptionCredentials(SECRETS, url=url)
    world.attempt(subscription)

    displayed, sealed = world.receiver.requests
    assert (displayed.endpoint, sealed.endpoint) == (subscription.endpoint, Endpoint.parse(url))
    assert displayed.deadline_seconds == 2.5


def test_the_subscribers_headers_are_sent_and_our_own_win(world: World):
    world.keys = SubscriptionCredentials(
        SECRETS, {"x-team": "lake", "user-agent": "theirs", "webhook-id": "theirs"}
    )

    world.attempt()

    headers = world.sent().headers
    assert headers["x-team"] == "lake"
    assert headers["user-agent"] == USER_AGENT
    assert headers["webhook-id"] == "sub_a#39#2"


def test_a_success_keeps_nothing_of_the_answer(world: World):
    world.receiver.seconds = 0.125
    world.answer(204, b"thanks")

    attempt = world.attempt()

    assert attempt == Attempt(at=NOON, outcome=Outcome.DELIVERED, milliseconds=125, status=204)


def test_an_invalid_retry_after_is_named_before_the_response(world: World):
    world.answer(503, b"come back", **{"retry-after": "soon\x1b"})

    assert world.attempt().excerpt == "retry-after is not understood: 'soon\\x1b'; come back"


def test_a_date_in_retry_after_counts_from_the_response(world: World):
    world.receiver.seconds = 10
    world.answer(503, **{"retry-after": "Thu, 01 Jan 2026 12:01:00 GMT"})

    assert world.attempt().retry_after == 50


def test_no_answer_keeps_its_name_and_a_bounded_detail(world: World):
    world.receiver.seconds = 2
    world.receiver.script = [NoResponse(Outcome.TIMED_OUT, "slow " * 1000)]

    attempt = world.attempt()

    assert replace(attempt, excerpt="") == Attempt(
        at=NOON, outcome=Outcome.TIMED_OUT, milliseconds=2000
    )
    assert attempt.excerpt == ("slow " * 1000)[:MAX_EXCERPT_CHARACTERS]
    assert attempt.last_status == "timed_out"


@pytest.mark.parametrize(
    ("body", "excerpt"),
    [
        (b"", ""),
        (b"a\r\nb\tc\x00d", "a  b c d"),
        (b"\x1b[2J\x9bred", " [2J\ufffdred"),
        ("\u202egnp.exe\u2066\ufeff\uffff".encode(), " gnp.exe   "),
        ("湖 é".encode(), "湖 é"),
        (b"\xff\xfe", "(not shown: it is not text)"),
        (b"slow " * 20_000, ("slow " * 1000)[:MAX_EXCERPT_CHARACTERS]),
        ("\U0001f30a".encode() * 2000, "\U0001f30a" * MAX_EXCERPT_CHARACTERS),
        (b"x" + "\U0001f30a".encode() * 2000, "x" + "\U0001f30a" * (MAX_EXCERPT_CHARACTERS - 1)),
    ],
    ids=range(9),
)
def test_an_excerpt_is_one_short_printable_line(world: World, body: bytes, excerpt: str):
    world.answer(500, body)

    assert world.attempt().excerpt == excerpt


@pytest.mark.parametrize("encoding", ["gzip", "GZIP, br", "zstd"])
def test_an_excerpt_of_an_encoded_body_says_so_and_shows_none_of_it(world: World, encoding: str):
    world.answer(500, b"canary", **{"content-encoding": encoding})

    assert world.attempt().excerpt == f"(encoded: {encoding})"


@pytest.mark.parametrize(
    ("condition", "status", "body", "outcome"),
    [
        ('{"code":[0]}', 200, b'\xef\xbb\xbf{"code":0.0,"msg":"ok"}', Outcome.DELIVERED),
        ('{"code":[0]}', 200, '{"code":0,"msg":"成功"}'.encode("gbk"), Outcome.DELIVERED),
        ('{"code":[0]}', 200, b'{"code":19024}', Outcome.REJECTED),
        ('{"code":[0]}', 200, b'{"code":"0"}', Outcome.REJECTED),
        ('{"code":[0]}', 204, b"", Outcome.REJECTED),
        ('{"error":[{"exists":false}]}', 204, b"", Outcome.DELIVERED),
        ('{"error.code":[{"exists":false}]}', 200, b'{"error":{"code":1}}', Outcome.REJECTED),
        ('{"error":[{"exists":false}]}', 200, b"<html>", Outcome.REJECTED),
        ('{"error":[{"exists":false}]}', 200, b"\xff", Outcome.REJECTED),
        ('{"result.ok":[true]}', 200, b'{"result":{"ok":true}}', Outcome.DELIVERED),
        ('{"code":[0]}', 503, b'{"code":0}', Outcome.THROTTLED),
        ('{"code":[0]}', 410, b'{"code":0}', Outcome.GONE),
        ('{"of a later":"release"}', 200, b"no", Outcome.DELIVERED),
    ],
)
def test_a_success_is_one_only_if_its_body_matches_the_subscriptions_condition(
    world: World, condition: str, status: int, body: bytes, outcome: Outcome
):
    world.answer(status, body)

    assert world.attempt(a_subscription(success_if=condition)).outcome is outcome


def test_a_mismatch_shows_the_redacted_body_and_keeps_the_receivers_hints(world: World):
    headers = {"retry-after": "30", "webhook-delivery": "disable"}
    world.answer(200, b'{"code":1,"token":"theirs-t0ken"}', **headers)

    attempt = world.attempt(a_subscription(success_if='{"code":[0]}'))

    assert attempt.excerpt == (
        '200, but the body does not match success_if: {"code":1,"token":"…"}'
    )
    assert (attempt.status, attempt.retry_after, attempt.disable_requested) == (200, 30, True)


def test_a_truncated_body_is_no_success_by_a_missing_field(world: World):
    """The error that the condition forbids may be in the missing part."""
    world.receiver.script = [Response(status=200, headers={}, body=b"", is_whole=False)]

    attempt = world.attempt(a_subscription(success_if='{"error":[{"exists":false}]}'))

    assert attempt.outcome is Outcome.REJECTED
    assert attempt.excerpt == "200, but the body broke off, so success_if cannot be judged"


def test_a_body_with_too_much_to_match_is_not_taken_for_a_success(world: World):
    world.answer(200, json.dumps({"a": [0] * 20_000}).encode())
    condition = {"$or": [{"a": [number, {"prefix": "x"}]} for number in range(1, 9)]}

    attempt = world.attempt(a_subscription(success_if=json.dumps(condition)))

    assert attempt.outcome is Outcome.REJECTED
    assert attempt.excerpt.startswith("200, but the body has too many elements to match success_if")


def test_an_excerpt_keeps_no_path_of_a_url_that_is_a_credential(world: World):
    """A chat service at a host of its own."""
    world.keys = SubscriptionCredentials((), url="https://chat.example/hooks/payments-alerts")
    world.answer(500, b"cannot POST /hooks/payments-alerts")
    shown_endpoint = Endpoint.parse("https://chat.example/")

    attempt = world.attempt(a_subscription(channel="slack", endpoint=shown_endpoint))

    assert attempt.excerpt == "cannot POST /…"


def test_no_request_begins_that_another_worker_might_overlap(world: World):
    """Decrypting the secrets took long."""

    class Slow(FakeCredentialStore):
        def load(self, subscription: Subscription) -> SubscriptionCredentials:
            world.clock.sleep(20)
            return super().load(subscription)

    post = SignedSender(Slow(world.keys), world.receiver, world.clock, FakeRandom())
    attempt = AttemptDelivery(RenderDelivery(FakeTemplateRenderer()), post, world.clock)

    with pytest.raises(InsufficientTime):
        attempt(a_delivery(), a_subscription(), world.clock.now() + 29)
    assert world.receiver.requests == []

    attempt(a_delivery(), a_subscription(), world.clock.now() + 30)
    assert len(world.receiver.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Response(status=500, headers={}, body=ECHO),
        Response(status=410, headers={}, body=ECHO),
        Response(status=400, headers={"webhook-delivery": "abort-message"}, body=ECHO),
        NoResponse(Outcome.DISCONNECTED, ECHO.decode()),
    ],
    ids=["rejected", "gone", "aborted", "no answer"],
)
def test_a_receiver_that_echoes_the_request_leaves_no_credential_behind(
    world: World, answer: Response | NoResponse
):
    world.receiver.script = [answer]
    endpoint = Endpoint.parse("https://ci.example/hook?key=qu3rycredential")

    attempt = world.attempt(a_subscription(endpoint=endpoint))

    assert attempt.excerpt == "bad token … for whsec_… at /hook?key=…"
