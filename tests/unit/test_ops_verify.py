"""``lakehook verify`` needs no AWS, says why, and repeats no secret."""

import json
from pathlib import Path
from typing import Any

import pytest

from lakehook.adapters.system import SystemClock
from tests.fakes_ops import FakeStack
from tests.terminal import Terminal
from tests.vectors import vectors

HMAC, _, ED25519 = vectors("signed")
HEADERS = {f"webhook-{name}": HMAC[name] for name in ("id", "timestamp", "signature")}
MARKED = "\n> ".join(f"{name}: {value}" for name, value in HEADERS.items())
LINES = "\r\n".join(f"{name.title()}: {value}" for name, value in HEADERS.items())


class Case:
    """A captured request in files, each of which a test may change."""

    def __init__(self, terminal: Terminal, folder: Path) -> None:
        self.terminal, self.folder = terminal, folder
        self.write("headers", LINES)
        self.write("body", HMAC["body"])
        self.write("secret", HMAC["secret"])

    def write(self, name: str, content: str | bytes) -> None:
        content = content.encode() if isinstance(content, str) else content
        (self.folder / name).write_bytes(content)

    def __call__(self, *options: str, key: tuple[str, ...] | None = None) -> int:
        key = key or ("--secret-file", self.path("secret"))
        files = ("--headers", self.path("headers"), "--body", self.path("body"))
        when = () if "--at" in options else ("--at", HMAC["timestamp"])
        return self.terminal("verify", *files, *key, *when, *options)

    def json(self, *options: str) -> Any:
        self(*options, "--output", "json")
        return json.loads(self.terminal.out)

    def path(self, name: str) -> str:
        return str(self.folder / name)


@pytest.fixture
def case(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Case:
    return Case(Terminal(FakeStack(), capsys), tmp_path)


# --- good ---


def test_a_genuine_request_is_verified_without_a_stack(case: Case) -> None:
    assert case() == 0
    assert case.terminal.out.split()[:2] == ["verified", "yes"]
    assert case.json() == {"verified": True, "reason": None, "detail": None, "hint": None}
    assert case.terminal.stacks == []


@pytest.mark.parametrize(
    "headers",
    [
        json.dumps(HEADERS),
        json.dumps(HEADERS | {"webhook-timestamp": int(HMAC["timestamp"])}),
        json.dumps({name.upper(): [value] for name, value in HEADERS.items()}, indent=1),
        f"POST /hook?a:b HTTP/1.1\r\nHost: ci.example:8443\r\n{LINES}\r\n\r\n",
        LINES.replace("\r\n", "\n").replace(": ", ":"),
        f"* Connected to ci.example\n> POST /hook?a:b HTTP/1.1\n> {MARKED}\n>\n* sent: 2 bytes\n",
        f"> GET / HTTP/2\n>\n{{ [5 bytes data]\n< HTTP/2 200 \r\n<{MARKED.replace('>', '<')}\r\n< ",
        f"\ufeff{LINES}",
        f"x-binary: \xff\n{LINES}".encode("latin-1"),
    ],
)
def test_headers_are_read_as_lines_or_as_json(case: Case, headers: str | bytes) -> None:
    case.write("headers", headers)

    assert case() == 0, case.terminal.out + case.terminal.err


def test_either_half_of_an_ed25519_key_verifies(case: Case) -> None:
    case.write("headers", LINES.replace(HMAC["signature"], ED25519["signature"]))
    case.write("secret", ED25519["secret"])

    assert case() == 0
    assert case(key=("--public-key", ED25519["public"])) == 0
    case.write("secret", ED25519["public"])
    assert case() == 0


# --- not genuine: 1 ---


@pytest.mark.parametrize(
    ("change", "options", "reason", "text"),
    [
        (("headers", LINES.replace("Webhook-Id", "X-Id")), (), "missing_header", "webhook-id"),
        (("headers", LINES.replace("1614", "x")), (), "malformed_header", "webhook-timestamp"),
        ((), ("--at", "2026-01-01T12:00:00Z"), "timestamp_too_old", "300 s are tolerated"),
        ((), ("--at", "1614265029"), "timestamp_too_new", "301 s after"),
        ((), ("--at", "1614265390", "--tolerance", "59s"), "timestamp_too_old", "60 s before"),
        (("body", HMAC["body"] + "\n"), (), "signature_mismatch", "without the line break"),
    ],
)
def test_a_request_that_is_not_genuine_has_exit_code_1_and_the_reason(
    case: Case, change: tuple[str, str], options: tuple[str, ...], reason: str, text: str
) -> None:
    if change:
        case.write(*change)

    assert case(*options) == 1
    assert reason in case.terminal.out
    assert text in case.terminal.out
    result = case.json(*options)
    assert (result["verified"], result["reason"]) == (False, reason)


def test_an_old_capture_fails_unless_its_time_is_given(case: Case) -> None:
    files = [("--headers", "headers"), ("--body", "body"), ("--secret-file", "secret")]
    options = [argument for option, name in files for argument in (option, case.path(name))]

    assert case.terminal("verify", *options) == 1
    assert "timestamp_too_old" in case.terminal.out
    assert "say when it was captured" in case.terminal.out
    assert case("--at", "2021-02-25T15:03:00Z") == 0


def test_when_it_was_captured_may_be_how_long_ago(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SystemClock, "now", lambda _self: float(HMAC["timestamp"]) + 2 * 3600)

    assert case("--at", "2h") == 0
    assert case("--at", "1h") == 1


# --- bad input: 2 ---


@pytest.mark.parametrize(
    ("change", "options", "complaint"),
    [
        (("secret", "whsec_canary"), (), "secret: "),
        (("secret", "canary" * 300), (), "secret: more than 1024 bytes"),
        (("headers", '{"webhook-id": {}}'), (), "headers: webhook-id is no text"),
        (("headers", '{"canary'), (), "headers: not JSON"),
        (("headers", '[{"name": "canary"}]'), (), "headers: a JSON array; an object is wanted"),
        (("headers", "a: b\nPOST / HTTP/1.1"), (), "headers: line 2 is not 'Name: value'"),
        (("headers", LINES + "\nwebhook-id: canary"), (), "headers: webhook-id stands there twice"),
        (("headers", "a: canary\n" * 10_000), (), "headers: more than 65536 bytes"),
        (("body", "canary" * 200_000), (), "body: more than 1048576 bytes"),
        ((), ("--tolerance", "long"), "tolerance: 'long' is not a duration such as"),
        ((), ("--at", "yesterday"), "at: 'yesterday' is neither a time with an offset"),
        ((), ("--public-key", "whpk_"), "give --secret-file or --public-key"),
    ],
)
def test_bad_input_is_one_line_with_code_2_and_repeats_nothing(
    case: Case, change: tuple[str, str], options: tuple[str, ...], complaint: str
) -> None:
    if change:
        case.write(*change)

    assert case(*options) == 2
    assert complaint in case.terminal.err
    assert case.terminal.err.count("\n") == 1
    assert "canary" not in case.terminal.err + case.terminal.out


@pytest.mark.parametrize(
    "key", [HMAC["secret"], ED25519["secret"], HMAC["secret"].removeprefix("whsec_"), "canary", ""]
)
def test_a_public_key_is_one_and_no_secret(case: Case, key: str) -> None:
    assert case(key=("--public-key", key)) == 2
    assert case.terminal.err == (
        "error: public key: not whpk_…; a secret goes into --secret-file\n"
    )
