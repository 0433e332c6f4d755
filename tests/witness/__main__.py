"""All witnesses at a time, and what each has found: ``make witness``."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.witness.deviations import DEVIATIONS
from tests.witness.environments import Unavailable, install

CONTRACTS = "tests/contracts/test_"
QUEUES = [
    *(f"{CONTRACTS}{name}.py" for name in ("queues", "dead_letters")),
    "tests/interop/test_sqs_recordings.py",
]
TABLES = [
    f"{CONTRACTS}{name}.py"
    for name in (
        *("delivery_queries", "endpoint_health", "health_history", "journal", "ledger", "partiql"),
        *("pings", "rate_limits", "reconciliations", "replays", "subscriptions"),
        *("unfinished_attempts", "unfinished_pipelines"),
    )
]


@dataclass(frozen=True)
class Witness:
    name: str
    subject: str
    tests: Sequence[str]

    @classmethod
    def of_contracts(cls, store: str, subject: str, *suites: str) -> "Witness":
        return cls(store, subject, ["-p", "tests.witness.foreign", "--store", store, *suites])


WITNESSES = (
    Witness(
        "ministack", "the stack", [f"tests/witness/test_{n}.py" for n in ("policies", "recipes")]
    ),
    Witness.of_contracts("ministack", "queues and tables", *QUEUES, *TABLES),
    Witness.of_contracts("localstack", "queues", *QUEUES),
    Witness.of_contracts("elasticmq", "queues", *QUEUES),
    Witness("event-ruler", "patterns", ["tests/interop/test_event_ruler.py"]),
)


class TestRun:
    """The tests of a witness, in a process of their own."""

    def __init__(self, witness: Witness, output: Path) -> None:
        self._witness, self._output = witness, output
        with output.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pytest", "-n0", "-q", "--durations=5", *witness.tests],
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    @property
    def passed(self) -> bool:
        return self._process.wait() == 0

    @property
    def output(self) -> str:
        return self._output.read_text("utf-8", errors="replace")

    @property
    def outcome(self) -> str:
        """Report a store's name, and pytest's last line, which counts the tests and the seconds."""
        lines = self.output.splitlines() or ["no output"]
        return f"{self._witness.name:12} {self._witness.subject:18} {lines[-1]}"

    def end(self) -> None:
        self._process.kill()  # with it go the servers that it has started


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the runs end too
    missing = dict(_unavailable())
    with TemporaryDirectory() as folder, ExitStack() as stack:
        runs = [
            TestRun(witness, Path(folder, str(number)))
            for number, witness in enumerate(WITNESSES)
            if witness.name not in missing
        ]
        for run in runs:
            stack.callback(run.end)
        failed = [run.output for run in runs if not run.passed]
        report(*failed, *(run.outcome for run in runs))
    report(*(f"{name:12} not run: {reason}" for name, reason in missing.items()))
    report(
        *(
            f"{deviation.store}: {deviation.behaviour} ({deviation.source})"
            for deviation in DEVIATIONS
        )
    )
    return 1 if failed else 0


def report(*lines: str) -> None:
    for line in lines:
        print(line)  # noqa: T201  a command tells its user


def _unavailable() -> Iterator[tuple[str, str]]:
    names = sorted({witness.name for witness in WITNESSES})
    with ThreadPoolExecutor() as pool:
        for name, installation in [(name, pool.submit(install, name)) for name in names]:
            if isinstance(error := installation.exception(), Unavailable):
                yield name, str(error)
            elif error:
                raise error


if __name__ == "__main__":
    sys.exit(main())
