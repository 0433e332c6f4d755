"""Night on call: the status says who fails, why, and which command to type; the commands work."""

import shlex
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lakehook.domain.event import Event
from lakehook.domain.json_document import to_json
from local.receiver import OK, Arrival, Receiver
from tests.e2e.conftest import STALLING, Publish, SendBody
from tests.e2e.pipelines import COMPLETED, CREATED, pipeline_events
from tests.e2e.subscribers import Subscribers
from tests.e2e.terminal import Terminal
from tests.integration.eventually import eventually

PIPELINES = 6
OFTEN = ("--retry-schedule", ",".join(["1"] * 40))
FAILING = """\
{% if project_name != 'nobody' %}
{"pipeline_id": {{ pipeline_id | json }}, "sequence": {{ sequence | json }}}
{% endif %}
"""
HEALTH = {
    "dead": "down",
    "secure": "down",
    "gone": "disabled",
    "slow": "slow",
    "tmpl": "ok",
    "healthy": "ok",
}


class Answering:
    """Behaviour of a receiver: the same answer to all, until it recovers."""

    def __init__(self, status: int = OK, *, only_of: str = "", seconds: float = 0.0) -> None:
        self.status, self.only_of, self.seconds = status, only_of, seconds

    def __call__(self, arrival: Arrival) -> int:
        time.sleep(self.seconds)
        return self.status if self.only_of in ("", arrival.pipeline) else OK

    def recover(self) -> None:
        self.status, self.seconds = OK, 0.0


class Night:
    """Six subscribers in trouble and one that is well, a pipeline that stalls, and a bad event."""

    def __init__(
        self,
        subscribers: Subscribers,
        publish: Publish,
        send_body: SendBody,
        terminal: Terminal,
        template: Path,
    ) -> None:
        self.publish, self.terminal = publish, terminal
        self.poisoned, self.stalled = created(), created(project_name=STALLING)
        self.bad, self._corrected_file = created(), template.with_name("event.json")
        self.behaviours = {
            "dead": Answering(503),
            "secure": Answering(401),
            "gone": Answering(410),
            "slow": Answering(seconds=6.0),
            "audit": Answering(500, only_of=self.poisoned.pipeline_key),
            "tmpl": Answering(),
            "healthy": Answering(),
        }
        self.receivers = {
            name: Receiver(name, behaviour) for name, behaviour in self.behaviours.items()
        }
        template.write_text(FAILING, encoding="utf-8")
        options = {"dead": OFTEN, "secure": OFTEN, "tmpl": ("--template", str(template))}
        for name, receiver in self.receivers.items():
            subscribers.add(receiver, *options.get(name, ()))
        nobody = created(project_name="nobody")
        healthy_pipelines = [created() for _ in range(PIPELINES - 3)]
        publish([self.poisoned, self.stalled, nobody, *healthy_pipelines])
        send_body(
            self.bad.pipeline_id, to_json({**self.bad.document, "event_type": "PIPELINE_DONE"})
        )

    def status(self) -> Any:
        return self.terminal.json("status", code=None)

    def rows(self) -> Mapping[str, Any]:
        return {row["name"]: row for row in self.status()["subscribers"]}

    def has_come(self) -> bool:
        status = self.status()
        rows = {row["name"]: row for row in status["subscribers"]}
        return (
            # audit's is left open: a neighbour's success after the failures makes it ok again
            all(rows[name]["health"] == health for name, health in HEALTH.items())
            and [rows[name]["dead_letters"] for name in ("audit", "tmpl")] == [1, 1]
            and self.stalled.pipeline_id in _stalled(status)
            and status["parked"]
        )

    def type(self, row: Any, verb: str) -> Any:
        """Type the line that the status says, as it stands."""
        (line,) = [line for line in row["commands"] if verb in line]
        return self.terminal.json(*shlex.split(line)[1:])

    def send_corrected(self, id_: str) -> None:
        self._corrected_file.write_text(to_json(self.bad.document), encoding="utf-8")
        send_command = ("events", "parked", "send", id_, "--file", str(self._corrected_file))
        assert self.terminal(*send_command) == 0, self.terminal.stderr

    def is_over(self) -> bool:
        arrived = {
            len({event.id for event in receiver.taken}) for receiver in self.receivers.values()
        }
        status = self.status()
        return (
            arrived == {PIPELINES + 3}  # the stall, its end, and the corrected event
            and not any(row["needs_person"] for row in status["subscribers"])
            and self.stalled.pipeline_id not in _stalled(status)
        )


def _stalled(status: Any) -> list[str]:
    """Other tests may have left some."""
    return [pipeline["pipeline_id"] for pipeline in status["stalled_pipelines"]]


def created(**fields: Any) -> Event:
    (event,) = pipeline_events(CREATED)
    return Event.from_document({**event.document, **fields})


@pytest.fixture
def night(
    subscribers: Subscribers,
    publish: Publish,
    send_body: SendBody,
    terminal: Terminal,
    tmp_path: Path,
) -> Iterator[Night]:
    night = Night(subscribers, publish, send_body, terminal, tmp_path / "body.liquid")
    eventually(night.has_come, what=lambda: str(night.status()))
    yield night
    for behaviour in night.behaviours.values():
        behaviour.recover()


def test_one_status_explains_every_subscriber_and_its_commands_fix_them(night: Night) -> None:
    rows = night.rows()

    assert night.terminal("status") == 6
    assert rows["dead"]["last_answer"].startswith("503")
    assert rows["secure"]["last_answer"].startswith("401")
    assert rows["gone"]["disabled_reason"]
    assert rows["slow"]["average_ms"] > 2000
    assert rows["audit"]["last_answer"].startswith("500")
    assert "its output is empty" in rows["tmpl"]["last_answer"]
    (parked,) = [
        event
        for event in night.terminal.json("events", "parked", "list")
        if event["pipeline"] == night.bad.pipeline_id
    ]
    assert "PIPELINE_DONE" in parked["reason"]

    for behaviour in night.behaviours.values():
        behaviour.recover()
    night.receivers["secure"].secret = night.type(rows["secure"], "rotate-secret")["secret"]
    night.type(rows["gone"], "enable")
    night.type(rows["audit"], "redrive")
    assert night.terminal("subscriptions", "update", "tmpl", "--no-template") == 0
    night.type(rows["tmpl"], "redrive")
    night.send_corrected(parked["id"])
    night.publish([Event.from_document({**night.stalled.document, "event_type": str(COMPLETED)})])

    eventually(night.is_over, what=lambda: str(night.status()))
