"""``subscriptions test`` and ``add --challenge`` at a terminal."""

import json
from typing import Any

import pytest

from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.ping import Ping, PingResult
from tests.fakes import NOON
from tests.fakes_ops import Office
from tests.unit.test_ops_command import Terminal, add

TAKEN = Attempt(at=NOON, outcome=Outcome.DELIVERED, milliseconds=7, status=200, excerpt="hello")


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(Office(), capsys)


def echoes(ping: Ping) -> PingResult:
    return PingResult(TAKEN, echoed=ping.challenge is not None)


def shrugs(_: Ping) -> PingResult:
    return PingResult(TAKEN, echoed=False)


def refuses(_: Ping) -> PingResult:
    attempt = Attempt(at=NOON, outcome=Outcome.TLS_FAILED, milliseconds=3, excerpt="expired")
    return PingResult(attempt, echoed=False)


def asked(terminal: Terminal, *arguments: str) -> tuple[int, Any]:
    code = terminal("subscriptions", *arguments, "--output", "json")
    return code, json.loads(terminal.out)


def test_the_answer_of_an_endpoint_is_shown(terminal: Terminal) -> None:
    add(terminal)
    terminal.office.queue.result_of = shrugs

    code, answer = asked(terminal, "test", "ci")

    assert code == 0
    shown = {name: answer[name] for name in ("outcome", "status", "milliseconds", "answer")}
    assert shown == {"outcome": "delivered", "status": 200, "milliseconds": 7, "answer": "hello"}


def test_an_endpoint_that_does_not_take_it_is_exit_code_1(terminal: Terminal) -> None:
    add(terminal)
    terminal.office.queue.result_of = refuses

    code, answer = asked(terminal, "test", "ci")

    assert code == 1
    assert (answer["outcome"], answer["status"]) == ("tls_failed", None)


def test_silence_is_exit_code_1_and_says_where_to_look(terminal: Terminal) -> None:
    add(terminal)

    code, answer = asked(terminal, "test", "ci", "--wait", "2")

    assert code == 1
    assert answer["hint"] == "nothing within 2 s: does the delivery function run?"


CHALLENGED = ("add", "--name", "ci", "--url", "https://ci.example/hook", "--challenge")


def test_a_challenge_that_is_echoed_makes_it_active_at_once(terminal: Terminal) -> None:
    terminal.office.queue.result_of = echoes

    code, answer = asked(terminal, *CHALLENGED)

    assert code == 0
    assert answer["state"] == "active"
    assert answer["secret"].startswith("whsec_")


@pytest.mark.parametrize(
    ("trouble", "code"),
    [(InfrastructureError("the queue is away"), 4), (KeyboardInterrupt(), 130)],
    ids=repr,
)
def test_a_secret_is_answered_whatever_comes_between_the_question_and_its_answer(
    terminal: Terminal, trouble: BaseException, code: int
) -> None:
    def breaks_off(_: Ping) -> PingResult:
        raise trouble

    terminal.office.queue.result_of = breaks_off
    found, answer = asked(terminal, *CHALLENGED)

    (subscription,) = terminal.office.subscriptions.all()
    assert (found, answer["state"], answer["outcome"]) == (code, "pending", None)
    assert answer["subscription_id"] == subscription.id
    assert answer["secret"].startswith("whsec_")
    assert answer["hint"] == "it was broken off; try again: lakehook subscriptions test ID"
    assert terminal("subscriptions", "remove", subscription.id) == 0
    assert terminal(*("subscriptions", *CHALLENGED)) == code
    assert "whsec_" in terminal.out


def test_one_that_is_not_echoed_leaves_it_pending_until_it_is(terminal: Terminal) -> None:
    terminal.office.queue.result_of = shrugs
    code, answer = asked(terminal, *CHALLENGED)
    assert (code, answer["state"]) == (1, "pending")
    assert answer["secret"].startswith("whsec_")
    assert "try again: lakehook subscriptions test" in answer["hint"]

    terminal.office.queue.result_of = echoes
    code, answer = asked(terminal, "test", "ci")

    assert (code, answer["state"]) == (0, "active")
