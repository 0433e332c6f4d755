"""``subscriptions test`` and ``add --challenge`` at a terminal."""

import io
import json
from typing import Any

import pytest

from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.queue_message import Ping, PingResult
from tests.fakes import NOON
from tests.terminal import Terminal, add

DELIVERED = Attempt(at=NOON, outcome=Outcome.DELIVERED, milliseconds=7, status=200, excerpt="hello")


def echo_challenge(ping: Ping) -> PingResult:
    return PingResult(DELIVERED, echoed=ping.challenge is not None)


def answer_without_echo(_: Ping) -> PingResult:
    return PingResult(DELIVERED, echoed=False)


def fail_tls(_: Ping) -> PingResult:
    attempt = Attempt(at=NOON, outcome=Outcome.TLS_FAILED, milliseconds=3, excerpt="expired")
    return PingResult(attempt, echoed=False)


def run_json(terminal: Terminal, *arguments: str) -> tuple[int, Any]:
    code = terminal("subscriptions", *arguments, "--output", "json")
    return code, json.loads(terminal.out)


def test_the_answer_of_an_endpoint_is_shown_and_is_exit_code_1_if_it_did_not_take_it(
    terminal: Terminal,
) -> None:
    add(terminal)
    terminal.stack.queue.result_of = answer_without_echo

    code, answer = run_json(terminal, "test", "ci")

    assert code == 0
    view = {name: answer[name] for name in ("outcome", "status", "milliseconds", "answer")}
    assert view == {"outcome": "delivered", "status": 200, "milliseconds": 7, "answer": "hello"}
    terminal.stack.queue.result_of = fail_tls
    code, answer = run_json(terminal, "test", "ci")
    assert (code, answer["outcome"], answer["status"]) == (1, "tls_failed", None)


@pytest.mark.parametrize(
    ("url", "options", "is_hinted"),
    [
        ("https://ci.example/hook", (), True),
        ("https://ci.example/flow?sig=x", ("--channel", "teams"), False),
    ],
)
def test_a_401_hints_at_the_secret_only_if_there_is_one(
    terminal: Terminal, url: str, options: tuple[str, ...], *, is_hinted: bool
) -> None:
    refused = Attempt(at=NOON, outcome=Outcome.REJECTED, milliseconds=3, status=401)
    assert terminal("subscriptions", "add", "--name", "ci", "--url", url, *options) == 0
    terminal.stack.queue.result_of = lambda _: PingResult(refused, echoed=False)

    _, answer = run_json(terminal, "test", "ci")

    assert ("has the receiver another secret?" in (answer["hint"] or "")) is is_hinted


def test_silence_is_exit_code_1_and_says_where_to_look(terminal: Terminal) -> None:
    add(terminal)

    code, answer = run_json(terminal, "test", "ci", "--wait", "2")

    assert code == 1
    assert answer["hint"] == "nothing within 2 s: does the delivery function run?"


CHALLENGED = ("add", "--name", "ci", "--url", "https://ci.example/hook", "--challenge")


def test_the_secret_is_printed_before_the_challenge_so_that_a_receiver_can_verify_it(
    terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = []

    def verifies(ping: Ping) -> PingResult:
        printed.append(json.loads(capsys.readouterr().out))
        return echo_challenge(ping)

    terminal.stack.queue.result_of = verifies

    assert terminal("subscriptions", *CHALLENGED, "--output", "json") == 0

    (answer,) = printed
    (subscription,) = terminal.stack.subscriptions.all()
    assert (answer["subscription_id"], answer["state"]) == (subscription.id, "pending")
    assert answer["secret"].startswith("whsec_")
    assert not subscription.is_pending
    assert terminal.err == "ci took it: 200 in 7 ms; it is active\n"
    assert terminal.out == ""


def test_at_a_terminal_it_waits_until_the_receiver_has_the_secret(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Keyboard(io.StringIO):
        def isatty(self) -> bool:
            return True

        def readline(self, *_: object) -> str:
            assert not terminal.stack.queue.pinged
            return "\n"

    terminal.stack.queue.result_of = echo_challenge
    monkeypatch.setattr("sys.stdin", Keyboard())
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)

    assert terminal("subscriptions", *CHALLENGED) == 0

    secret, _, later = terminal.out.partition("Give the receiver its key, then press Enter")
    assert "whsec_" in secret
    assert "it is active" in later


@pytest.mark.parametrize(
    ("error", "code"),
    [(InfrastructureError("the queue is away"), 4), (KeyboardInterrupt(), 130)],
    ids=repr,
)
def test_a_failure_after_the_secret_was_shown_leaves_the_subscription(
    terminal: Terminal, error: BaseException, code: int
) -> None:
    def breaks_off(_: Ping) -> PingResult:
        raise error

    terminal.stack.queue.result_of = breaks_off
    exit_code, answer = run_json(terminal, *CHALLENGED)

    (subscription,) = terminal.stack.subscriptions.all()
    assert (exit_code, answer["state"]) == (code, "pending")
    assert answer["subscription_id"] == subscription.id
    assert answer["secret"].startswith("whsec_")


def test_a_subscription_stays_pending_until_its_challenge_is_echoed(terminal: Terminal) -> None:
    terminal.stack.queue.result_of = answer_without_echo
    code, answer = run_json(terminal, *CHALLENGED)
    assert (code, answer["state"]) == (1, "pending")
    assert "the answer is not the challenge; try again: lakehook subscriptions test" in terminal.err

    terminal.stack.queue.result_of = echo_challenge
    code, answer = run_json(terminal, "test", "ci")

    assert (code, answer["state"]) == (0, "active")
