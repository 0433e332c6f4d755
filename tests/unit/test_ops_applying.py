import json
import re
from pathlib import Path
from typing import Any

import pytest

from lakehook.subscriptions.apply.fields import NAMES
from tests.fakes_ops import FakeStack
from tests.terminal import Terminal

PAGE = Path(__file__).parents[2] / "docs" / "subscriptions-as-code.md"
CI = {"name": "ci", "url": "https://ci.example/hook"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "s.yaml"


def write(file: Path, *entries: Any) -> str:
    file.write_text(json.dumps({"subscriptions": list(entries)}))
    return str(file)


def apply(terminal: Terminal, file: Path, *entries: Any, options: tuple[str, ...] = ()) -> int:
    return terminal("subscriptions", "apply", "-f", write(file, *entries), *options)


def test_a_dry_run_shows_the_steps_and_does_nothing(terminal: Terminal, file: Path) -> None:
    code = apply(terminal, file, CI, options=("--dry-run",))

    assert code == 0
    assert terminal.out == "+ ci  webhook at https://ci.example/hook\n1 to create, 0 unchanged\n"
    assert terminal.stack.subscriptions.all() == []


@pytest.mark.parametrize(("entries", "code"), [((CI,), 0), ((), 0), (({**CI, "rate": "1/s"},), 5)])
def test_the_exit_code_of_a_dry_run_tells_on_request_whether_there_is_something_to_do(
    terminal: Terminal, file: Path, entries: tuple[Any, ...], code: int
) -> None:
    apply(terminal, file, CI)

    assert apply(terminal, file, *entries, options=("--dry-run", "--exit-code")) == code
    assert apply(terminal, file, *entries, options=("--dry-run",)) == 0
    assert apply(terminal, file, *entries, options=("--exit-code",)) == 2


def test_a_new_secret_is_shown_at_the_end_and_never_again(terminal: Terminal, file: Path) -> None:
    apply(terminal, file, CI)

    first = terminal.out
    apply(terminal, file, {**CI, "rate": "1/s"})

    assert re.search(
        r"^secret of ci: whsec_\S+\nKeep the secrets: .*again\.\n$", first, re.MULTILINE
    )
    assert "whsec_" not in terminal.out


def test_a_change_is_shown_from_old_to_new(terminal: Terminal, file: Path) -> None:
    apply(terminal, file, {**CI, "pattern": {"a": ["b"]}})

    apply(terminal, file, {**CI, "event_types": ["TASK_FAILED", "TASK_CREATED"], "paused": True})

    assert terminal.out.splitlines()[0] == "~ ci"
    assert '    pattern: {"a":["b"]} → -' in terminal.out
    assert "CANCELLED, PIPELINE_STALLED → TASK_CREATED, TASK_FAILED\n" in terminal.out
    assert terminal.out.endswith("    paused: false → true\n1 changed, 0 unchanged\n")


def test_programs_read_each_step_and_whether_it_is_done(terminal: Terminal, file: Path) -> None:
    apply(terminal, file, CI, {**CI, "name": "b"})
    path = write(file, {**CI, "rate": "1/s"}, {**CI, "name": "c"})

    dry = terminal.json("subscriptions", "apply", "-f", path, "--dry-run")
    answer = terminal.json("subscriptions", "apply", "-f", path)

    assert [step["done"] for step in dry["steps"]] == [False, False]
    changed, created = answer["steps"]
    assert changed["changes"] == [{"field": "rate", "old": "none", "new": "1/s"}]
    assert (changed["done"], changed["secret"]) == (True, None)
    assert created["secret"].startswith("whsec_")
    assert created["subscription_id"].startswith("sub_")
    assert (answer["dry_run"], answer["not_in_file"]) == (False, ["b"])


def test_each_wrong_field_is_a_line_of_its_own(terminal: Terminal, file: Path) -> None:
    wrong = {**CI, "rate": "fast", "deadline_seconds": 0}

    assert apply(terminal, file, CI, {**wrong, "name": "x"}) == 2
    lines = terminal.err.splitlines()
    assert [line.startswith(f"error: {file}:1: ") for line in lines] == [True, True]
    assert apply(terminal, file, wrong, options=("--output", "json")) == 2
    assert [json.loads(line)["error"] for line in terminal.err.splitlines()] == ["invalid_file"] * 2
    assert terminal.out == ""


def test_several_removals_need_a_confirmation(terminal: Terminal, file: Path) -> None:
    apply(terminal, file, CI, {**CI, "name": "b"})

    assert apply(terminal, file, options=("--prune",)) == 2
    assert "2 subscriptions would be removed: ci, b; --yes" in terminal.err
    assert apply(terminal, file, options=("--prune", "--dry-run")) == 0
    assert len(terminal.stack.service().find_subscription.all()) == 2
    assert apply(terminal, file, options=("--prune", "--yes")) == 0
    assert terminal.out == "- ci\n- b\n2 removed, 0 unchanged\n"
    assert terminal.stack.service().find_subscription.all() == []


def test_an_interrupted_apply_shows_the_finished_steps_and_their_secrets(
    terminal: Terminal, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = terminal.stack.subscriptions.save

    def fail_for_b(subscription: Any, *, claim_name: bool) -> Any:
        if subscription.name == "b":
            raise RuntimeError("the lights went out")
        return save(subscription, claim_name=claim_name)

    monkeypatch.setattr(terminal.stack.subscriptions, "save", fail_for_b)

    assert apply(terminal, file, CI, {**CI, "name": "b"}) == 1
    assert "1 of 2 created" in terminal.out
    assert "secret of ci: whsec_" in terminal.out
    monkeypatch.undo()
    assert apply(terminal, file, CI, {**CI, "name": "b"}) == 0
    assert "1 created, 1 unchanged" in terminal.out


def test_secrets_come_from_the_environment_and_from_files_beside_the_file(
    terminal: Terminal, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "top-secret")
    (file.parent / "bearer.txt").write_text("Bearer top-secret\n")
    entry = {**CI, "headers": {"a": {"file": "bearer.txt"}, "b": {"env": "KEY"}}}

    assert apply(terminal, file, entry) == 0
    subscription = terminal.stack.service().find_subscription("ci")
    assert subscription.encrypted_headers
    opened = terminal.stack.encryptor.unseal(
        subscription.encrypted_headers, subscription_id=subscription.id
    )
    assert json.loads(opened) == {"a": "Bearer top-secret", "b": "top-secret"}
    assert "top-secret" not in terminal.out


@pytest.mark.parametrize(
    ("where", "fault"),
    [
        ({"env": "LAKEHOOK_NOT_SET"}, "'LAKEHOOK_NOT_SET' is not set, or empty"),
        ({"file": "none.txt"}, "'none.txt': No such file or directory"),
        ({"file": "\0"}, "'\\x00' is not text"),
        ({"file": "binary"}, "'binary' is not text"),
        ({"file": "long"}, "more than 16384 bytes"),
    ],
)
def test_a_secret_that_is_not_where_it_should_be_is_one_line(
    terminal: Terminal, file: Path, where: Any, fault: str
) -> None:
    (file.parent / "binary").write_bytes(b"\xff")
    (file.parent / "long").write_bytes(b"x" * 20_000)

    assert apply(terminal, file, {**CI, "headers": {"a": where}}) == 2
    assert terminal.err == f"error: {file}:1: headers of ci: a: {fault}\n"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"\xff", "not text"),
        (b"a: [", "1: expected the node content"),
        (b" " * (1024 * 1024 + 1), "more than 1048576 bytes"),
    ],
)
def test_an_invalid_file_is_one_line(
    terminal: Terminal, file: Path, content: bytes, fault: str
) -> None:
    file.write_bytes(content)

    assert terminal("subscriptions", "apply", "-f", str(file)) == 2
    assert fault in terminal.err
    assert len(terminal.err.splitlines()) == 1


def test_an_export_can_be_applied_to_another_stack(
    terminal: Terminal, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOOK_HEADER_CI_A", "x")
    terms = {"rate": "1/s", "headers": {"a": {"env": "LAKEHOOK_HEADER_CI_A"}}}
    apply(terminal, file, {**CI, **terms, "success_if": '{"code":[1.50,1e6]}'})

    for form in ("text", "json"):
        terminal("subscriptions", "export", "--output", form)
        file.write_text(terminal.out)
        assert terminal("subscriptions", "apply", "-f", str(file), "--dry-run") == 0
        assert terminal.out == "1 unchanged\n"
        other = Terminal(FakeStack(), terminal._capsys)
        assert other("subscriptions", "apply", "-f", str(file)) == 0
        assert "1 created" in other.out


def test_the_page_names_each_key_that_a_file_may_have() -> None:
    _, table, *_ = PAGE.read_text().split("| key | |")

    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]

    assert re.findall(r"`(\w+)`", "".join(rows[: len(NAMES) - 1])) == list(NAMES)
