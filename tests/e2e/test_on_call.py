"""At 3 am: one look says who is in trouble, why, and what to type; what is typed mends it."""

import shlex
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lakehook.domain.event import Event
from local.receiver import OK, Arrival, Receiver
from tests.e2e.conftest import STALLING, Publish
from tests.e2e.pipelines import COMPLETED, CREATED, a_life
from tests.e2e.subscribers import Subscribers
from tests.e2e.terminal import Terminal
from tests.integration.eventually import eventually

PATIENCE = 60.0
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
    "audit": "failing",
    "tmpl": "ok",
    "healthy": "ok",
}


class Answering:
    """A receiver's behaviour: the same answer to all, until it is mended."""

    def __init__(self, status: int = OK, *, only_of: str = "", seconds: float = 0.0) -> None:
        self.status, self.only_of, self.seconds = status, only_of, seconds

    def __call__(self, arrival: Arrival) -> int:
        time.sleep(self.seconds)
        return self.status if self.only_of in ("", arrival.pipeline) else OK

    def mend(self) -> None:
        self.status, self.seconds = OK, 0.0


class Night:
    """Seven subscribers, of which six are in trouble, and a pipeline that stalls."""

    def __init__(
        self, subscribers: Subscribers, publish: Publish, terminal: Terminal, template: Path
    ) -> None:
        self._subscribers, self.publish, self.terminal = subscribers, publish, terminal
        self.poisoned, self.stalled = created(), created(project_name=STALLING)
        self.behaviours = {
            "dead": Answering(503),
            "secure": Answering(401),
            "gone": Answering(410),
            "slow": Answering(seconds=6.0),
            "audit": Answering(500, only_of=self.poisoned.pipeline_key),
            "tmpl": Answering(),
            "healthy": Answering(),
        }
        self.receivers = {name: Receiver(name, told) for name, told in self.behaviours.items()}
        template.write_text(FAILING, encoding="utf-8")
        options = {"dead": OFTEN, "secure": OFTEN, "tmpl": ("--template", str(template))}
        for name, receiver in self.receivers.items():
            subscribers.add(receiver, *options.get(name, ()))
        nobody = created(project_name="nobody")
        others = [created() for _ in range(PIPELINES - 3)]
        publish([self.poisoned, self.stalled, nobody, *others])

    def status(self) -> Any:
        return self.terminal.json("status", code=None)

    def rows(self) -> Mapping[str, Any]:
        return {row["name"]: row for row in self.status()["subscribers"]}

    def has_come(self) -> bool:
        status = self.status()
        rows = {row["name"]: row for row in status["subscribers"]}
        return (
            {name: row["health"] for name, row in rows.items()} == HEALTH
            and [rows[name]["dead_letters"] for name in ("audit", "tmpl")] == [1, 1]
            and status["stalled"] == 1
        )

    def type(self, row: Any, verb: str) -> Any:
        """Type the line that the status says, as it stands."""
        (line,) = [line for line in row["commands"] if verb in line]
        return self.terminal.json(*shlex.split(line)[1:])

    def is_over(self) -> bool:
        arrived = {len({one.id for one in told.taken}) for told in self.receivers.values()}
        return arrived == {PIPELINES + 2} and self.terminal("status") == 0  # stalled, and its end


def created(**fields: Any) -> Event:
    (event,) = a_life(CREATED)
    return Event.from_document({**event.document, **fields})


@pytest.fixture
def night(
    subscribers: Subscribers, publish: Publish, terminal: Terminal, tmp_path: Path
) -> Iterator[Night]:
    night = Night(subscribers, publish, terminal, tmp_path / "body.liquid")
    eventually(night.has_come, within_seconds=PATIENCE, what=lambda: str(night.status()))
    yield night
    for behaviour in night.behaviours.values():
        behaviour.mend()


def test_one_status_answers_for_every_subscriber_and_its_lines_mend_them(night: Night) -> None:
    rows, status = night.rows(), night.status()

    assert night.terminal("status") == 6
    assert rows["dead"]["last_answer"].startswith("503")
    assert rows["secure"]["last_answer"].startswith("401")
    assert rows["gone"]["disabled_reason"]
    assert rows["slow"]["average_ms"] > 2000
    assert rows["audit"]["last_answer"].startswith("500")
    assert "its output is empty" in rows["tmpl"]["last_answer"]
    assert [one["pipeline_id"] for one in status["stalled_pipelines"]] == [
        night.stalled.pipeline_id
    ]

    for behaviour in night.behaviours.values():
        behaviour.mend()
    night.receivers["secure"].secret = night.type(rows["secure"], "rotate-secret")["secret"]
    night.type(rows["gone"], "enable")
    night.type(rows["audit"], "redrive")
    assert night.terminal("subscriptions", "update", "tmpl", "--no-template") == 0
    night.type(rows["tmpl"], "redrive")
    night.publish([Event.from_document({**night.stalled.document, "event_type": str(COMPLETED)})])

    eventually(night.is_over, within_seconds=PATIENCE, what=lambda: str(night.status()))
