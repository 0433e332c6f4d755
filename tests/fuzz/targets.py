"""Targets of fuzzing: input of strangers, and what must hold for any of it.

A target fails by an exception that its reader does not foresee, or where two readings disagree.
"""

import io
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from math import inf
from typing import Any

import h11
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from lakehook.adapters.devlake.rest import ApiResponse, RestDevLake
from lakehook.adapters.http.response import RequestDeadline, ResponseTooLarge, StrictHTTPResponse
from lakehook.adapters.liquid import LiquidRenderer
from lakehook.domain.devlake.notification import PipelineRow, parse_notification
from lakehook.domain.errors import InvalidInput, LakehookError, TemplateFailed
from lakehook.domain.event import Event, EventType
from lakehook.domain.event_pattern import PatternExhausted, compile_pattern
from lakehook.domain.sample import fields_of_sample
from lakehook.domain.template import MAX_RENDERED_BYTES, Template

MAX_BODY = 1000


class Wire:
    """A socket with these bytes, and then the end of the connection."""

    def __init__(self, wire: bytes) -> None:
        self._wire = wire

    def makefile(self, *_args: Any, **_options: Any) -> io.BytesIO:
        return io.BytesIO(self._wire)

    def settimeout(self, _seconds: float) -> None:
        """Never block."""


def http_answer(wire: bytes) -> None:
    """Check that two parsers that accept an answer read the same status and body.

    What has a length or chunks, and is taken for whole here, is not refused by the other.
    """
    response = StrictHTTPResponse(
        Wire(wire),  # type: ignore[arg-type]
        RequestDeadline((), ends_at=inf),
        method="POST",
    )
    try:
        response.begin()
        body = response.read_up_to(MAX_BODY)
    except (HTTPException, OSError, ResponseTooLarge):
        return
    finally:
        response.close()
    if response.is_whole and len(body) < MAX_BODY and not response.will_close:
        assert (response.status, body) == read_by_h11(wire), wire


def read_by_h11(wire: bytes) -> tuple[int, bytes] | None:
    """Parse the same bytes by another parser: status and body, or None if it refuses."""
    connection, status, body = h11.Connection(h11.CLIENT), 0, b""
    connection.send(h11.Request(method="POST", target="/", headers=[("host", "x")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(wire)
    try:
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif event in (h11.NEED_DATA, h11.PAUSED):
                return None
    except h11.RemoteProtocolError:
        return None
    return status, body


def event_message(text: str) -> None:
    """Check that an accepted event is restored from storage as it was."""
    with suppress(InvalidInput):
        event = Event.from_message(text, group=_group_of(text))
        restored = Event.restored(event.id, json.loads(event.as_ascii))
        assert (restored.as_ascii, restored.pipeline_key) == (event.as_ascii, event.pipeline_key)


def _group_of(text: str) -> str:
    try:
        document = json.loads(text)
        source, pipeline = document.get("source"), str(document["pipeline_id"])
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError):
        return "39"
    return f"{source}/{pipeline}" if source else pipeline


def event_pattern(text: str) -> None:
    """Check that an accepted pattern decides, or is exhausted."""
    with suppress(InvalidInput, PatternExhausted):
        assert compile_pattern(text)(fields_of_sample(EventType.PIPELINE_FAILED)) in (True, False)


def liquid_template(text: str) -> None:
    """Check that an accepted template renders within its bound, or fails as a template."""
    renderer, template = LiquidRenderer(), Template(body=text, headers=(("x-a", text),))
    with suppress(InvalidInput, TemplateFailed):
        renderer.validate(template)
        rendered = renderer.render(template, fields_of_sample(EventType.PIPELINE_FAILED))
        assert len((rendered.body or "").encode()) <= MAX_RENDERED_BYTES
        assert all(value.isascii() and value.isprintable() for _, value in rendered.headers)


def devlake_notice(body: bytes) -> None:
    """Check that an accepted notification is an event, of a pipeline or with a task."""
    with suppress(InvalidInput):
        event = Event.from_document(parse_notification(body))
        assert event.type.is_of_pipeline or "task" in event.document


def devlake_answer(body: bytes) -> None:
    """Check that any answer of DevLake's API is read, or refused by its error."""
    api = RestDevLake(lambda _target: ApiResponse(200, body))
    calls: list[Callable[[], object]] = [
        api.version,
        lambda: api.project_of(1),
        lambda: api.tasks_of(1),
        lambda: list(map(PipelineRow.parse, api.page(1))),
    ]
    for call in calls:
        with suppress(LakehookError):
            call()


# --- inputs: the pieces of which each language is made, in any order, and whatever else ---


def _joined(*pieces: str) -> SearchStrategy[str]:
    return st.lists(st.sampled_from(pieces) | st.text(max_size=3), max_size=30).map("".join)


_JSON: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def _object(*names: str, values: SearchStrategy[Any] = _JSON) -> SearchStrategy[dict[str, Any]]:
    """Build documents of some fields that are read, with wrong values, too."""
    return st.dictionaries(st.sampled_from(names), values, max_size=len(names))


def _texts(document: SearchStrategy[Any]) -> SearchStrategy[str]:
    return document.map(json.dumps) | _joined("{", "}", "[", "]", '"', ":", ",", "1e9", "null")


_TIMES = st.sampled_from(("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.1+08:00", "0001-01-01"))
_TYPES = st.sampled_from(("PIPELINE_CREATED", "TASK_FAILED", "TASK_RUNNING", "PIPELINE_STALLED"))
_FIELDS = _JSON | _TIMES | _TYPES | st.sampled_from((39, "39", "manual", "blueprint:1"))
_EVENT = _object(
    "pipeline_id",
    "event_type",
    "trigger_source",
    "timestamp",
    "event_id",
    "source",
    "task",
    "data",
    "began_at",
    values=_FIELDS,
) | st.fixed_dictionaries(
    {
        "pipeline_id": st.just(39) | _JSON,
        "event_type": _TYPES,
        "trigger_source": st.just("manual") | _JSON,
        "timestamp": _TIMES | _JSON,
    },
    optional={"event_id": _JSON, "task": _JSON, "data": _JSON, "project_name": _JSON},
)
_NOTICE = st.fixed_dictionaries(
    {"PipelineID": st.just(39) | _JSON, "Status": st.just("TASK_COMPLETED") | _JSON},
    optional=dict.fromkeys(
        ("ProjectName", "CreatedAt", "UpdatedAt", "BeganAt", "FinishedAt", "TaskID"),
        _TIMES | _JSON,
    ),
)
_ROW = _object(
    "id",
    "status",
    "createdAt",
    "beganAt",
    "finishedAt",
    "projectName",
    "pipelineId",
    values=_FIELDS,
)
_API = _object("pipelines", "tasks", "id", "projectName", "version", "count") | st.builds(
    dict,
    pipelines=st.lists(_ROW, max_size=2),
    tasks=st.lists(_ROW, max_size=2),
    id=st.just(1) | _JSON,
    projectName=_JSON,
    version=_JSON,
)
_OPERATORS = ("prefix", "suffix", "anything-but", "numeric", "exists", "wildcard", "cidr", "$or")
_PATTERN: SearchStrategy[Any] = st.recursive(
    st.lists(_JSON | _object(*_OPERATORS), max_size=3),
    lambda inner: _object("pipeline_id", "event_type", "data", "$or", values=inner),
    max_leaves=6,
)
_LIQUID = (
    "{{",
    "}}",
    "{%",
    "%}",
    " event_type ",
    " | upcase",
    " | split: ''",
    "for a in b",
    "endfor",
)
_LIQUID_TOO = (
    "if ",
    "endif",
    "assign a = ",
    "1..99999",
    "'",
    "\x00",
    "ü",
    "capture a",
    "endcapture",
)
_HEAD = (
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 100 Go\r\n\r\n",
    "HTTP/1.1 2_0 x\r\n",
    "HTTP/1.1 +200 x\r\n",
    "transfer-encoding: chunked\r\n",
    "transfer-encoding: chunked \r\n",
    "Transfer-Encoding: identity\r\n",
    "content-length: 5\r\n",
    "content-length: 0_5\r\n",
    "connection: close\r\n",
    "\r\n",
)
_BODY = (
    "5\r\nhello\r\n",
    "0\r\n\r\n",
    "-1\r\n",
    "0_2\r\nab\r\n",
    "0x2\r\n",
    "hello",
    "2;a=b\r\nab\r\n",
)
_CHUNKED = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Target:
    check: Callable[[Any], None]
    inputs: SearchStrategy[Any]


TARGETS = (
    Target(
        http_answer,
        st.builds(
            lambda *parts: "".join(parts).encode("latin-1", "replace"),
            _joined(*_HEAD),
            _joined(*_BODY),
        )
        | _joined(*_BODY).map(lambda body: (_CHUNKED + body).encode("latin-1", "replace")),
    ),
    Target(event_message, _texts(_EVENT)),
    Target(event_pattern, _texts(_PATTERN)),
    Target(liquid_template, _joined(*_LIQUID, *_LIQUID_TOO)),
    Target(devlake_notice, _texts(_NOTICE).map(str.encode) | st.binary(max_size=40)),
    Target(devlake_answer, _texts(_API).map(str.encode) | st.binary(max_size=40)),
)
