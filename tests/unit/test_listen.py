"""``lakehook listen`` verifies, answers, prints a line, and leaves nothing behind."""

import json
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any

import pytest
import urllib3

from lakehook.adapters.http.server import CannedResponse
from lakehook.cli import listening
from lakehook.cli.command import run
from lakehook.cli.listening import Forwarder
from lakehook.domain.channels.webhook import request_headers
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.json_document import to_json
from lakehook.domain.signing import HmacSecret
from lakehook.operations import events as operations_events
from tests.builders import a_document
from tests.fakes_ops import FakeStack
from tests.journaling import accept


class Server:
    """A fake of the server on loopback: a test posts to it by a call."""

    server_port = 8000

    def __init__(self, take: Callable[..., CannedResponse], port: int) -> None:
        self.take, self.port, self.is_closed = take, port, False

    def serve_forever(self, _poll: float) -> None: ...

    def shutdown(self) -> None:
        self.is_closed = True

    def server_close(self) -> None: ...


class Listening:
    """The command on a laptop, with an action to run while it listens."""

    def __init__(self, stack: FakeStack, capsys: pytest.CaptureFixture[str]) -> None:
        self.stack, self._capsys = stack, capsys
        self.servers: list[Server] = []
        self.while_it_listens: Callable[[], None] = lambda: None
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        code = run(["listen", *arguments], lambda _stack, warn: self.stack.service(warn))
        self.out, self.err = self._capsys.readouterr()
        return code

    def serve(self, take: Callable[..., CannedResponse], port: int) -> Server:
        self.servers.append(Server(take, port))
        return self.servers[-1]

    def wait(self) -> None:
        self.while_it_listens()
        raise KeyboardInterrupt

    def post(
        self, document: dict[str, Any], *, number: int = 1, secret: str = ""
    ) -> CannedResponse:
        """Post a document as the sender would, signed by the secret that was printed."""
        output = self._capsys.readouterr()
        self.printed = output.out + output.err
        (name,) = (word.rstrip(",") for word in self.printed.split() if word.startswith("whsec_"))
        return self.post_signed(document, HmacSecret.parse(secret or name), number)

    def post_signed(self, document: dict[str, Any], key: HmacSecret, number: int) -> CannedResponse:
        body = to_json(document).encode()
        headers = request_headers(
            message_id=f"sub_a#39#{number}", at=self.stack.clock.now(), body=body, secrets=[key]
        )
        return self.servers[0].take(headers, body)


@pytest.fixture
def stack() -> FakeStack:
    stack = FakeStack(opened=["127.0.0.0/8"])
    stack.network.hosts["127.0.0.1"] = ["127.0.0.1"]
    stack.is_laptop = True
    return stack


@pytest.fixture
def listen(
    stack: FakeStack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Listening:
    command = Listening(stack, capsys)
    monkeypatch.setattr(listening, "ReceiverServer", command.serve)
    monkeypatch.setattr(listening, "wait_for_interrupt", command.wait)
    return command


def active_names(stack: FakeStack) -> list[str]:
    return [
        subscription.name
        for subscription in stack.subscriptions.all()
        if subscription.removed_at is None
    ]


def test_a_delivery_is_verified_answered_and_printed_in_a_line(listen: Listening, stack: FakeStack):
    answers = []

    def deliver() -> None:
        assert active_names(stack) == ["listen-8000"]
        answers.append(listen.post(a_document(sequence=2)).status)

    listen.while_it_listens = deliver

    assert listen() == 0

    assert answers == [204]
    assert listen.printed.startswith(
        "listening at http://127.0.0.1:8000/ as subscription listen-8000\nsecret whsec_"
    )
    (line,) = listen.out.splitlines()
    assert line[8:] == "      39 #2   PIPELINE_CREATED    湖                    -> 204"
    assert active_names(stack) == []
    assert listen.servers[0].is_closed


def test_a_subscription_left_by_a_killed_command_is_removed(listen: Listening, stack: FakeStack):
    leftover = stack.service().subscribe(
        listening._fields_of(
            listening._model(stack.service(), None), "listen-8000", "http://127.0.0.1:8000/"
        )
    )[0]

    listen()

    assert stack.subscriptions.find(leftover.id).removed_at is not None  # type: ignore[union-attr]


def test_a_request_without_a_valid_signature_gets_401_with_the_reason(listen: Listening):
    answers: list[CannedResponse] = []
    strange = HmacSecret(bytes(32))
    listen.while_it_listens = lambda: answers.append(listen.post_signed(a_document(), strange, 1))

    listen()

    assert answers[0].status == 401
    assert "-> 401  not verified: none of 1 v1 signatures is of this id, time" in listen.out


def test_a_challenge_is_echoed_and_a_repeat_is_marked(listen: Listening):
    answers: list[CannedResponse] = []
    ping = {"event_type": "PING", "event_id": "ping-1", "challenge": "echo me"}

    def deliver() -> None:
        answers.append(listen.post(ping))
        key = HmacSecret.parse(next(w for w in listen.printed.split() if "whsec_" in w).rstrip(","))
        listen.post_signed(a_document(), key, 1)

    listen.while_it_listens = deliver
    listen()

    assert (answers[0].status, answers[0].body) == (200, b"echo me")
    assert "PING" in listen.out
    assert listen.out.splitlines()[1].endswith("-> 204  repeat")


def test_failures_and_delays_follow_the_options(listen: Listening, stack: FakeStack):
    answers: list[int] = []
    began = stack.clock.now()
    listen.while_it_listens = lambda: answers.append(listen.post(a_document()).status)

    assert listen("--fail", "503", "--slow", "9") == 0

    assert answers == [503]
    assert stack.clock.now() == began + 9
    assert listen.out.rstrip().endswith("-> 503  as --fail says")


def test_for_programs_a_delivery_is_a_line_of_json(listen: Listening):
    listen.while_it_listens = lambda: print(listen.post(a_document()).status)  # noqa: T201

    assert listen("--output", "json") == 0

    line = json.loads(listen.out.splitlines()[0])
    assert (line["webhook_id"], line["status"], line["note"]) == ("sub_a#39#1", 204, None)
    assert line["event"]["project_name"] == "湖"


def test_the_command_ends_cleanly_after_its_cloud(listen: Listening, stack: FakeStack):
    def end() -> None:
        stack.subscriptions.save = _away  # type: ignore[method-assign,assignment]

    listen.while_it_listens = end

    assert listen() == 0


def _away(_: Any) -> Any:
    raise InfrastructureError("Could not connect")


class ForwardTarget:
    """An app that deliveries are forwarded to."""

    error: Exception | None = None

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes, Mapping[str, str]]] = []

    def request(self, _method: str, url: str, **request: Any) -> urllib3.HTTPResponse:
        if self.error:
            raise self.error
        self.requests.append((url, request["body"], request["headers"]))
        headers = {"retry-after": "7", "x-other": "1"}
        return urllib3.HTTPResponse(BytesIO(b"busy"), headers, 429, preload_content=False)


def test_a_delivery_is_forwarded_unchanged_and_gets_the_apps_response():
    app = ForwardTarget()
    headers = {"webhook-id": "sub_a#39#1", "host": "127.0.0.1:8000", "content-length": "2"}

    answer, note = Forwarder("http://localhost:3000/hook", app)(headers, b"{}")  # type: ignore[arg-type]

    assert app.requests == [("http://localhost:3000/hook", b"{}", {"webhook-id": "sub_a#39#1"})]
    assert (answer.status, answer.headers, answer.body) == (429, {"retry-after": "7"}, b"busy")
    assert note == ""
    app.error = urllib3.exceptions.ProtocolError("refused")
    answer, note = Forwarder("http://localhost:3000/", app)({}, b"{}")  # type: ignore[arg-type]

    assert (answer.status, note) == (500, "no answer from http://localhost:3000/: refused")


def test_the_forward_target_must_be_a_url(listen: Listening):
    assert listen("--forward-to", "localhost:3000") == 2
    assert "forward to: 'localhost:3000' is not a URL such as http://localhost" in listen.err


# --- against AWS ---


@pytest.fixture
def on_aws(stack: FakeStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], None]]]:
    """Actions to run between polls, one each; then the command is interrupted."""
    stack.is_laptop = False
    moments: list[Callable[[], None]] = []

    def sleep(seconds: float) -> None:
        assert seconds == operations_events.POLL_SECONDS
        if not moments:
            raise KeyboardInterrupt
        stack.clock.time += seconds
        moments.pop(0)()

    monkeypatch.setattr(stack.clock, "sleep", sleep)
    yield moments
    assert moments == []


def test_on_aws_listen_reads_a_subscriptions_events_and_changes_nothing(
    listen: Listening, stack: FakeStack, on_aws: list[Callable[[], None]]
):
    service = stack.service()
    fields = listening.SubscriptionFields(
        name="ci", url="https://ci.example/", event_types=["PIPELINE_RUNNING", "PIPELINE_FAILED"]
    )
    service.subscribe(fields)
    accept(stack.journal, pipeline_id=1)
    on_aws += [
        lambda: accept(stack.journal, pipeline_id=1, event_type="PIPELINE_RUNNING"),
        lambda: accept(stack.journal, pipeline_id=2, event_type="PIPELINE_FAILED"),
        lambda: accept(stack.journal, pipeline_id=1, event_type="PIPELINE_COMPLETED"),
    ]

    assert listen("--subscription", "ci") == 0, listen.err

    lines = listen.out.splitlines()
    assert lines[0] == "following the journal, as subscription ci would"
    assert [line.split()[1:4] for line in lines[3:]] == [
        ["1", "#2", "PIPELINE_RUNNING"],
        ["2", "#2", "PIPELINE_FAILED"],
    ]
    assert all(line.endswith("-> 204") for line in lines[3:])
    assert active_names(stack) == ["ci"]
    assert not stack.ledger.records
