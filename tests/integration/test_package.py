"""The published package is built once, offline, and tried in an environment of its own."""

import re
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest
from uv import find_uv_bin

from local.function import ROOT

PINS = ("--constraints", str(ROOT / "requirements.txt"))
NEEDED = {"boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"}
PRODUCER = """
import sys
from datetime import UTC, datetime
from lakehook import Event, Publisher, PublishError, SpooledPublisher

class Queue:
    sent = []
    def send_message_batch(self, QueueUrl, Entries):
        self.sent += [entry["MessageGroupId"] for entry in Entries]
        return {}

url = "https://sqs.example/events.fifo"
event = Event(pipeline_id=39, event_type="PIPELINE_CREATED", trigger_source="manual",
              timestamp=datetime.now(UTC))
Publisher(url, Queue()).publish(event)
with SpooledPublisher(url, sys.argv[1], Queue()) as spooled:
    spooled.publish(event)
try:
    Publisher(None)
except PublishError:
    print(*Queue.sent)
"""


def uv(*arguments: str) -> str:
    command = [find_uv_bin(), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@dataclass(frozen=True)
class Built:
    """The wheel, which is made from the sdist, and a new environment that has it installed."""

    folder: Path

    @property
    def wheel(self) -> Path:
        return next(self.folder.glob("*.whl"))

    @property
    def python(self) -> Path:
        return self.folder / "bare" / "bin" / "python"

    def metadata(self) -> Message:
        with ZipFile(self.wheel) as wheel:
            (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
            return Parser().parsestr(wheel.read(name).decode())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    built = Built(tmp_path_factory.mktemp("package"))
    uv("build", "--offline", "--out-dir", str(built.folder), str(ROOT))
    uv("venv", "--offline", "--python", sys.executable, str(built.python.parents[1]))
    into = ("--python", str(built.python), "--link-mode", "symlink")
    uv("pip", "install", "--offline", *into, *PINS, str(built.wheel))
    return built


def test_the_wheel_has_one_package_and_the_sdist_what_makes_it(built: Built) -> None:
    with ZipFile(built.wheel) as wheel:
        names = wheel.namelist()
    with tarfile.open(next(built.folder.glob("*.tar.gz"))) as sdist:
        folders = {Path(name).parts[1] for name in sdist.getnames()}

    assert {name.partition("/")[0] for name in names} == {"lakehook", "lakehook-0.1.0.dist-info"}
    assert "lakehook/py.typed" in names
    assert not folders & {"bench", "functions", "infra", "local", "ops", "tests"}


def test_the_metadata_say_who_made_it_and_where_to_read_on(built: Built) -> None:
    metadata = built.metadata()

    assert metadata["Author"] == "The Lakehook maintainers"
    assert "Homepage, https://lakehook.dev" in metadata.get_all("Project-URL", [])
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    links = re.findall(r"\]\((\S+?)\)", str(metadata.get_payload()))
    assert [link for link in links if not link.startswith("https://")] == []  # into the checkout


def test_a_producer_needs_boto3_and_nothing_else(built: Built, tmp_path: Path) -> None:
    command = [built.python, "-I", "-c", PRODUCER, tmp_path / "spool.sqlite"]

    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    installed = uv("pip", "list", "--python", str(built.python), "--format", "freeze").split()
    assert (ended.stdout, ended.stderr) == ("39 39\n", "")
    assert {line.partition("==")[0] for line in installed} == NEEDED | {"lakehook"}


def test_the_command_without_its_extra_says_which(built: Built) -> None:
    command = [built.python.with_name("lakehook"), "--help"]

    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == ("lakehook: the command needs its extra: pip install 'lakehook[cli]'\n")


def test_the_command_with_its_extra_shows_its_help(built: Built) -> None:
    options = ("--offline", "--link-mode", "symlink", "--python", sys.executable, *PINS)

    output = uv(
        "tool", "run", *options, "--from", f"lakehook[cli] @ {built.wheel.as_uri()}", "lakehook"
    )

    assert output.startswith("Usage: lakehook [OPTIONS] COMMAND [ARGS]...")
