"""Isolation of every test from the network and from the developer's own AWS settings."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import disable_socket, enable_socket, socket_allow_hosts
from xdist.remote import Producer

from tests.turns import Turns, rank, turn_of

# How fast a machine is says nothing about the code; and as each run draws others, fifty will do.
settings.register_profile(
    "lakehook",
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("lakehook")

HERE = Path(__file__).parent
UNIT = HERE / "unit"


def pytest_configure(config: pytest.Config) -> None:
    """Let each worker begin to collect at another folder: they share the files they compile.

    On a clean checkout all would otherwise compile, and rewrite, the same file at the same time.
    """
    worker = getattr(config, "workerinput", None)
    if worker and [Path(argument) for argument in config.args] == [Path("tests")]:
        folders = sorted({str(path.parent) for path in HERE.glob("*/test_*.py")})
        number = int(worker["workerid"].removeprefix("gw"))
        start = number * len(folders) // worker["workercount"]
        config.args = folders[start:] + folders[:start]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin the longest tests first, so that no worker runs them alone at the end."""
    items.sort(key=lambda item: (rank(turn_of(item.nodeid)), item.path.parent))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Turns:
    """Distribute by turns, whatever `--dist` says: a split turn would make its fixture twice."""
    return Turns(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what is believed of services without evidence, after tests that looked for it."""
    passed = terminalreporter.getreports("passed")
    if any("unit/test_outside.py" in report.nodeid for report in passed):
        terminalreporter.section("unproven", "-")
        rows = (HERE / "outside" / "UNPROVEN.md").read_text(encoding="utf-8").splitlines()
        for row in rows[rows.index("|---|---|---|") + 1 :]:
            double, belief, _ = row.strip("| ").split(" | ")
            terminalreporter.write_line(f"{double.strip('`')}: {belief}")


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.path.is_relative_to(UNIT):
        disable_socket(allow_unix_socket=True)
    else:
        socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)
    yield
    enable_socket()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "LAKEHOOK_STACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "anyone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
