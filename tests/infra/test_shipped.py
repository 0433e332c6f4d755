"""The bundles run as Lambda runs them: Python 3.13 with awslambdaric and boto3 alone."""

import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from uv import find_uv_bin

from infra.bundle import PYTHON, ROOT, function_names, lambdas_python
from lakehook.adapters.signing_keys import CryptographySigningKeys
from lakehook.cli.bootstrap import open_service
from lakehook.cli.context import CommandService
from lakehook.cli.options import STACK
from lakehook.domain.verification import CapturedRequest, verify_request
from local.installation import LocalLakehook, Options
from local.receiver import Receiver
from tests.devlake.server import DevLake
from tests.e2e.terminal import Terminal
from tests.integration.eventually import PATIENCE

BROUGHT = ("awslambdaric", "boto3")
WORKERS = (
    "__init__.py",
    "calls.py",
    "fork_server.py",
    "hosts.py",
    "service_models.py",
    "worker.py",
)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python with the packages that Lambda brings, and the laptop's worker."""
    uv, home = find_uv_bin(), tmp_path_factory.mktemp("runtime")
    interpreter = lambdas_python()
    if not interpreter:
        pytest.skip(f"the functions run on Python {PYTHON}, which this machine does not have")
    python = home / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--python", interpreter, home], check=True)
    pins = [f"{name}=={version(name)}" for name in BROUGHT]
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *pins], check=True)
    (packages,) = home.glob(f"lib/python{PYTHON}/site-packages")
    (packages / "local").mkdir()
    for name in WORKERS:
        shutil.copy(ROOT / "local" / name, packages / "local")
    return python


@pytest.fixture(scope="module")
def lakehook(bundles: dict[str, Path], runtime: Path) -> Iterator[LocalLakehook]:
    options = Options(
        allow_networks=("127.0.0.0/8",),
        clock_seconds=0.5,
        bundles=bundles["deliver"].parent,
        python=runtime,
    )
    with LocalLakehook(options) as installation:
        yield installation


@pytest.fixture(scope="module")
def service(lakehook: LocalLakehook) -> CommandService:
    return open_service(STACK, print)


def devlake_of(lakehook: LocalLakehook) -> DevLake:
    return DevLake(lakehook.deployment.ingress_url, lakehook.notification_secret)


def subscribed(terminal: Terminal, receiver: Receiver, signing: str) -> Any:
    terms = ("--name", receiver.name, "--url", receiver.url, "--signing", signing)
    return terminal.json("subscriptions", "add", *terms)


@pytest.mark.parametrize("name", function_names())
def test_a_bundle_has_all_that_its_function_imports(
    bundles: dict[str, Path], runtime: Path, name: str
) -> None:
    process = subprocess.run(
        [runtime, "-c", f"import functions.{name}.handler as handler; print(handler.__file__)"],
        cwd=bundles[name],
        env={"PYTHONPATH": str(bundles[name]), "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert process.stderr == ""
    assert Path(process.stdout.strip()).is_relative_to(bundles[name])


def test_the_bundles_accept_a_notice_and_deliver_it_signed(
    lakehook: LocalLakehook, service: CommandService, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal, devlake = Terminal(service, capsys), devlake_of(lakehook)
    with Receiver("hmac") as plain, Receiver("ed25519") as modern:
        plain.secret = subscribed(terminal, plain, "hmac")["secret"]
        key = subscribed(terminal, modern, "ed25519")["public_key"]

        devlake.create()

        assert plain.wait_until_taken(1, within=PATIENCE)
        assert modern.wait_for(1, within=PATIENCE)
    assert plain.arrivals[0].genuine
    (arrival,) = modern.arrivals
    capture = CapturedRequest(headers=arrival.headers, body=arrival.raw)
    at = int(arrival.headers["webhook-timestamp"])
    assert (
        verify_request(
            capture, CryptographySigningKeys().parse_verifying_key(key), now=at, tolerance_seconds=0
        )
        is None
    )
