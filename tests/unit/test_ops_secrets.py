"""Secrets at a terminal: provided, rotated, and shown at most once."""

import base64
import errno
import io
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from lakehook.adapters.signing_keys import CryptographyPrivateKey
from lakehook.domain.errors import Conflict
from lakehook.domain.signing import active
from lakehook.domain.subscription import Subscription
from tests.terminal import Keyboard, Terminal, add, stored_subscription

PROVIDED = "whsec_" + base64.b64encode(b"a canary of twenty-four!").decode()
PRIVATE = CryptographyPrivateKey.of_seed(b"another canary of 32 bytes, yes!")
HOUR = 3600


def file_of(tmp_path: Path, text: str | bytes) -> str:
    file = tmp_path / "secret.txt"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(file)


def keys(terminal: Terminal) -> list[bytes]:
    """Active keys, the newest first."""
    subscription, stack = stored_subscription(terminal), terminal.stack
    return [
        stack.encryptor.unseal(secret.ciphertext, subscription_id=subscription.id)
        for secret in active(subscription.secrets, stack.clock.now())
    ]


def rotate(terminal: Terminal, *options: str) -> Any:
    return terminal.json("subscriptions", "rotate-secret", "ci", *options)


def headers(terminal: Terminal) -> Any:
    """Headers as they are encrypted."""
    subscription = stored_subscription(terminal)
    assert subscription.encrypted_headers
    opened = terminal.stack.encryptor.unseal(
        subscription.encrypted_headers, subscription_id=subscription.id
    )
    return json.loads(opened)


# --- headers in a file ---


def test_headers_of_a_file_are_added_to_those_of_the_command_line(
    terminal: Terminal, tmp_path: Path
) -> None:
    file = file_of(tmp_path, "\ufeffauthorization: Bearer canary\r\n\r\nx-team:lake\n")

    added = add(terminal, "--header", "x-a: 1", "--header-file", file)

    assert added["headers"] == ["x-a", "authorization", "x-team"]
    assert headers(terminal) == {"x-a": "1", "authorization": "Bearer canary", "x-team": "lake"}
    assert "canary" not in terminal.out + terminal.err


def test_headers_come_from_standard_input_and_replace_those_there_were(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(terminal, "--header", "x-a: 1")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"authorization: canary")))

    updated = terminal.json("subscriptions", "update", "ci", "--header-file", "-")

    assert updated["headers"] == ["authorization"]
    assert headers(terminal) == {"authorization": "canary"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "header file: no header in it"),
        ("\n \r\n", "header file: no header in it"),
        ("Bearer canary", "header: not 'Name: value'"),
        ("x-a: canary\rx-b: canary", "header: the value of x-a has a line break"),
        ("x-a: canary\x0bx-b: 1", "header: the value of x-a has a control character"),
        ("x-a: canary\nX-A: canary", "header: x-a is given twice"),
        ("host: canary", "header: host is the sender's own"),
        (b"x-a: \xff canary", "header file: not text"),
        ("x-a: canary\n" * 2000, "header file: more than 16384 bytes"),
    ],
)
def test_an_invalid_header_is_one_line_and_not_repeated(
    terminal: Terminal, tmp_path: Path, text: str | bytes, complaint: str
) -> None:
    add(terminal, "--header", "x-old: 1")
    before = stored_subscription(terminal)

    code = terminal("subscriptions", "update", "ci", "--header-file", file_of(tmp_path, text))

    assert (code, terminal.err.count("\n")) == (2, 1)
    assert complaint in terminal.err
    assert "canary" not in terminal.err + terminal.out
    assert stored_subscription(terminal) == before


def test_a_secret_and_headers_cannot_both_be_standard_input(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PROVIDED.encode())))
    options = ("--secret-file", "-", "--header-file", "-")
    url = "https://ci.example/hook"

    assert terminal("subscriptions", "add", "--name", "ci", "--url", url, *options) == 2
    assert "only one of the files can be -" in terminal.err


def test_the_help_shows_no_credential_on_a_command_line(terminal: Terminal) -> None:
    assert terminal("subscriptions", "add", "--help") == 0

    assert "--header-file bearer.txt" in terminal.out
    assert "Bearer" not in terminal.out


# --- add ---


def test_ed25519_tells_its_public_key_at_add_and_show_and_never_its_private_one(
    terminal: Terminal,
) -> None:
    added = add(terminal, "--signing", "ed25519")
    view = terminal.json("subscriptions", "show", "ci")

    (key,) = keys(terminal)
    assert added["public_key"] == view["public_key"] == CryptographyPrivateKey(key).public
    assert (added["signing"], added["secret"]) == ("ed25519", None)
    assert terminal("subscriptions", "show", "ci") == 0
    assert added["public_key"] in terminal.out
    assert "whsk_" not in terminal.out


@pytest.mark.parametrize("secret", [PROVIDED, f"\ufeff{PROVIDED}\r\n", PRIVATE.reveal()])
def test_a_provided_secret_signs_and_is_not_printed(
    terminal: Terminal, tmp_path: Path, secret: str
) -> None:
    added = add(terminal, "--secret-file", file_of(tmp_path, secret))

    assert added["secret"] is None
    assert keys(terminal) == [base64.b64decode(secret.strip("\ufeff\r\n").partition("_")[2])]
    assert "canary" not in terminal.out
    assert secret.strip() not in terminal.out


def test_a_typed_secret_is_not_echoed(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Keyboard()))
    monkeypatch.setattr("lakehook.cli.inputs.getpass", lambda _prompt: PROVIDED)

    add(terminal, "--secret-file", "-")

    assert keys(terminal) == [b"a canary of twenty-four!"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "secret: 0 bytes"),
        ("whsec_c2hvcnQ=", "secret: 5 bytes; Standard Webhooks wants 24 to 64"),
        ("whsec_canary*", "secret: not base64, as in whsec_<base64>"),
        ("whsk_" + PROVIDED[6:], "secret: 24 bytes; an ed25519 key has 64"),
        (PRIVATE.public, "secret: a public key cannot sign; its other half is whsk_<base64>"),
        (b"\xff\xfe canary", "secret: not text"),
        ("canary" * 1000, "secret: more than 1024 bytes"),
    ],
)
def test_an_invalid_secret_is_one_line_and_not_repeated(
    terminal: Terminal, tmp_path: Path, text: str | bytes, complaint: str
) -> None:
    file = file_of(tmp_path, text)
    url = "https://ci.example/hook"

    code = terminal("subscriptions", "add", "--name", "ci", "--url", url, "--secret-file", file)

    assert (code, terminal.err.count("\n")) == (2, 1)
    assert complaint in terminal.err
    assert "canary" not in terminal.err + terminal.out
    assert terminal.stack.subscriptions.all() == []


def test_a_secret_of_another_kind_or_none_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    of_hmac = ("--signing", "ed25519", "--secret-file", file_of(tmp_path, PROVIDED))
    terms = ("subscriptions", "add", "--name", "x", "--url", "https://ci.example/")

    assert terminal(*terms, *of_hmac) == 2
    assert terminal.err.startswith("error: secret: it is of hmac, and signing")
    assert terminal(*terms, "--secret-file", "/nowhere") == 2
    assert "No such file" in terminal.err


# --- rotate ---


def test_a_rotation_shows_the_new_secret_once_and_the_old_one_signs_on_for_a_day(
    terminal: Terminal,
) -> None:
    old = add(terminal)["secret"]

    rotated = rotate(terminal)

    assert rotated["secret"] not in (None, old)
    assert rotated["effective_at"] == "2026-01-01T12:00:10.000+00:00"
    assert [secret["expires_at"] for secret in rotated["secrets"]] == [
        None,
        "2026-01-02T12:00:00.000+00:00",
    ]
    assert len(keys(terminal)) == 2
    for command in ("show", "list", "rotate-secret"):
        terminal("subscriptions", command, *(["ci"] if command != "list" else []))
        assert old not in terminal.out
        assert rotated["secret"] not in terminal.out
    terminal.stack.clock.sleep(24 * HOUR)
    assert len(keys(terminal)) == 1


def test_a_change_of_kind_keeps_the_old_kind_for_the_overlap(
    terminal: Terminal, tmp_path: Path
) -> None:
    add(terminal)

    changed = rotate(terminal, "--signing", "ed25519", "--overlap", "1h")
    rotated_again = rotate(terminal)
    rotated_to_provided = rotate(terminal, "--secret-file", file_of(tmp_path, PROVIDED))

    assert [secret["signing"] for secret in changed["secrets"]] == ["ed25519", "hmac"]
    assert changed["public_key"].startswith("whpk_")
    assert rotated_again["signing"] == "ed25519"
    assert (
        rotated_to_provided["signing"],
        rotated_to_provided["public_key"],
        rotated_to_provided["secret"],
    ) == ("hmac", None, None)
    assert [len(key) for key in keys(terminal)] == [24, 64, 64, 32]


def test_a_subscription_has_at_most_ten_secrets(terminal: Terminal) -> None:
    add(terminal)
    for _ in range(9):
        rotate(terminal)
    before = stored_subscription(terminal)

    assert terminal("subscriptions", "rotate-secret", "ci") == 2
    assert "secret: 10 sign already, at most 10; the next ends at 2026-01-02" in terminal.err
    assert stored_subscription(terminal) == before
    assert rotate(terminal, "--overlap", "0")["secret"]


@pytest.mark.parametrize("overlap", ["soon", "-1h", "31d", ""])
def test_a_bad_overlap_is_one_line_and_changes_nothing(terminal: Terminal, overlap: str) -> None:
    add(terminal)
    before = stored_subscription(terminal)

    assert terminal("subscriptions", "rotate-secret", "ci", "--overlap", overlap) == 2
    assert terminal.err.startswith("error: overlap: ")
    assert stored_subscription(terminal) == before


def test_people_read_the_new_secret_and_that_it_is_the_only_time(terminal: Terminal) -> None:
    add(terminal)

    assert terminal("subscriptions", "rotate-secret", "ci") == 0

    secret = next(line for line in terminal.out.splitlines() if line.startswith("secret "))
    assert Webhook(secret.split()[1])
    assert "never shown again" in terminal.out
    assert "SIGNS UNTIL" in terminal.out


# --- secrets that cannot be printed ---


class BrokenPipe(io.RawIOBase):
    """An output that fails like a full disk, or a pipe that nobody reads."""

    def __init__(self, number: int) -> None:
        self._number = number

    def writable(self) -> bool:
        return True

    def write(self, _bytes: object) -> int:
        raise OSError(self._number, os.strerror(self._number))


def _broken(number: int) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BufferedWriter(BrokenPipe(number)), encoding="utf-8")


OUTPUTS: dict[str, tuple[Callable[[], io.TextIOWrapper | None], str]] = {
    "full disk": (lambda: _broken(errno.ENOSPC), "No space left on device"),
    "closed pipe": (lambda: _broken(errno.EPIPE), "Broken pipe"),
    "no standard output": (lambda: None, "Bad file descriptor"),
    "another encoding": (
        lambda: io.TextIOWrapper(io.BytesIO(), encoding="latin-1"),
        "can't encode",
    ),
}
FILE = "subscriptions:\n- {name: 湖, url: 'https://ci.example/hook'}\n"
COMMANDS = {
    "add": ("add", "--name", "湖", "--url", "https://ci.example/hook"),
    "challenge": ("add", "--name", "湖", "--url", "https://ci.example/hook", "--challenge"),
    "apply": ("apply", "--file", "FILE"),
    "rotate": ("rotate-secret", "there", "--overlap", "0"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("output", OUTPUTS)
def test_a_secret_that_cannot_be_printed_changes_nothing(
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    output: str,
    command: str,
) -> None:
    add(terminal, name="there 湖")
    existing = stored_subscription(terminal)
    replacements = {"FILE": file_of(tmp_path, FILE), "there": existing.id}
    arguments = [replacements.get(argument, argument) for argument in COMMANDS[command]]
    stdout, reason = OUTPUTS[output]
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stdout())
        code = terminal("subscriptions", *arguments)

    assert (code, terminal.err.count("\n")) == (1, 1)
    assert terminal.err.startswith("error: standard output: ")
    assert reason in terminal.err
    assert terminal.stack.service().find_subscription.all() == [existing]


def test_ctrl_c_while_a_subscription_is_saved_removes_it_again(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = terminal.stack.subscriptions.save

    def save_slowly(subscription: Subscription) -> Subscription:
        saved = save(subscription)
        if not subscription.removed_at:
            signal.raise_signal(signal.SIGINT)
        return saved

    monkeypatch.setattr(terminal.stack.subscriptions, "save", save_slowly)
    code = terminal("subscriptions", "add", "--name", "ci", "--url", "https://ci.example/hook")

    assert code != 0
    assert terminal.stack.service().find_subscription.all() == []


def test_a_rotation_that_cannot_be_saved_says_that_the_secret_shown_may_not_sign(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(terminal)

    def refuse(_: Subscription) -> Subscription:
        raise Conflict("somebody was quicker")

    monkeypatch.setattr(terminal.stack.subscriptions, "save", refuse)

    assert terminal("subscriptions", "rotate-secret", "ci") == 1
    assert "whsec_" in terminal.out
    assert "somebody was quicker; the secret above signs only if" in terminal.err
