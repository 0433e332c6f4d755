"""``lakehook devlake check`` on the local cloud: a DevLake that is set up, and each mistake."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from lakehook.adapters.aws import Aws
from lakehook.cli.bootstrap import service_for_outputs, session
from lakehook.cli.command import run
from lakehook.cli.context import CommandService
from lakehook.ports.outbound import Warn
from local.installation import LocalLakehook, Options
from tests.devlake.rest import serving_rest
from tests.devlake.server import DevLake
from tests.integration.eventually import eventually

SOURCES = ("new", "heard", "stranger", "open")
SECRET = "a secret of the stack"
NOBODY_LISTENS = "http://127.0.0.1:9/"

Checks = dict[str, dict[str, str]]
Check = Callable[..., Checks]


@pytest.fixture(scope="module")
def lakehook() -> Iterator[LocalLakehook]:
    with serving_rest(DevLake().rest) as url:
        sources = dict.fromkeys(SOURCES) | {"known": url}
        options = Options(notification_secret=SECRET, devlake_sources=sources, clock_seconds=1)
        with LocalLakehook(options) as lakehook:
            yield lakehook


@pytest.fixture(autouse=True)
def _at_home(lakehook: LocalLakehook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", lakehook.endpoint_url)


@pytest.fixture
def check(lakehook: LocalLakehook, capsys: pytest.CaptureFixture[str]) -> Check:
    def check(source: str, *options: str, code: int) -> Checks:
        arguments = ("devlake", "check", "--source", source, "--output", "json", *options)
        assert run(arguments) == code
        (source_checks,) = json.loads(capsys.readouterr().out)["sources"]
        return {item["check"]: item for item in source_checks["checks"]}

    return check


def a_devlake(lakehook: LocalLakehook, source: str, secret: str = SECRET) -> DevLake:
    return DevLake(f"{lakehook.deployment.ingress_url}{source}", secret)


def states(checks: Checks) -> dict[str, str]:
    return {name: check["state"] for name, check in checks.items()}


NEW = {
    "secret": "ok",
    "endpoint": "ok",
    "test notice": "ok",
    "last accepted": "warn",
    "API": "warn",
    "UI URL": "warn",
}


def test_a_devlake_that_is_not_set_up_yet_passes_the_checks_of_the_stack(check: Check):
    assert states(check("new", code=0)) == NEW
    assert states(check("default", code=0)) == NEW


def test_a_test_notice_leaves_no_trace(lakehook: LocalLakehook, check: Check):
    for _ in range(3):
        check("new", code=0)

    sqs = lakehook.client("sqs")
    attributes: Any = sqs.get_queue_attributes(
        QueueUrl=lakehook.deployment.events_queue_url, AttributeNames=["All"]
    )
    assert attributes["Attributes"]["ApproximateNumberOfMessages"] == "0"
    assert states(check("new", code=0)) == NEW


def test_a_devlake_whose_notices_arrive_passes_every_check(lakehook: LocalLakehook, check: Check):
    devlake = a_devlake(lakehook, "heard")
    pipeline = devlake.create()
    devlake.live(pipeline)
    assert devlake.answers == [202, 202, 202]

    with serving_rest(devlake.rest) as url:

        def is_received() -> bool:
            checks = check("heard", "--api", url, code=0)
            return checks["newest pipeline"]["detail"].endswith("as received")

        eventually(is_received)
        checks = check("heard", "--api", url, code=0)

    assert states(checks) == NEW | dict.fromkeys(("last accepted", "API", "newest pipeline"), "ok")
    assert f"of pipeline heard/{pipeline}, " in checks["last accepted"]["detail"]
    assert f"DevLake's #{pipeline} finished" in checks["newest pipeline"]["detail"]


def test_an_api_that_the_stack_knows_is_read_by_its_scheduler(check: Check):
    eventually(
        lambda: check("known", code=0).get("reconcile", {}).get("state") == "ok",
    )

    checks = check("known", code=0)

    assert states(checks) == NEW | dict.fromkeys(("API", "newest pipeline", "reconcile"), "ok")
    assert checks["newest pipeline"]["detail"] == "DevLake has no pipeline that has begun"


@pytest.mark.parametrize(
    ("source", "secret", "refusal"),
    [
        ("stranger", "another", "sign: not of this body by the notification secret"),
        ("open", "", "sign: made with an empty secret"),
    ],
)
def test_a_devlake_with_another_secret_or_none_is_reported(
    lakehook: LocalLakehook, check: Check, source: str, secret: str, refusal: str
):
    devlake = a_devlake(lakehook, source, secret)
    devlake.live(devlake.create())
    assert devlake.answers == [401] * 3

    checks = check(source, code=6)

    assert states(checks) == NEW | {"last refused": "fail"}
    assert refusal in checks["last refused"]["detail"]
    assert "(signature); none was accepted since" in checks["last refused"]["detail"]
    assert "NOTIFICATION_SECRET" not in checks["last refused"]["remedy"].partition("--show")[0]


def test_an_endpoint_that_cannot_be_reached_is_reported(
    lakehook: LocalLakehook, capsys: pytest.CaptureFixture[str]
):
    deployment = replace(lakehook.deployment, ingress_url=NOBODY_LISTENS)

    def open_service(_stack: str, warn: Warn) -> CommandService:
        return service_for_outputs(deployment, Aws(session()), warn)

    assert run(("devlake", "check", "--source", "new"), open_service) == 6

    output = capsys.readouterr().out
    assert "no connection" in output
    assert "NOTIFICATION_ENDPOINT=http://127.0.0.1:9/new" in output
