"""The script that plays DevLake in docs/devlake.md signs as DevLake does."""

import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lakehook.domain.devlake.notification import EVENT_TYPES, parse_notification
from lakehook.domain.devlake.signature import SignedNotification
from tests.integration.wire import answer, serving

SCRIPT = Path(__file__).parents[2] / "docs" / "examples" / "notify.sh"
SECRET = "s3cret"

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl to post with")


@pytest.mark.parametrize(
    "status", [event_type for event_type in EVENT_TYPES if not event_type.startswith("TASK_RE")]
)
def test_the_script_posts_a_signed_notice_of_each_status(status: str):
    with serving(answer("202 Accepted", b"{}")) as wire:
        environment = {
            "NOTIFICATION_ENDPOINT": f"http://127.0.0.1:{wire.port}/",
            "NOTIFICATION_SECRET": SECRET,
            "PATH": "/usr/bin:/bin",
        }
        process = subprocess.run(
            ["sh", SCRIPT, status, "40"],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )

    head, _, body = wire.requests[0].partition(b"\r\n\r\n")
    target = head.split()[1].decode()
    SignedNotification(body, urlsplit(target).query).verify([SECRET])
    document = parse_notification(body)
    assert (document["pipeline_id"], document["event_type"]) == (40, EVENT_TYPES[status])
    assert (process.stdout, process.stderr) == ("{} 202\n", "")


def test_the_script_without_its_settings_names_them():
    process = subprocess.run(
        ["/bin/sh", SCRIPT], env={}, capture_output=True, text=True, check=False
    )

    assert process.returncode != 0
    assert "NOTIFICATION_ENDPOINT: where to, as the output IngressUrl says" in process.stderr
