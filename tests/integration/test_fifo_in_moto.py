"""The model behind moto's endpoint answers as Amazon SQS does; plain moto still does not.

The probe states what SQS answers, check by check; the stress run lets random consumers fail.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

import local.fifo
from local.sqs import install, uninstall

PROBES = Path(__file__).parents[1] / "probes"
DEADLINE_SECONDS = 120

PLAIN_MOTO = """
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print("http://%s:%d" % server.get_host_and_port(), flush=True)
input()
"""

Running = subprocess.Popen[str]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    install()
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
    uninstall()


@pytest.fixture(scope="module", autouse=True)
def probe(endpoint: str) -> Iterator[Running]:
    """It mostly waits: so it starts first, and the other tests run beside it."""
    with run("sqs_fifo_probe.py", endpoint) as probe:
        yield probe


@pytest.fixture
def plain_moto() -> Iterator[str]:
    with python("-c", PLAIN_MOTO) as server:
        assert server.stdout
        yield server.stdout.readline().strip()
        server.communicate("stop\n", timeout=DEADLINE_SECONDS)


def python(*arguments: str) -> Running:
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(script: str, *arguments: str) -> Running:
    return python(str(PROBES / script), *arguments)


def output_of(running: Running) -> str:
    with running:
        output, _ = running.communicate(timeout=DEADLINE_SECONDS)
    assert running.returncode == 0, output
    return output


def checks(output: str, verdict: str) -> list[str]:
    """Answer name and details of each check with this verdict."""
    prefix = f"[{verdict}] "
    return [line.removeprefix(prefix) for line in output.splitlines() if line.startswith(prefix)]


def test_random_consumers_get_every_group_in_order_and_nothing_twice(endpoint: str) -> None:
    messages, groups, consumers, seconds, wait = 300, 12, 4, 110, 2

    output = output_of(
        run("sqs_fifo_stress.py", endpoint, *map(str, (messages, groups, consumers, seconds, wait)))
    )

    assert "done 300/300" in output
    assert "groups out of order 0/12" in output
    assert "redelivered after delete 0" in output
    assert "errors 0" in output


def test_plain_moto_is_still_unfit_for_fifo_queues(plain_moto: str) -> None:
    """When this fails, moto was repaired: see which of the model's reasons are left."""
    output = output_of(
        run("sqs_fifo_probe.py", plain_moto, "vis_timeout_order", "dedup_id", "dedup_scope")
    )

    faults = "\n".join(checks(output, "DIFF"))
    assert "order after visibility timeout expiry" in faults
    assert "dedup still applies within 5 min AFTER delete" in faults
    assert "DeduplicationScope=messageGroup: same id other group is kept" in faults


def test_the_model_differs_from_sqs_only_where_its_docstring_says(probe: Running) -> None:
    named = re.findall(r"^- ``(.+)``:", local.fifo.__doc__ or "", re.MULTILINE)

    output = output_of(probe)

    differing = checks(output, "DIFF")
    assert len(checks(output, "SAME")) >= 61, output
    assert [check for check in differing if not check.startswith(tuple(named))] == []
    assert len(differing) == len(named)
