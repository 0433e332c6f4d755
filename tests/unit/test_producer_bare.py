"""A pipeline service installs boto3 and nothing else: both publishers work there."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INSTALLED = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from lakehook.domain.event import Event
from lakehook.producer import PipelineEventPublisher, SpooledPublisher

class Queue:
    sent = []
    def send_message_batch(self, QueueUrl, Entries):
        self.sent += [entry["MessageGroupId"] for entry in Entries]
        return {}

event = Event.from_document({
    "pipeline_id": 39, "event_type": "PIPELINE_CREATED",
    "trigger_source": "manual", "timestamp": "2026-01-01T12:00:00Z",
})
PipelineEventPublisher("https://queue", Queue()).publish([event])
with SpooledPublisher("https://queue", sys.argv[2], Queue()) as spooled:
    spooled.publish([event])
print(*Queue.sent)
"""


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """What ``pip install boto3`` brings, and the library; without site-packages."""
    folder = tmp_path / "bare"
    folder.mkdir()
    (folder / "lakehook").symlink_to(ROOT / "lakehook")
    for name in INSTALLED:
        found = importlib.util.find_spec(name)
        assert found is not None
        assert found.origin is not None
        origin = Path(found.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (folder / source.name).symlink_to(source)
    return folder


def test_both_publishers_need_boto3_and_nothing_else(bare: Path, tmp_path: Path):
    command = [sys.executable, "-I", "-S", "-c", SCRIPT, str(bare), str(tmp_path / "spool.sqlite")]

    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert (ended.stdout.split(), ended.stderr) == (["39", "39"], "")


def test_the_environment_is_bare_indeed(bare: Path):
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        "import sys; sys.path.insert(0, sys.argv[1]); import requests",
    ]

    ended = subprocess.run([*command, str(bare)], capture_output=True, text=True, check=False)

    assert "No module named 'requests'" in ended.stderr
