"""Canary secrets take every path through the installation, and leak in none of its outputs."""

import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from lakehook.adapters.signing_keys import CryptographyPrivateKey
from lakehook.domain.delivery import Lane
from lakehook.domain.event import Event
from lakehook.domain.lane import DeliveryStatus
from lakehook.domain.signing import HmacSecret
from local.receiver import Arrival, Receiver
from tests.e2e.conftest import Publish
from tests.e2e.evidence import Evidence
from tests.e2e.pipelines import CREATED, pipeline_events
from tests.e2e.subscribers import Subscribers
from tests.e2e.terminal import Terminal
from tests.integration.authority import Authority
from tests.integration.eventually import PATIENCE, eventually

SECRET = HmacSecret(b"canary of the signing secret")
PRIVATE = CryptographyPrivateKey.of_seed(b"canary of the signing secret too")
TOKEN = "canary-of-the-header"
PASSWORD = base64.b64encode(b"user:canary-of-the-password").decode()
KEY = "canary-of-the-query"
CLIENT_KEY = b"canary of a client's private key"
CANARIES = [
    SECRET.key,
    PRIVATE.seed,
    PRIVATE.key,
    CLIENT_KEY,
    *(text.encode() for text in (TOKEN, PASSWORD, "canary-of-the-password", KEY)),
]
HEADERS = (f"authorization: Bearer {TOKEN}", f"x-upstream: Basic {PASSWORD}")
OPTIONS = tuple(argument for header in HEADERS for argument in ("--header", header))


def find_canaries(text: bytes) -> list[bytes]:
    """The forms in which canaries stand in a text."""
    return [form for canary in CANARIES for form in _forms(canary) if form in text]


def _forms(canary: bytes) -> Iterator[bytes]:
    yield from (canary, canary.hex().encode(), canary.hex().upper().encode())
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):  # what is encoded may begin with something else
            encoded = encode(bytes(before) + canary + bytes(3))
            yield encoded[4:-8]


class _Echo(BaseHTTPRequestHandler):
    """Receiver that refuses, and echoes the request and the secrets in its answer."""

    def do_POST(self) -> None:
        echo = f"you sent: {self.path} {self.headers} {SECRET.reveal()} {PRIVATE.reveal()}"
        body = echo.encode() + SECRET.key + SECRET.key.hex().encode() + PRIVATE.seed
        self.send_response(500, KEY)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-echo", TOKEN)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def echoing() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    thread = Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/?key={KEY}"
    server.shutdown()
    server.server_close()
    thread.join()


def write_file(file: Path, text: str | bytes) -> str:
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(file)


@dataclass(frozen=True)
class CanaryStack:
    """Installation with the canaries, and the outputs that could leak them."""

    subscribers: Subscribers
    publish: Publish
    evidence: Evidence
    terminal: Terminal
    folder: Path
    authority: Authority

    @cached_property
    def certificate_files(self) -> list[str]:
        """A client certificate, whose key in PEM has a canary on each of its lines."""
        key = ec.derive_private_key(int.from_bytes(CLIENT_KEY), ec.SECP256R1())
        certificate, pem = self.authority.client("canary", key=key)
        CANARIES.extend(pem.splitlines()[1:-1])
        files = (
            write_file(self.folder / "client.pem", certificate),
            write_file(self.folder / "key", pem),
        )
        return ["--certificate", files[0], "--key", files[1]]

    @property
    def secret_file(self) -> str:
        return write_file(self.folder / "secret", SECRET.reveal())

    @property
    def private_file(self) -> str:
        return write_file(self.folder / "private", PRIVATE.reveal())

    def subscribe_all(self, good: Receiver, echo_url: str) -> list[str]:
        """The ids of a good subscriber, of one that echoes, and of one that is not there."""
        subscribers, secret, private = self.subscribers, self.secret_file, self.private_file
        mute_url = f"https://127.0.0.1:1/?key={KEY}"
        good_id = subscribers.add(good, *OPTIONS, "--secret-file", secret)
        echo_id, _ = subscribers.add_url(echo_url, "echo", *OPTIONS, "--secret-file", private)
        mute_id, _ = subscribers.add_url(mute_url, "mute", *OPTIONS)
        certificate = ("set-client-certificate", mute_id, *self.certificate_files)
        self.terminal.json("subscriptions", *certificate)
        for subscription_id, file in ((good_id, private), (echo_id, secret)):
            self.terminal.json(
                "subscriptions", "rotate-secret", subscription_id, "--secret-file", file
            )
        return [good_id, echo_id, mute_id]

    def deliver(self, event: Event, good: Receiver, dying_lanes: Sequence[Lane]) -> Arrival:
        """Return the good subscriber's arrival, once the others' deliveries are dead letters."""
        self.publish([event])
        assert good.wait_for(1, within=PATIENCE)
        for lane in dying_lanes:
            eventually(lambda lane=lane: self.evidence.statuses(lane) == [DeliveryStatus.DEAD])
        return good.arrivals[0]


@pytest.fixture
def canary_stack(
    *,
    subscribers: Subscribers,
    publish: Publish,
    evidence: Evidence,
    terminal: Terminal,
    tmp_path: Path,
    authority: Authority,
) -> CanaryStack:
    return CanaryStack(subscribers, publish, evidence, terminal, tmp_path, authority)


def test_a_canary_in_any_encoding_would_be_found():
    for canary in CANARIES:
        for encoded in (
            canary,
            b"<" + base64.b64encode(b"x" + canary) + b">",
            base64.urlsafe_b64encode(b"xy" + canary + b"z"),
            canary.hex().encode(),
        ):
            assert find_canaries(b"... " + encoded + b" ...")


def test_no_secret_leaks_in_any_output(
    canary_stack: CanaryStack, terminal: Terminal, evidence: Evidence
):
    (event,), good = pipeline_events(CREATED), Receiver("good")
    with echoing() as echo_url:
        ids = canary_stack.subscribe_all(good, echo_url)
        dying_lanes = [Lane(id_, event.pipeline_key) for id_ in ids[1:]]
        arrival = canary_stack.deliver(event, good, dying_lanes)
    run_every_query(terminal, ids, dying_lanes)
    check(canary_stack, arrival)
    give_bad_input(canary_stack, known_id=ids[0])

    terminal_output = "\n".join(terminal.output).encode()
    assert_canaries_went_everywhere(evidence, terminal_output, dying_lanes)
    for place in (terminal_output, evidence.logged, evidence.stored, evidence.queued):
        assert find_canaries(place) == []


def assert_canaries_went_everywhere(
    evidence: Evidence, terminal_output: bytes, dying_lanes: list[Lane]
) -> None:
    """Check that each output was used, so that a leak would be seen."""
    (record,) = evidence.records(dying_lanes[0])
    assert record.attempts_log[-1].excerpt.startswith("you sent: /?key=… ")
    assert b"you sent: /?key=\\u2026" in terminal_output
    assert f"{dying_lanes[1]}#1".encode() in evidence.logged
    assert b"you sent: /?key=" in evidence.stored
    assert str(dying_lanes[0]).encode() in evidence.queued


def run_every_query(terminal: Terminal, ids: list[str], lanes: list[Lane]) -> None:
    pipeline_id = lanes[0].pipeline_id
    questions = [
        ("subscriptions", "list"),
        *(("subscriptions", "show", id_) for id_ in ids),
        *(("subscriptions", "update", id_, "--deadline", "5") for id_ in ids),
        *(("subscriptions", "pause", id_) for id_ in ids),
        *(("subscriptions", "resume", id_) for id_ in ids),
        ("dead-letters", "list"),
        *(("dead-letters", "show", f"{lane}#1") for lane in lanes),
        ("deliveries", "list", "--pipeline", pipeline_id),
        *(("deliveries", "show", f"{lane}#1") for lane in lanes),
        ("lanes", "list"),
        ("pipelines", "show", pipeline_id),
    ]
    for question in questions:
        for form in ("text", "json"):
            assert terminal(*question, "--output", form) == 0, terminal.stderr


def check(canary_stack: CanaryStack, arrival: Arrival) -> None:
    headers = write_file(canary_stack.folder / "headers", json.dumps(dict(arrival.headers)))
    body = write_file(canary_stack.folder / "body", arrival.raw)
    for file in (canary_stack.secret_file, canary_stack.private_file):
        capture = ("verify", "--headers", headers, "--secret-file", file, "--body")
        assert canary_stack.terminal(*capture, body) == 0, canary_stack.terminal.output
        assert canary_stack.terminal(*capture, headers) == 1


def give_bad_input(canary_stack: CanaryStack, *, known_id: str) -> None:
    secret_file, bad = (
        canary_stack.secret_file,
        write_file(canary_stack.folder / "bad", SECRET.reveal() + "*"),
    )
    add, key = ("subscriptions", "add", "--name", "x", "--url"), canary_stack.certificate_files[-1]
    url = "http://127.0.0.1:9/"
    for arguments in (
        (*add, url, "--secret-file", bad),
        (*add, url, "--secret-file", secret_file, "--signing", "ed25519"),
        (*add, url, "--header", f"authorization: {TOKEN}\r\nx: y"),
        (*add, url, "--header", f"{TOKEN}"),
        (*add, url, "--header", f"x-a: {TOKEN * 300}"),
        (*add, f"http://{KEY}:{KEY}@127.0.0.1/"),
        (*add, f"http://10.0.0.1/?key={KEY}"),
        (*add, f"ftp://127.0.0.1/?key={KEY}"),
        (*add, f"http://127.0.0.1/#{KEY}"),
        ("subscriptions", "update", known_id, "--url", f"http://127.0.0.1:99999/?key={KEY}"),
        ("subscriptions", "rotate-secret", known_id, "--secret-file", bad),
        ("subscriptions", "set-client-certificate", known_id, *canary_stack.certificate_files),
        ("subscriptions", "set-client-certificate", known_id, "--certificate", key, "--key", bad),
        (
            "subscriptions",
            "rotate-secret",
            known_id,
            "--overlap",
            "x",
            "--secret-file",
            secret_file,
        ),
        ("verify", "--headers", secret_file, "--body", bad, "--secret-file", secret_file),
        ("verify", "--headers", bad, "--body", bad, "--secret-file", bad),
    ):
        for form in ("text", "json"):
            assert canary_stack.terminal(*arguments, "--output", form) == 2, arguments
