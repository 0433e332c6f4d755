"""Values of a field are the same for the command, the HTTP API and a file of subscriptions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lakehook.domain.channels import CHANNELS, CHANNELS_BY_FORMAT
from lakehook.domain.event import EventType
from lakehook.domain.signing import SignatureAlgorithm
from lakehook.domain.subscription import Language, Ordering, Subscription
from tests.fakes_ops import FakeStack
from tests.terminal import Terminal
from tests.unit.test_api import ApiOverFakes

URLS = {
    "email": "mailto:me@team.example",
    "slack": "https://ci.example/services/T/B/x",
    "teams": "https://ci.example/workflows/1?sig=x",
    "wecom": "https://ci.example/cgi-bin/webhook/send?key=x",
}
PATTERN = {"project_name": [{"prefix": "lake-"}]}


@dataclass(frozen=True)
class Row:
    """A field, its value for the command, and the equal values for the API and in a file."""

    field: str
    option: str
    text: str
    values: Sequence[Any]
    channel: str = "webhook"


ROWS = [
    *(
        Row("retry_schedule", "--retry-schedule", text, values)
        for text, values in (
            ("5,300", ("5,300", [5, 300])),
            ("0.5, 7", ("0.5, 7", [0.5, 7.0])),
            ("5", ("5", 5, [5])),
            ("default", ("default", None)),
            ("5;300", ("5;300",)),
            ("-1", ("-1", [-1], -1)),
            ("", ("", [])),
            ("true", ("true", True, [True])),
            ("700000", ("700000", [700_000])),
        )
    ),
    *(
        Row("rate", "--rate", text, values)
        for text, values in (("20/m", ("20/m",)), ("none", ("none", None)), ("20/w", ("20/w",)))
    ),
    *(
        Row("deadline_seconds", "--deadline", text, values)
        for text, values in (
            ("5", (5, 5.0)),
            ("10", (10, None)),
            ("21", (21,)),
            ("soon", ("soon", True, [5])),
        )
    ),
    Row("pattern", "--pattern", json.dumps(PATTERN), (json.dumps(PATTERN), PATTERN)),
    Row("pattern", "--pattern", "[1]", ("[1]", [1])),
    Row("success_if", "--success-if", '{"code":[0]}', ('{"code":[0]}', {"code": [0]})),
    Row("success_if", "--success-if", "", ("", None)),
    Row("success_if", "--success-if", '{"code":0}', ('{"code":0}', {"code": 0}, [0])),
    Row("success_if", "--success-if", '{"ok":[true]}', ({"ok": [True]},), "slack"),
    *(Row("ordering", "--ordering", str(name), (str(name),)) for name in Ordering),
    Row("ordering", "--ordering", "strict", (None,)),
    Row("ordering", "--ordering", "loose", ("loose", "STRICT", 1)),
    Row("event_types", "--event-type", " ".join(EventType), (list(map(str, EventType)),)),
    Row("event_types", "--event-type", "PING", (["PING"], "PIPELINE_FAILED")),
    *(Row("language", "--language", str(name), (str(name),), "email") for name in Language),
    Row("language", "--language", "fr", ("fr", "EN"), "email"),
    Row("time_zone", "--time-zone", "Asia/Shanghai", ("Asia/Shanghai",), "email"),
    Row("time_zone", "--time-zone", "", ("", None), "slack"),
    Row(
        "time_zone",
        "--time-zone",
        "Asia/Peking",
        ("Asia/Peking", "../UTC", "right/UTC", 8),
        "email",
    ),
    Row("time_zone", "--time-zone", "UTC", ("UTC",)),
    *(Row("channel", "--channel", name, (name,), name) for name in CHANNELS),
    Row("channel", "--channel", "fax", ("fax", "Slack")),
    *(Row("format", "--format", name, (name,)) for name in CHANNELS_BY_FORMAT),
    Row("format", "--format", "xml", ("xml",)),
    *(Row("signing", "--signing", str(name), (str(name),)) for name in SignatureAlgorithm),
    Row("signing", "--signing", "rsa", ("rsa",)),
    Row(
        "template_subject", "--template-subject", "{{ event_type }}", ("{{ event_type }}",), "email"
    ),
    Row("template_headers", "--template-header", "x-a: {{ event_id }}", (["x-a: {{ event_id }}"],)),
    Row("template_headers", "--template-header", "host: x", (["host: x"], "x-a: 1")),
    Row("name", "--name", "湖", ("湖",)),
    Row("name", "--name", " ci", (" ci", "", 5)),
    Row("url", "--url", "http://ci.example/", ("http://ci.example/", "ci.example", 5)),
]


def base(row: Row) -> dict[str, Any]:
    channel = {} if row.field in ("channel", "format") else {"channel": row.channel}
    return {"name": "ci", "url": URLS.get(row.channel, "https://ci.example/"), **channel}


def stored(stack: FakeStack) -> Subscription | None:
    """The stored subscription, if any."""
    subscriptions = stack.subscriptions.all()
    return subscriptions[0] if subscriptions else None


def view_of(subscription: Subscription | None) -> Any:
    if subscription is None:
        return None
    names = ("name", "endpoint", "channel", "language", "event_types", "pattern", "ordering")
    other_names = (
        "success_if",
        "deadline_seconds",
        "retry_schedule",
        "rate",
        "template",
        "signing",
    )
    values = {name: getattr(subscription, name) for name in (*names, *other_names, "time_zone")}
    return values | {"pattern": json.loads(subscription.pattern or "null")}


def by_command(row: Row, capsys: pytest.CaptureFixture[str]) -> Any:
    arguments = row.text.split() if row.field == "event_types" else [row.text]
    options = [(f"--{name}", text) for name, text in base(row).items() if name != row.field]
    stack = FakeStack()
    arguments = [
        f"{name}={text}" for name, text in (*options, *((row.option, value) for value in arguments))
    ]
    code = Terminal(stack, capsys)("subscriptions", "add", *arguments)
    assert code in (0, 2)
    return view_of(stored(stack))


@pytest.fixture(scope="module")
def api() -> ApiOverFakes:
    """An API for all rows: to make it takes longer than to call it."""
    return ApiOverFakes()


def by_api(row: Row, value: Any, api: ApiOverFakes) -> Any:
    api.stack.subscriptions.by_id.clear()
    answer = api.call("POST", "/subscriptions", base(row) | {row.field: value})
    assert answer.status in (201, 422)
    return view_of(stored(api.stack))


def by_file(row: Row, value: Any, folder: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    entry = base(row) | {row.field: value}
    if CHANNELS[row.channel].signature_scheme.is_url_credential:  # the URL is the credential
        (folder / "url").write_text(entry["url"])
        entry["url"] = {"file": "url"}
    file = folder / "s.yaml"
    file.write_text(json.dumps({"subscriptions": [entry]}))
    stack = FakeStack()
    code = Terminal(stack, capsys)("subscriptions", "apply", "--file", str(file))
    assert code in (0, 2)
    return view_of(stored(stack))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.field}={row.text[:20]}")
def test_a_value_is_the_same_for_every_interface(
    row: Row, api: ApiOverFakes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    expected = by_command(row, capsys)

    for value in row.values:
        assert by_api(row, value, api) == expected, ("API", value)
        assert by_file(row, value, tmp_path, capsys) == expected, ("file", value)
