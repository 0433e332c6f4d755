"""Checks of the set-up, each by itself: ok, a warning, or a failure to fix."""

import json
from dataclasses import replace
from typing import Any

import pytest

from lakehook.domain.devlake.last_heard import (
    ACCEPTED_EVERY_SECONDS,
    Heard,
    LastAccepted,
    LastRefused,
)
from lakehook.domain.devlake.notification import PipelineRow, parse_notification
from lakehook.domain.devlake.reconciliation import Reconciliation
from lakehook.domain.devlake.setup_check import (
    Check,
    EndpointAnswer,
    EndpointResponse,
    EndpointUnreachable,
    StateOrigin,
    check_api,
    check_endpoint,
    check_heard,
    check_newest,
    check_reconcile,
    check_secret,
    check_ui,
    is_accepted,
    is_read,
    newest_begun,
    probe_notice,
    refuse_api,
    warn_of_no_api,
)
from lakehook.domain.devlake.sources import DevLakeSource
from lakehook.domain.errors import DevlakeUnavailable
from tests.devlake.rows import shown
from tests.fakes import NOON

HOUR, DAY = 3600.0, 24 * 3600.0
ACCEPTED = EndpointResponse(202, b'{"test": true}')
ACCEPTED_BEFORE = LastAccepted(NOON - HOUR, "devlake:39:PIPELINE_RUNNING:2026-01-01T10:59:00Z")
ACCEPTED_AFTER = LastAccepted(NOON - 60, "devlake:121:PIPELINE_RUNNING:2026-01-01T11:59:00Z")
POSTED, RECONCILED, NONE = StateOrigin


def states(*checks: Check) -> dict[str, str]:
    return {check.name: str(check.state) for check in checks}


# --- the secret ---


@pytest.mark.parametrize(
    ("secret", "accepted", "state"),
    [
        ("s3cret", True, "ok"),
        ("s3cret", False, "ok"),  # what is wrong the test notice says
        ("", False, "fail"),
        ("", True, "warn"),  # an operator has allowed it
        ("s3cret\n", True, "warn"),
        (" s3cret", True, "warn"),
    ],
)
def test_a_secret_is_set_and_whole(secret: str, state: str, *, accepted: bool) -> None:
    check = check_secret(secret, is_accepted=accepted)

    assert check.state == state
    assert "s3cret" not in check.detail + check.remedy


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        (ACCEPTED, True),
        (EndpointResponse(202, b'{"test": 1}'), False),
        (EndpointResponse(401, b'{"error": "x"}'), False),
        (EndpointResponse(200, b"<html>"), False),
        (EndpointUnreachable("no connection"), False),
    ],
)
def test_only_a_response_of_the_ingress_is_an_acceptance(
    answer: EndpointAnswer, *, accepted: bool
) -> None:
    assert is_accepted(answer) is accepted


# --- the endpoint ---


def test_a_test_notice_is_one_that_devlake_could_sign_and_no_pipeline_of_its() -> None:
    event = parse_notification(probe_notice(NOON))

    assert (event["pipeline_id"], event["event_type"]) == (0, "PIPELINE_CREATED")
    assert event["created_at"] == "2026-01-01T12:00:00.000+00:00"


@pytest.mark.parametrize(
    ("answer", "failed", "detail", "remedy"),
    [
        (EndpointUnreachable("no such name"), "endpoint", "no such name", "HTTPS_PROXY"),
        (EndpointUnreachable("TLS: expired"), "endpoint", "TLS: expired", "REQUESTS_CA_BUNDLE"),
        (EndpointResponse(200, b"<html>"), "endpoint", "answered 200, and not as", "see what"),
        (EndpointResponse(202, b'{"event_id": "x"}'), "endpoint", "answered 202, and", "see what"),
        (EndpointResponse(200, b"\xff"), "endpoint", "answered 200, and not as", "see what"),
        (EndpointResponse(200, b"[" * 65_536), "endpoint", "answered 200", "see what"),
        (EndpointResponse(302, b""), "endpoint", "answered 302", "see what"),
        (EndpointResponse(403, b'{"Message":"Forbidden"}'), "endpoint", "403", "deploy again"),
        (EndpointResponse(429, b'{"Reason":"x"}'), "endpoint", "429", "NotificationsLost"),
        (EndpointResponse(502, b"Internal Server Error"), "endpoint", "502", "its log says why"),
        (EndpointResponse(401, b'{"error":"sign: x"}'), "test notice", "401: sign: x", "Try again"),
        (EndpointResponse(404, b'{"error":"x"}'), "test notice", "404: x", "DevlakeSources"),
        (EndpointResponse(503, b'{"error":"x"}'), "test notice", "503", "NotificationsLost"),
        (EndpointResponse(418, b'{"error":"tea"}'), "test notice", "418: tea", "table of answers"),
    ],
)
def test_an_endpoint_that_refuses_the_notice_is_reported_with_a_remedy(
    answer: EndpointResponse | EndpointUnreachable, failed: str, detail: str, remedy: str
) -> None:
    assert states(*check_endpoint(ACCEPTED)) == {"endpoint": "ok", "test notice": "ok"}
    *before, check = check_endpoint(answer)

    assert states(*before, check) == {passing.name: "ok" for passing in before} | {failed: "fail"}
    assert detail in check.detail
    assert remedy in check.remedy


def test_a_strangers_response_is_shown_short_and_printable() -> None:
    body = json.dumps({"error": "\x1b[2J\u202e" + "x" * 10_000}).encode()

    *_, check = check_endpoint(EndpointResponse(401, body))

    assert check.detail.isprintable()
    assert len(check.detail) < 600


@pytest.mark.parametrize("length", [201, 500])
def test_the_remedy_of_our_ingress_is_not_truncated(length: int) -> None:
    reason = "x" * length

    *_, endpoint_check = check_endpoint(
        EndpointResponse(404, json.dumps({"error": reason}).encode())
    )
    _, heard_check = check_heard(Heard(refused=LastRefused(NOON, "signature", reason)), now=NOON)

    assert reason in endpoint_check.detail
    assert reason in heard_check.detail


# --- notices ---


@pytest.mark.parametrize(
    ("event_id", "name"),
    [
        ("devlake:staging/39:PIPELINE_FAILED:2026", "PIPELINE_FAILED of pipeline staging/39"),
        ("devlake:task:39:2026-01-01T10:59:00Z", "devlake:task:39:2026-01-01T10:59:00Z"),
        ("devlake:39", "devlake:39"),
    ],
)
def test_an_event_is_named_as_far_as_its_id_says(event_id: str, name: str) -> None:
    (check,) = check_heard(Heard(LastAccepted(NOON - HOUR, event_id)), now=NOON)

    assert (check.state, check.detail) == ("ok", f"{name}, 1 hour ago")


def test_a_devlake_without_notices_may_have_been_set_up_just_now() -> None:
    (check,) = check_heard(Heard(), now=NOON)

    assert (check.state, check.detail) == ("warn", "no notification of DevLake has ever arrived")
    assert "the two variables below" in check.remedy
    (silent,) = check_heard(Heard(LastAccepted(NOON - 8 * DAY, "devlake:39")), now=NOON)
    assert silent.state == "warn", "for more than a week"


@pytest.mark.parametrize(
    ("refused_at", "accepted_at", "state", "text"),
    [
        (NOON - 60, None, "fail", "none was accepted since"),
        (NOON - 60, NOON - HOUR, "fail", "none was accepted since"),
        (NOON - HOUR, NOON - 60, "warn", "reconcile --devlake URL --since 3h"),
        (NOON - 60, NOON - 65, "warn", "reconcile --devlake URL --since 2h"),
        (NOON - 2 * DAY, NOON - 60, "ok", ""),
    ],
)
def test_a_refusal_is_for_a_person_until_a_notice_was_accepted(
    refused_at: float, accepted_at: float | None, state: str, text: str
) -> None:
    accepted = None if accepted_at is None else LastAccepted(accepted_at, "devlake:39")
    heard = Heard(accepted, LastRefused(refused_at, "signature", "sign: not ours"))

    _, check = check_heard(heard, now=NOON)

    assert check.state == state
    assert "sign: not ours (signature)" in check.detail
    assert text in f"{check.detail} {check.remedy}"


def test_a_notice_accepted_right_after_a_refusal_may_not_be_recorded() -> None:
    """The record may be older than the last accepted notice, by the time between two writes."""
    accepted = LastAccepted(NOON - ACCEPTED_EVERY_SECONDS, "devlake:39")
    refusals = (LastRefused(at, "signature", "why") for at in (NOON - 0.5, NOON))

    checks = [check_heard(Heard(accepted, refused), now=NOON)[1] for refused in refusals]

    assert [check.state for check in checks] == ["warn", "fail"]


def test_a_refusal_of_an_unsigned_request_is_no_failure() -> None:
    refused = LastRefused(NOON - 60, "not_a_notice", "why", is_notice=False)

    _, check = check_heard(Heard(refused=refused), now=NOON)

    assert check.state == "warn"
    assert check.remedy.startswith("anybody can send such a request; if it is DevLake: ")


@pytest.mark.parametrize(
    ("source", "command"),
    [
        (DevLakeSource(), "lakehook reconcile --devlake URL"),
        (DevLakeSource(api_url="http://devlake:8080"), "lakehook reconcile"),
        (DevLakeSource("staging"), "lakehook reconcile --source staging --devlake URL"),
        (DevLakeSource("staging", api_url="http://devlake"), "lakehook reconcile --source staging"),
    ],
)
def test_a_remedy_is_the_command_of_its_source(source: DevLakeSource, command: str) -> None:
    refused = LastRefused(NOON - HOUR, "signature", "why")

    _, failed = check_heard(Heard(refused=refused), now=NOON, source=source)
    _, warned = check_heard(Heard(ACCEPTED_AFTER, refused), now=NOON, source=source)
    lost = check_newest(a_row(120), ACCEPTED_BEFORE, NONE, now=NOON, source=source)

    assert failed.remedy.endswith(f"; then {command}")
    assert warned.remedy == f"what was lost: {command} --since 3h"
    assert lost.remedy.endswith(f"; what was lost: {command} --since 2h")


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("signature", "another secret"),
        ("no_signature", "the query is lost"),
        ("not_a_notice", "report it"),
        ("unknown_source", "DevlakeSources"),
        ("too_large", "see who calls"),
        ("method", "a redirect"),
        ("of a later release\x1b[2J", "table of answers"),
    ],
)
def test_each_kind_of_refusal_has_its_cure(kind: str, remedy: str) -> None:
    _, check = check_heard(Heard(refused=LastRefused(NOON, kind, "why")), now=NOON)

    assert remedy in check.remedy
    assert check.detail.isprintable()


# --- DevLake's API ---


def a_row(number: int, status: str = "TASK_COMPLETED", **changes: Any) -> PipelineRow:
    return PipelineRow.parse(shown(number, status, **changes))


def test_the_newest_that_has_begun_is_looked_for() -> None:
    rows = [
        a_row(38),
        a_row(40, "TASK_CREATED", beganAt=None, finishedAt=None),
        a_row(41, "TASK_CANCELLED", beganAt=None, finishedAt=None),  # while it waited
        a_row(42, "TASK_RERUN"),
        a_row(39),
    ]

    newest = newest_begun(rows)

    assert newest
    assert newest.id == 39
    assert newest_begun([]) is None


@pytest.mark.parametrize(
    ("accepted", "origin", "state", "text"),
    [
        (ACCEPTED_BEFORE, POSTED, "ok", "DevLake's #120 finished 39 minutes ago, as received"),
        (ACCEPTED_BEFORE, NONE, "fail", "finished 39 minutes ago, which never arrived at Lakehook"),
        (None, NONE, "warn", "which never arrived at Lakehook"),
        (ACCEPTED_BEFORE, RECONCILED, "fail", "DevLake did not post, and reconcile found"),
        (ACCEPTED_AFTER, RECONCILED, "warn", "DevLake did not post, and reconcile found"),
        (None, RECONCILED, "warn", "DevLake did not post, and reconcile found"),
    ],
)
def test_a_pipeline_that_devlake_knows_and_did_not_post_was_lost(
    accepted: LastAccepted | None, origin: StateOrigin, state: str, text: str
) -> None:
    check = check_newest(a_row(120), accepted, origin, now=NOON)

    assert check.state == state
    assert text in check.detail
    assert ("_devlake_notifications" in check.remedy) is (origin is not POSTED)


def test_a_recent_pipeline_or_none_is_not_a_lost_notice() -> None:
    running = a_row(120, "TASK_RUNNING", finishedAt=None)
    assert "#120 began" in check_newest(running, None, POSTED, now=NOON).detail
    assert check_newest(None, None, NONE, now=NOON).state == "ok"
    just_now = a_row(120, updatedAt="2026-01-01T11:59:30Z", finishedAt="2026-01-01T11:59:30Z")

    check = check_newest(just_now, ACCEPTED_BEFORE, NONE, now=NOON)

    assert (check.state, check.detail.partition("; ")[2]) == (
        "ok",
        "its notification may be on its way",
    )


def test_an_api_that_only_the_stack_can_read_is_no_failure() -> None:
    away = DevlakeUnavailable("DevLake is unavailable: no connection\x1b[2J")

    with_stack, without_stack = (refuse_api(away, stack_reads_it=reads) for reads in (True, False))

    assert (with_stack.state, without_stack.state) == ("warn", "fail")
    assert with_stack.detail.startswith("from here: DevLake is unavailable: no connection")
    assert (with_stack.detail + without_stack.detail).isprintable()


# --- the scheduled reconcile ---


def a_reconciliation(**changes: Any) -> Reconciliation:
    return replace(Reconciliation.first(None, now=NOON - DAY), **changes)


@pytest.mark.parametrize(
    ("changes", "state", "detail"),
    [
        ({"succeeded_at": NOON - 180}, "ok", "succeeded 3 minutes ago"),
        (
            {"succeeded_at": NOON - 600, "failed_at": NOON - 300, "failures": 1, "error": "401\n"},
            "warn",
            "succeeded 10 minutes ago; failed 5 minutes ago: 401",
        ),
        (
            {"failed_at": NOON - 300, "failures": 9, "error": "401"},
            "fail",
            "has not succeeded yet; failed 5 minutes ago: 401",
        ),
        ({"succeeded_at": NOON - HOUR}, "fail", "succeeded 1 hour ago"),
        (
            {"succeeded_at": NOON - 60, "failed_at": NOON - 300, "error": "401"},
            "ok",
            "succeeded 1 minute ago",
        ),
    ],
)
def test_a_reconcile_that_lags_needs_a_person(
    changes: dict[str, Any], state: str, detail: str
) -> None:
    check = check_reconcile(a_reconciliation(**changes), now=NOON)

    assert (check.state, check.detail) == (state, detail)


def test_a_reconcile_that_has_not_run_yet_will() -> None:
    assert check_reconcile(None, now=NOON).state == "warn"
    assert not is_read(None, now=NOON)
    assert not is_read(a_reconciliation(), now=NOON)
    assert is_read(a_reconciliation(succeeded_at=NOON - 60), now=NOON)
    assert not is_read(a_reconciliation(succeeded_at=NOON - HOUR), now=NOON)
    refused = a_reconciliation(succeeded_at=NOON - 600, failed_at=NOON - 300, failures=1)
    assert not is_read(refused, now=NOON)


# --- settings of the stack ---


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ("v1.0.3@1a2b3c4", "DevLake v1.0.3@1a2b3c4 at http://devlake:8080"),
        ("v1.0.1@1a2b3c4", "posts only how a pipeline ends"),
        ("v0.21.0", "posts only how a pipeline ends"),
        ("v1.0.2@1a2b3c4", "posts FAILED when a pipeline that runs is cancelled"),
        ("420e494@scratch", "DevLake 420e494@scratch at"),
        ("\x1b[2J" + "x" * 10_000, "DevLake  [2Jxxx"),
    ],
)
def test_the_version_is_reported_with_its_limits(version: str, text: str) -> None:
    check = check_api("http://devlake:8080", version)

    assert check.state == "ok"
    assert text.replace("  ", " ") in check.detail
    assert check.detail.isprintable()
    assert len(check.detail) < 300


@pytest.mark.parametrize(
    ("source", "api", "ui"),
    [
        (DevLakeSource(), "DevlakeApiUrl", "DevlakeUiUrl"),
        (DevLakeSource("staging"), "DevlakeSources", "DevlakeSources"),
    ],
)
def test_a_setting_missing_in_the_stack_is_named_with_its_parameter(
    source: DevLakeSource, api: str, ui: str
) -> None:
    without_api, without_ui = warn_of_no_api(source), check_ui(source)
    assert check_ui(replace(source, ui_url="https://devlake.example")).state == "ok"

    assert (without_api.state, without_ui.state) == ("warn", "warn")
    assert f"the stack's parameter {api}" in without_api.remedy
    assert f"the stack's parameter {ui}" in without_ui.remedy
