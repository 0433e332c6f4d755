"""Record of one history: requests, writes, and the log of each lane line by line."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lakehook.domain.attempt import Response
from lakehook.domain.lane import DeliveryRecord
from lakehook.ports.outbound import NoResponse
from tests.fakes import NOON
from tests.simulation.faults import Invocation
from tests.simulation.runs import Report

EVERYONE = ""
"""Subject of a line that concerns all lanes."""


@dataclass(eq=False, slots=True)
class Post:
    """One request, as its receiver saw it. ``began`` and ``ended`` count what happened."""

    lane: str
    sequence: int
    id: str
    late: bool
    replayed: bool
    body: bytes
    event: Report
    sent_at: float  # when it left; it may have been long under way when it began here
    is_signed: bool = True
    began: int = 0
    ended: int | None = None  # the sender died in its midst
    began_at: float = 0.0
    ended_at: float = 0.0
    answered_at: float = 0.0  # when the sender had the answer
    answer: Response | NoResponse | None = None

    @property
    def answer_text(self) -> str:
        if self.answer is None:
            return "nothing"
        if isinstance(self.answer, Response):
            return self.answer.headers.get("webhook-delivery", str(self.answer.status))
        return str(self.answer.outcome)


@dataclass(slots=True)
class Entry:
    """One write of a delivery's record."""

    number: int
    at: float
    record: DeliveryRecord
    by: Invocation | None = None
    was_charged: bool = False  # the attempt it tells of spent some of the budget
    replayed: bool = False  # requeued by a replay


@dataclass(frozen=True, slots=True)
class Redriven:
    """One letter that went back to its lane."""

    number: int
    sequence: int
    attempts: str  # when it died; empty where it does not say


@dataclass
class LaneHistory:
    posts: list[Post] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    resumed_early: list[int] = field(default_factory=list)  # by a probe or an operator
    redrives: list[Redriven] = field(default_factory=list)


@dataclass
class History:
    """Log that the ports write while they run. Lines become text only when they are read."""

    lanes: defaultdict[str, LaneHistory] = field(default_factory=lambda: defaultdict(LaneHistory))
    lines: list[tuple[float, object, tuple[object, ...]]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    tainted: set[str] = field(default_factory=set)  # lanes and pipelines that a fault has touched
    surprises: list[str] = field(default_factory=list)  # errors that no one foresaw
    replays: dict[str, int] = field(default_factory=dict)  # what had happened when each began
    disabled: dict[str, float] = field(default_factory=dict)  # since when, until it is enabled
    breakers: defaultdict[str, list[tuple[float, bool]]] = field(
        default_factory=lambda: defaultdict(list)
    )  # when each opened, and closed
    pauses: defaultdict[str, list[tuple[float, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    happened: int = 0

    def log(self, at: float, subject: object, *words: object) -> None:
        """Add a line about a lane, a pipeline, or everyone."""
        self.happened += 1
        self.lines.append((at, subject, words))

    def began(self, post: Post, *, at: float) -> None:
        self.log(at, post.lane, "POST", post.sequence)
        post.began, post.began_at = self.happened, at
        self.lanes[post.lane].posts.append(post)
        self.counts["attempts"] += 1

    def ended(self, post: Post, *, at: float, answer: Response | NoResponse) -> None:
        post.answer = answer
        self.log(at, post.lane, "answer to", post.sequence, "is", post.answer_text)
        post.ended, post.ended_at, post.answered_at = self.happened, at, at

    def wrote(
        self,
        record: DeliveryRecord,
        *,
        at: float,
        by: Invocation | None,
        was_charged: bool = False,
        replayed: bool = False,
    ) -> None:
        lane = str(record.lane)
        self.log(at, lane, "recorded", Recorded(record))
        self.lanes[lane].entries.append(Entry(self.happened, at, record, by, was_charged, replayed))

    def leased(self, lane: object, *, at: float, early: bool) -> None:
        self.log(at, lane, "leased", "early" if early else "by the clock")
        if early:
            self.lanes[str(lane)].resumed_early.append(self.happened)

    def redriven(self, lane: str, body: str, attributes: Mapping[str, Any]) -> None:
        """Note a letter that went back to its lane, by the command or from the console."""
        attempts = attributes.get("attempts", {}).get("StringValue", "")
        redriven = Redriven(self.happened + 1, json.loads(body)["sequence"], attempts)
        self.lanes[lane].redrives.append(redriven)

    def report(self, lane: str) -> str:
        """Return the log of one lane."""
        return self.read({lane, lane.partition("#")[2], EVERYONE})

    def read(self, about: Iterable[str] | None = None) -> str:
        subjects = None if about is None else set(about)
        return "\n".join(
            f"{at - NOON:14.3f} s  {subject!s:12} {' '.join(map(_to_text, words))}"
            for at, subject, words in self.lines
            if subjects is None or str(subject) in subjects
        )


def _to_text(value: object) -> str:
    return str(round(value, 3) if isinstance(value, float) else value)


@dataclass(slots=True)
class KindOf:
    """Kind of a message, as the log has it."""

    body: str

    def __str__(self) -> str:
        return str(json.loads(self.body).get("kind"))


@dataclass(slots=True)
class Recorded:
    """Record of a delivery, as the log has it."""

    record: DeliveryRecord

    def __str__(self) -> str:
        record = self.record
        details = {
            "attempts": record.attempts,
            "announced": record.attempts_started,
            "for": record.reason,
            "by": record.replayed_by,
        }
        described = (f"{name} {value}" for name, value in details.items() if value)
        return " ".join((str(record.sequence), str(record.status), *described))
