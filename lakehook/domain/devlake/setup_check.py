"""Checks of the set-up of DevLake and Lakehook, each with one finding.

Text from DevLake, its API or a proxy is cleaned before it is shown.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from lakehook.domain.devlake.last_heard import (
    ACCEPTED_EVERY_SECONDS,
    Heard,
    LastAccepted,
    LastRefused,
)
from lakehook.domain.devlake.notification import CREATED, EVENT_TYPES, PipelineRow, go_json
from lakehook.domain.devlake.reconciliation import Reconciliation
from lakehook.domain.devlake.refusal import TEST_PIPELINE, RefusalKind
from lakehook.domain.devlake.sources import DEFAULT_SOURCE, DevLakeSource
from lakehook.domain.errors import InfrastructureError, LakehookError
from lakehook.domain.event import EventType
from lakehook.domain.json_document import Document, parse_json_object
from lakehook.domain.text import single_line
from lakehook.domain.time import format_duration, format_rfc3339

MAX_WORDS = 200  # of an untrusted text
MAX_REASON_WORDS = 500  # of our ingress, whose reasons contain the remedy
QUIET_SECONDS = 7 * 24 * 3600.0
"""A source without a notification for this long gets a warning."""

RECENT_SECONDS = 24 * 3600.0
UNDER_WAY_SECONDS = 120.0
"""Changes this recent may not have arrived yet."""

MAX_RECONCILE_LAG_SECONDS = 1800.0
"""Threshold of the alarm ReconcileFailing, too."""


class CheckState(StrEnum):
    OK = "ok"
    WARN = "warn"  # working, but something is missing or deserves attention
    FAIL = "fail"  # an operator must act


@dataclass(frozen=True)
class Check:
    name: str
    state: CheckState
    detail: str
    remedy: str = ""
    aws_failed: bool = False

    @classmethod
    def ok(cls, name: str, detail: str) -> "Check":
        return cls(name, CheckState.OK, detail)

    @classmethod
    def warn(cls, name: str, detail: str, remedy: str) -> "Check":
        return cls(name, CheckState.WARN, detail, remedy)

    @classmethod
    def fail(cls, name: str, detail: str, remedy: str) -> "Check":
        return cls(name, CheckState.FAIL, detail, remedy)

    @classmethod
    def of_aws(cls, name: str, error: InfrastructureError) -> "Check":
        """Build the finding that AWS could not be queried."""
        return cls(name, CheckState.FAIL, cleaned(f"AWS: {error}"), _MAY_ASK, aws_failed=True)


_MAY_ASK = "try again, or see what you must be allowed: docs/deploy.md, Who operates it"


def cleaned(text: str) -> str:
    return single_line(text, MAX_WORDS)


def ago(at: float, *, now: float) -> str:
    return f"{format_duration(max(0.0, now - at))} ago"


# --- the notification secret, and a signed test notification ---


def probe_notice(now: float) -> bytes:
    """Build a test notification. It publishes nothing: no DevLake has a pipeline of that number."""
    at = format_rfc3339(now)
    body = {
        "ProjectName": "",
        "PipelineID": TEST_PIPELINE,
        "CreatedAt": at,
        "UpdatedAt": at,
        "BeganAt": None,
        "FinishedAt": None,
        "Status": CREATED,
    }
    return go_json(body).encode()


def check_secret(secret: str, *, is_accepted: bool) -> Check:
    """Check the secret; ``is_accepted`` says whether the ingress accepted its signature."""
    name = "secret"
    if not secret and is_accepted:
        detail = "it is empty, and EmptyNotificationSecret allows it, so anybody can sign"
        return Check.warn(name, detail, _STORE_ONE)
    if not secret:
        return Check.fail(name, "it is empty, so anybody could sign", _STORE_ONE)
    if secret != secret.strip():
        detail = "it has white space around it, and DevLake must have the same"
        return Check.warn(name, detail, "store it again without, as printf %s writes it")
    return Check.ok(name, "set")


_STORE_ONE = (
    "aws secretsmanager put-secret-value --secret-id … --secret-string file://secret.txt, the id"
    " being the stack's output NotificationSecretArn; then give DevLake the same"
)


@dataclass(frozen=True)
class EndpointResponse:
    status: int
    body: bytes = b""


@dataclass(frozen=True)
class EndpointUnreachable:
    fault: str


EndpointAnswer = EndpointResponse | EndpointUnreachable


def is_accepted(answer: EndpointAnswer) -> bool:
    reply = _ingress_said(answer.body) if isinstance(answer, EndpointResponse) else None
    return bool(reply and reply.get("test") is True)


def check_endpoint(answer: EndpointAnswer) -> list[Check]:
    """Check the response to a signed test notification: whether it is our ingress's, and OK."""
    name = "endpoint"
    if isinstance(answer, EndpointUnreachable):
        return [Check.fail(name, cleaned(answer.fault), _REACH_ENDPOINT)]
    reply = _ingress_said(answer.body)
    if reply is not None:
        return [Check.ok(name, "reachable from here"), _check_test_notice(answer.status, reply)]
    detail = f"answered {answer.status}, and not as Lakehook's ingress does"
    return [Check.fail(name, detail, _OF_LAMBDA.get(answer.status, _REACH_ENDPOINT))]


_REACH_ENDPOINT = (
    "see what answers at that URL; HTTPS_PROXY names a proxy, REQUESTS_CA_BUNDLE its certificates;"
    " DevLake's network must let the URL through, too"
)
_OF_LAMBDA = {
    403: "the function URL may not be called: deploy again",
    429: "more requests at once than the stage's ingress_concurrency: see NotificationsLost",
    502: "the function fails: its log says why; deploy again, or the release before",
}


def _ingress_said(body: bytes) -> Document | None:
    try:
        reply = parse_json_object(body.decode())
    except ValueError:  # also if it is not UTF-8
        return None
    return reply if "test" in reply or isinstance(reply.get("error"), str) else None


def _check_test_notice(status: int, reply: Document) -> Check:
    name = "test notice"
    if reply.get("test") is True:
        return Check.ok(name, "signed with the secret, and accepted")
    detail = f"refused with {status}: {single_line(str(reply.get('error')), MAX_REASON_WORDS)}"
    return Check.fail(name, detail, _OF_INGRESS.get(status, _SEE_TABLE))


_SEE_TABLE = "see the table of answers in docs/devlake.md"
_OF_INGRESS = {
    401: "was the secret changed just now? Try again in ten seconds",
    404: "declare the source in the stack's parameter DevlakeSources",
    503: "AWS failed: see NotificationsLost in the runbook",
}


# --- notifications received from DevLake ---


def check_heard(heard: Heard, *, now: float, source: DevLakeSource = DEFAULT_SOURCE) -> list[Check]:
    checks = [_check_accepted(heard.accepted, now=now)]
    if heard.refused:
        checks.append(_check_refused(heard.refused, heard.accepted, source, now=now))
    return checks


def _check_accepted(accepted: LastAccepted | None, *, now: float) -> Check:
    name = "last accepted"
    if accepted is None:
        return Check.warn(name, "no notification of DevLake has ever arrived", _FIRST_TIME)
    detail = f"{_event_named(accepted.event_id)}, {ago(accepted.at, now=now)}"
    if now - accepted.at > QUIET_SECONDS:
        return Check.warn(name, detail, "does DevLake still run pipelines, and with its variables?")
    return Check.ok(name, detail)


_ANSWERS = "SELECT response_code, response FROM _devlake_notifications"
_FIRST_TIME = (
    "give DevLake the two variables below, restart it, run a pipeline, and check again; what it was"
    f" answered stands in its database: {_ANSWERS}"
)


def _event_named(event_id: str) -> str:
    """Format ``devlake:39:PIPELINE_RUNNING:…`` as PIPELINE_RUNNING of pipeline 39."""
    match event_id.split(":"):
        case [_, pipeline, event_type, *_] if event_type in EVENT_TYPES.values():
            return cleaned(f"{event_type} of pipeline {pipeline}")
    return cleaned(event_id)


def _check_refused(
    refused: LastRefused, accepted: LastAccepted | None, source: DevLakeSource, *, now: float
) -> Check:
    name, kind = "last refused", cleaned(refused.kind)
    detail = f"{ago(refused.at, now=now)}: {single_line(refused.reason, MAX_REASON_WORDS)} ({kind})"
    if accepted is None or accepted.at + ACCEPTED_EVERY_SECONDS <= refused.at:
        detail, remedy = f"{detail}; none was accepted since", _OF_KIND.get(kind, _SEE_TABLE)
        if not refused.is_notice:
            return Check.warn(
                name, detail, f"anybody can send such a request; if it is DevLake: {remedy}"
            )
        if kind == RefusalKind.SIGNATURE:
            remedy = f"{remedy}; then {_reconcile(source)}"
        return Check.fail(name, detail, remedy)
    if now - refused.at > RECENT_SECONDS:
        return Check.ok(name, detail)
    return Check.warn(name, detail, _lost_since(refused.at, source, now=now))


_OF_KIND: dict[str, str] = {
    RefusalKind.SIGNATURE: (
        "DevLake has another secret: give it the one below (--show-secret) and restart it, or store"
        " DevLake's in Secrets Manager"
    ),
    RefusalKind.NO_SIGNATURE: (
        "the query is lost on the way: NOTIFICATION_ENDPOINT must be the URL below and nothing"
        " behind it, and no proxy may change it"
    ),
    RefusalKind.NOT_A_NOTICE: "if DevLake has sent it, its form is new: report it with the version",
    RefusalKind.UNKNOWN_SOURCE: (
        "NOTIFICATION_ENDPOINT must be the URL below, or its source be declared in the stack's"
        " parameter DevlakeSources"
    ),
    RefusalKind.TOO_LARGE: "DevLake's notifications are never this long: see who calls the URL",
    RefusalKind.METHOD: (
        "a redirect turned DevLake's POST into a GET: NOTIFICATION_ENDPOINT must be the URL below"
    ),
}


def _lost_since(at: float, source: DevLakeSource, *, now: float) -> str:
    hours = int(max(0.0, now - at) // 3600) + 2
    return f"what was lost: {_reconcile(source)} --since {hours}h"


def _reconcile(source: DevLakeSource) -> str:
    of_source = f" --source {source.name}" if source.name else ""
    at = "" if source.api_url else " --devlake URL"
    return f"lakehook reconcile{of_source}{at}"


# --- DevLake's API ---


class StateOrigin(Enum):
    """Way by which the present state of a pipeline reached the journal."""

    POSTED = auto()
    RECONCILED = auto()  # found by reconcile: DevLake's notification never arrived
    NONE = auto()


def newest_begun(rows: Iterable[PipelineRow]) -> PipelineRow | None:
    """Return the newest pipeline that has begun; DevLake may not announce waiting ones."""
    begun = (row for row in rows if row.document["BeganAt"] is not None and not _waits(row))
    return max(begun, key=lambda row: row.id, default=None)


def check_newest(
    row: PipelineRow | None,
    accepted: LastAccepted | None,
    origin: StateOrigin,
    *,
    now: float,
    source: DevLakeSource = DEFAULT_SOURCE,
) -> Check:
    """Check whether DevLake has posted the state that its API shows for its newest pipeline."""
    name = "newest pipeline"
    if row is None:
        return Check.ok(name, "DevLake has no pipeline that has begun")
    verb = "began" if _status_of(row) is EventType.PIPELINE_RUNNING else "finished"
    detail = f"DevLake's #{row.id} {verb} {ago(row.changed_at, now=now)}"
    if origin is StateOrigin.POSTED:
        return Check.ok(name, f"{detail}, as received")
    if now - row.changed_at < UNDER_WAY_SECONDS:
        return Check.ok(name, f"{detail}; its notification may be on its way")
    detail = f"{detail}, {_UNHEARD[origin]}"
    remedy = _remedy_of(origin, row, source, now=now)
    if accepted is None or (origin is StateOrigin.RECONCILED and row.changed_at <= accepted.at):
        return Check.warn(name, detail, remedy)
    return Check.fail(name, detail, remedy)


_UNHEARD = {
    StateOrigin.RECONCILED: "which DevLake did not post, and reconcile found",
    StateOrigin.NONE: "which never arrived at Lakehook",
}


def _remedy_of(origin: StateOrigin, row: PipelineRow, source: DevLakeSource, *, now: float) -> str:
    asked = f"what DevLake was answered: {_ANSWERS}"
    if origin is StateOrigin.RECONCILED:
        return f"DevLake posts nothing of a deleted blueprint's pipelines; else {asked}"
    return f"{asked}; {_lost_since(row.changed_at, source, now=now)}"


def _waits(row: PipelineRow) -> bool:
    return _status_of(row) is EventType.PIPELINE_CREATED


def _status_of(row: PipelineRow) -> EventType:
    return EVENT_TYPES[row.document["Status"]]


# --- the stack's settings for DevLake ---


def check_api(url: str, version: str) -> Check:
    return Check.ok("API", f"DevLake {cleaned(version)} at {url}{_note_on(version)}")


def refuse_api(error: LakehookError, *, stack_reads_it: bool) -> Check:
    """Build the finding of a failed API call; the scheduler may reach DevLake where we can't."""
    name, detail = "API", cleaned(str(error))
    if stack_reads_it:
        remedy = "the stack's scheduler reads it; --api gives a URL that works from here"
        return Check.warn(name, f"from here: {detail}", remedy)
    return Check.fail(name, detail, _REACH_API)


_REACH_API = "it was called from here: --api gives another URL, --header-file the credentials"


def is_read(reconciliation: Reconciliation | None, *, now: float) -> bool:
    """Whether the scheduler's last run is recent and read the API completely."""
    if reconciliation is None or reconciliation.succeeded_at is None or reconciliation.failures:
        return False
    return reconciliation.lag(now=now) < MAX_RECONCILE_LAG_SECONDS


def check_reconcile(reconciliation: Reconciliation | None, *, now: float) -> Check:
    name = "reconcile"
    if reconciliation is None:
        return Check.warn(name, "the scheduler has not run yet", "check again in five minutes")
    detail = _runs(reconciliation, now=now)
    if reconciliation.lag(now=now) >= MAX_RECONCILE_LAG_SECONDS:
        remedy = (
            "see ReconcileFailing in docs/runbook.md, and SchedulerStopped if nothing has failed"
        )
        return Check.fail(name, detail, remedy)
    if reconciliation.failures:
        return Check.warn(name, detail, "the scheduler tries again by itself")
    return Check.ok(name, detail)


def _runs(reconciliation: Reconciliation, *, now: float) -> str:
    succeeded, failed = reconciliation.succeeded_at, reconciliation.failed_at
    last = "has not succeeded yet" if succeeded is None else f"succeeded {ago(succeeded, now=now)}"
    if not reconciliation.failures or failed is None:
        return last
    return f"{last}; failed {ago(failed, now=now)}: {cleaned(reconciliation.error or '')}"


def warn_of_no_api(source: DevLakeSource) -> Check:
    detail = "not known, so lost notifications are not found"
    return Check.warn("API", detail, f"set {_parameter(source, 'DevlakeApiUrl')}, or try --api URL")


def check_ui(source: DevLakeSource) -> Check:
    name = "UI URL"
    if source.ui_url is None:
        detail = "not known, so no message links to DevLake"
        return Check.warn(name, detail, f"set {_parameter(source, 'DevlakeUiUrl')}")
    return Check.ok(name, source.ui_url)


def _parameter(source: DevLakeSource, of_default: str) -> str:
    return f"the stack's parameter {'DevlakeSources' if source.name else of_default}"


_VERSION = re.compile(r"v?(\d{1,4})\.(\d{1,4})\.(\d{1,4})")
_ALL_STATES = (1, 0, 2)
"""First release of DevLake that posts more than the end of a pipeline."""


def _note_on(version: str) -> str:
    match = _VERSION.match(version)
    release = tuple(map(int, match.groups())) if match else None
    if release == _ALL_STATES:
        return "; it posts FAILED when a pipeline that runs is cancelled"
    if release and release < _ALL_STATES:
        return "; it posts only how a pipeline ends, and what came before is inferred"
    return ""
