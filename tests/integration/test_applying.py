"""The example of subscriptions as code, on the cloud of the template."""

from pathlib import Path

import pytest

from tests.integration.test_command import Terminal, terminal

__all__ = ["terminal"]

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "subscriptions.yaml"
HOST = "https://93.184.216.34"  # an address is its own answer: no resolver is asked


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("CI_AUTHORIZATION", "Bearer top-secret")
    monkeypatch.setenv("AUTOMATION_URL", f"{HOST}/run?key=top-secret")
    monkeypatch.setenv("NOTIFICATION_SECRET", "top-secret")
    text = EXAMPLE.read_text().replace("https://ci.example", HOST)
    file = tmp_path / "subscriptions.yaml"
    file.write_text(text.replace("https://reports.example", HOST))
    return str(file)


def test_the_example_is_applied_once_and_then_found_unchanged(
    terminal: Terminal, example: str
) -> None:
    first_result = terminal.json("subscriptions", "apply", "-f", example)
    second_result = terminal.json("subscriptions", "apply", "-f", example)

    assert [(step["name"], step["done"]) for step in first_result["steps"]] == [
        ("ci", True),
        ("automation", True),
        ("reports", True),
    ]
    assert [bool(step["secret"]) for step in first_result["steps"]] == [True, True, False]
    assert (second_result["steps"], second_result["unchanged"]) == (
        [],
        ["ci", "automation", "reports"],
    )
    assert "top-secret" not in "".join(terminal.outputs)


def test_an_export_applies_without_changes(
    terminal: Terminal, example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.json("subscriptions", "apply", "-f", example)
    monkeypatch.setenv("LAKEHOOK_HEADER_CI_AUTHORIZATION", "x")
    monkeypatch.setenv("LAKEHOOK_URL_AUTOMATION", f"{HOST}/run?key=x")

    assert terminal("subscriptions", "export") == 0
    Path(example).write_text(terminal.outputs[-2])
    result = terminal.json("subscriptions", "apply", "-f", example, "--dry-run")

    assert (result["steps"], len(result["unchanged"])) == ([], 3)
