"""``lakehook devlake check``: results of each part, exit codes, and what it never shows."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lakehook.domain.devlake.last_heard import Heard, LastAccepted, LastRefused
from lakehook.domain.devlake.reconciliation import Reconciliation
from lakehook.domain.devlake.setup_check import EndpointUnreachable
from lakehook.domain.devlake.sources import NONE, DevLakeSources
from lakehook.domain.errors import InfrastructureError, NotDevlake
from tests.devlake.rows import shown
from tests.fakes import NOON
from tests.fakes_ops import INGRESS_URL, SECRET, FakeStack
from tests.journaling import accept
from tests.terminal import Terminal

CHECK = ("devlake", "check")
API, UI = "https://devlake.example/api", "https://devlake.example"
KEY = "s3cret-key"
ENDED = "devlake:120:PIPELINE_COMPLETED:2026-01-01T11:10:00Z"  # as ``shown`` has it
OF_120 = {"pipeline_id": 120, "event_type": "PIPELINE_COMPLETED", "event_id": ENDED}
STAGING = '{"staging": {"api_url": "https://staging.example/api"}}'


@pytest.fixture
def stack() -> FakeStack:
    """A set-up without any fault."""
    stack = FakeStack()
    stack.sources = DevLakeSources.parse(API, UI, "{}")
    stack.credentials.stored = {"authorization": f"Bearer {KEY}"}
    stack.heard.records[None] = Heard(LastAccepted(NOON - 1080, ENDED))
    stack.devlake.pipelines = [shown(121, "TASK_PONDERING"), shown(120)]  # one is passed over
    stack.reconciliations.by_source = {name: reconciled(name) for name in (None, "staging")}
    accept(stack.journal, **OF_120)
    return stack


def reconciled(source: str | None) -> Reconciliation:
    return replace(Reconciliation.first(source, now=NOON - 3600), succeeded_at=NOON - 180)


def checks(terminal: Terminal, *options: str, code: int) -> dict[str, Any]:
    """Run the checks, and return their results by name."""
    assert terminal(*CHECK, *options, "--output", "json") == code, terminal.err
    (source,) = json.loads(terminal.out)["sources"]
    return {check["check"]: check for check in source["checks"]}


def states(by_name: dict[str, Any]) -> dict[str, str]:
    return {name: check["state"] for name, check in by_name.items()}


OF_LAKEHOOK = ("secret", "endpoint", "test notice", "last accepted")
ALL_OK = dict.fromkeys((*OF_LAKEHOOK, "API", "newest pipeline", "reconcile", "UI URL"), "ok")


def test_a_complete_set_up_passes_every_check(terminal: Terminal) -> None:
    results = checks(terminal, code=0)

    assert states(results) == ALL_OK
    assert (
        results["last accepted"]["detail"] == "PIPELINE_COMPLETED of pipeline 120, 18 minutes ago"
    )
    assert results["API"]["detail"] == f"DevLake 420e494@scratch at {API}"
    assert terminal.err == ""


def test_people_read_a_line_for_each_check_and_the_two_variables(terminal: Terminal) -> None:
    assert terminal(*CHECK) == 0

    lines = terminal.out.splitlines()
    assert lines[0] == "stack Lakehook, source default"
    assert lines[2].strip().split(maxsplit=2) == ["STATE", "CHECK", "WHAT IS, AND WHAT TO DO"]
    assert [line.split()[0] for line in lines[3:11]] == ["ok"] * 8
    assert lines[12:14] == [
        f"NOTIFICATION_ENDPOINT={INGRESS_URL}",
        "NOTIFICATION_SECRET=(hidden; --show-secret)",
    ]


def test_a_remedy_is_printed_below_its_failure(terminal: Terminal) -> None:
    terminal.stack.heard.records[None] = Heard(
        refused=LastRefused(NOON - 60, "signature", "sign: made with an empty secret")
    )

    assert terminal(*CHECK) == 6

    (failed, remedy) = [
        line for line in terminal.out.splitlines() if "FAIL" in line or "→ DevLake has" in line
    ]
    assert failed.split()[:3] == ["FAIL", "last", "refused"]
    assert "1 minute ago: sign: made with an empty secret (signature)" in failed
    assert "another secret: give it the one below (--show-secret)" in remedy


def test_the_secret_is_shown_only_on_request(terminal: Terminal) -> None:
    for output in ("text", "json"):
        terminal(*CHECK, "--output", output)
        hidden = terminal.out + terminal.err
        terminal(*CHECK, "--output", output, "--show-secret")

        assert SECRET not in hidden
        assert SECRET in terminal.out
        assert KEY not in hidden + terminal.out


def test_a_checkup_that_is_printed_shows_no_secret(terminal: Terminal) -> None:
    (source,) = terminal.stack.sources

    assert SECRET not in repr(terminal.stack.service().check_devlake(source, INGRESS_URL))


# --- failing checks ---


def test_a_test_notice_that_is_refused_fails(terminal: Terminal) -> None:
    terminal.stack.endpoint.secret = "another"

    results = checks(terminal, code=6)

    assert states(results) == ALL_OK | {"test notice": "fail"}


def test_an_unreachable_endpoint_is_one_line(terminal: Terminal) -> None:
    terminal.stack.endpoint.answer = EndpointUnreachable("its name does not resolve")
    expected = ALL_OK | {"endpoint": "fail"}
    del expected["test notice"]

    assert states(checks(terminal, code=6)) == expected


def test_a_new_set_up_needs_no_action_yet(terminal: Terminal) -> None:
    terminal.stack.sources = DevLakeSources.parse(NONE, NONE, "{}")
    terminal.stack.heard.records.clear()

    expected = ALL_OK | dict.fromkeys(("last accepted", "API", "UI URL"), "warn")
    del expected["newest pipeline"], expected["reconcile"]
    assert states(checks(terminal, code=0)) == expected


def test_a_finished_pipeline_without_a_notice_fails_the_check(
    terminal: Terminal,
) -> None:
    terminal.stack.devlake.pipelines = [shown(121), shown(120)]

    results = checks(terminal, code=6)

    assert states(results) == ALL_OK | {"newest pipeline": "fail"}
    assert "DevLake's #121 finished 39 minutes ago" in results["newest pipeline"]["detail"]
    assert "lakehook reconcile --since 2h" in results["newest pipeline"]["remedy"]


def test_an_api_that_gives_nothing_is_one_clear_line(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version() -> str:
        raise NotDevlake("devlake: the response to GET /version is not one of DevLake's")

    monkeypatch.setattr(terminal.stack.devlake, "version", version)
    expected = ALL_OK | {"API": "fail"}
    del expected["newest pipeline"]

    results = checks(terminal, "--api", API, code=6)

    assert states(results) == expected
    assert results["API"]["detail"].startswith("devlake: the response to GET /version")


def test_an_api_that_only_the_stack_can_read_needs_no_action(terminal: Terminal) -> None:
    terminal.stack.devlake.away = True

    results = checks(terminal, code=0)

    assert results["API"]["state"] == "warn"
    assert results["API"]["detail"] == "from here: DevLake is unavailable: no connection"
    terminal.stack.reconciliations.by_source.clear()
    assert checks(terminal, code=6)["API"]["state"] == "fail"


def test_a_state_found_by_reconcile_alone_counts_as_not_posted(terminal: Terminal) -> None:
    terminal.stack.devlake.pipelines = [shown(121)]
    of_121 = OF_120 | {"pipeline_id": 121, "event_id": ENDED.replace("120", "121")}
    accept(terminal.stack.journal, **of_121, reconciled=True)
    terminal.stack.heard.records[None] = Heard(LastAccepted(NOON - 7200, ENDED))

    results = checks(terminal, code=6)

    assert states(results) == ALL_OK | {"newest pipeline": "fail"}
    assert "which DevLake did not post" in results["newest pipeline"]["detail"]


# --- the API and its credentials ---


def test_the_stacks_own_credentials_go_to_the_stacks_own_api(terminal: Terminal) -> None:
    checks(terminal, code=0)

    (address,) = terminal.stack.devlake.reached
    assert (address.url, address.headers) == (API, {"authorization": f"Bearer {KEY}"})


def test_another_api_gets_only_the_headers_given_for_it(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "key.txt"
    file.write_text("authorization: Bearer mine\n")

    checks(terminal, "--api", "http://devlake:8080", "--header-file", str(file), code=0)
    checks(terminal, "--api", "http://devlake:8080", code=0)

    assert [
        (connection.url, connection.headers) for connection in terminal.stack.devlake.reached
    ] == [
        ("http://devlake:8080", {"authorization": "Bearer mine"}),
        ("http://devlake:8080", {}),
    ]


# --- several DevLakes ---


@pytest.fixture
def two_sources(terminal: Terminal) -> Terminal:
    stack = terminal.stack
    stack.sources = DevLakeSources.parse(API, UI, STAGING)
    stack.secrets.own = {"staging": "a secret of its own"}
    stack.heard.records["staging"] = Heard(
        LastAccepted(NOON - 60, "devlake:staging/120:PIPELINE_COMPLETED:2026")
    )
    return terminal


def test_each_source_is_checked_by_itself(two_sources: Terminal) -> None:
    assert two_sources(*CHECK) == 6

    assert "stack Lakehook, source default" in two_sources.out
    assert "stack Lakehook, source staging" in two_sources.out
    assert f"NOTIFICATION_ENDPOINT={INGRESS_URL}staging" in two_sources.out
    assert [url for url, _ in two_sources.stack.endpoint.posted] == [
        INGRESS_URL,
        f"{INGRESS_URL}staging",
    ]


def test_a_source_with_a_secret_of_its_own_signs_with_that(two_sources: Terminal) -> None:
    two_sources.stack.endpoint.secret = "a secret of its own"
    of_staging = {"source": "staging", "event_id": ENDED.replace("120", "staging/120")}
    accept(two_sources.stack.journal, **OF_120 | of_staging)

    results = checks(two_sources, "--source", "staging", code=0)

    assert states(results) == ALL_OK | {"UI URL": "warn"}
    last = results["last accepted"]["detail"]
    assert last == "PIPELINE_COMPLETED of pipeline staging/120, 1 minute ago"
    assert states(checks(two_sources, "--source", "default", code=6)) == ALL_OK | {
        "test notice": "fail"
    }


# --- bad input, and AWS ---


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--source", "nobody"), "source: 'nobody' is not one of: default, staging"),
        (("--api", "http://devlake:8080"), "api: of which DevLake? Give --source: default, stag"),
        (("--header", "x: y"), "header: for which API? Give its URL by --api"),
        (("--api", f"http://a:{KEY}@devlake"), "not into the URL"),
        (("--api", "http://devlake", "--header", KEY), "header: not 'Name: value'"),
    ],
)
def test_bad_input_is_one_line_with_exit_code_2(
    two_sources: Terminal, options: tuple[str, ...], complaint: str
) -> None:
    assert two_sources(*CHECK, *options) == 2

    assert complaint in two_sources.err
    assert two_sources.err.count("\n") == 1
    assert KEY not in two_sources.err
    assert two_sources.stack.endpoint.posted == []


def test_an_error_of_aws_fails_its_check_and_the_others_go_on(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: Any, **__: Any) -> Any:
        raise InfrastructureError("AccessDenied: secretsmanager:GetSecretValue")

    monkeypatch.setattr(terminal.stack.secrets, "active", denied)
    expected = ALL_OK | {"secret": "fail"}
    del expected["endpoint"], expected["test notice"]

    results = checks(terminal, code=4)

    assert states(results) == expected
    assert "AWS: AccessDenied" in results["secret"]["detail"]
    assert "docs/deploy.md" in results["secret"]["remedy"]


def test_an_unavailable_journal_fails_only_the_checks_that_read_it(terminal: Terminal) -> None:
    terminal.stack.heard.away = True

    results = states(checks(terminal, code=4))

    assert (
        results.items() >= {"endpoint": "ok", "test notice": "ok", "last accepted": "fail"}.items()
    )
