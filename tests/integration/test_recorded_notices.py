"""What two real DevLakes have posted, posted again to ``local up``: heard as they wrote it."""

import http.client
import json
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.function import ROOT
from tests.devlake.receiver import OldReceiver, listening
from tests.devlake_vectors import RECORDED, RECORDED_SECRET, Recorded
from tests.integration.eventually import eventually
from tests.integration.test_local_up import assert_ends_well_by, up

MANIFOLD = {85, 87, 89, 91, 119}
"""One as usual, two that were resumed, one left running, and one that was run three times.

How all 299 notices are taken is in ``tests/contracts/test_ingress.py``.
"""

OF_NEWEST = [
    notice
    for notice in RECORDED
    if notice.devlake == "420e494" and notice.said["PipelineID"] in MANIFOLD
]
OF_V1 = [one for one in RECORDED if one.devlake == "v1.0.2" and one.said["PipelineID"] < 15]


@pytest.fixture
def secret(tmp_path: Path) -> str:
    path = tmp_path / "secret.txt"
    path.write_text(RECORDED_SECRET)
    return str(path)


@pytest.fixture
def where(secret: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Where everything is of a Lakehook that runs as its command starts it."""
    options = ("--secret-file", secret, "--devlake-source", "v1")
    with up(*options, "--allow-network", "127.0.0.0/8") as (process, where):
        monkeypatch.setenv("AWS_ENDPOINT_URL", where["endpoint_url"])
        yield where
        assert_ends_well_by(signal.SIGINT, process)


def subscribe(receiver: OldReceiver, secret: str, pattern: str) -> None:
    terms = ("--name", str(receiver.server_port), "--url", receiver.url, "--format", "devlake")
    options = (*terms, "--secret-file", secret, "--pattern", pattern)
    command = [sys.executable, "-m", "lakehook.cli", "subscriptions", "add", *options]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def statuses(url: str, notices: Iterable[Recorded]) -> Iterator[int]:
    """What is answered to each, over one connection."""
    endpoint = urlsplit(url)
    connection = http.client.HTTPConnection(endpoint.hostname or "", endpoint.port, timeout=120)
    for notice in notices:
        target = f"{endpoint.path}?{notice.query}"
        connection.request("POST", target, notice.raw, {"content-type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        yield answer.status
    connection.close()


def by_pipeline(bodies: Iterable[bytes]) -> dict[int, list[bytes]]:
    sorted_out: dict[int, list[bytes]] = defaultdict(list)
    for body in bodies:
        sorted_out[json.loads(body)["PipelineID"]].append(body)
    return sorted_out


def told(notices: Iterable[Recorded]) -> dict[int, list[bytes]]:
    """Without the second RUNNING of a run that DevLake has resumed after a restart."""
    kept: dict[int, list[bytes]] = {}
    for pipeline, bodies in by_pipeline(notice.raw for notice in notices).items():
        following = zip(bodies, [b"", *bodies], strict=False)
        kept[pipeline] = [body for body, before in following if not is_again(body, before)]
    return kept


def is_again(body: bytes, before: bytes) -> bool:
    return b'"Status":"TASK_RUNNING"' in body and b'"Status":"TASK_RUNNING"' in before


def heard(receiver: OldReceiver) -> dict[int, list[bytes]]:
    """What DevLake itself had posted; the rest is marked."""
    return by_pipeline(
        post.body for post in receiver.posts if "lakehook-inferred" not in post.headers
    )


def test_recorded_notices_are_accepted_and_heard_byte_for_byte_from_each_devlake_in_order(
    where: dict[str, Any], secret: str
):
    url = where["ingress_url"]
    with listening(RECORDED_SECRET) as newest, listening(RECORDED_SECRET) as v1:
        subscribe(newest, secret, '{"source": [{"exists": false}]}')
        subscribe(v1, secret, '{"source": ["v1"]}')

        answered = [*statuses(url, OF_NEWEST), *statuses(f"{url}v1", OF_V1)]

        assert answered == [202] * (20 + 21)
        eventually(lambda: heard(newest) == told(OF_NEWEST))
        eventually(lambda: heard(v1) == told(OF_V1))
    resumed = len(answered) - sum(map(len, (*heard(newest).values(), *heard(v1).values())))
    assert resumed == 2
