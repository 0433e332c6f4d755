"""Receivers by temper: how each answers, and after how long."""

from dataclasses import dataclass
from email.utils import formatdate
from enum import StrEnum
from random import Random

from lakehook.domain.attempt import Outcome, Response
from lakehook.ports.outbound import NoResponse


class Temper(StrEnum):
    QUICK = "quick"
    SLOW = "slow"  # seconds, at times more than the sender waits
    DEAD = "dead"  # nobody listens
    FLAPPING = "flapping"  # minutes up, minutes down
    RECOVERING = "recovering"  # down, then up for good
    THROTTLING = "throttling"  # 429 or 500 and retry-after, at times
    LYING = "lying"  # takes what it says it did not take
    LEAVING = "leaving"  # 410, or the header that says as much, at times
    ABORTING = "aborting"  # wants no more of some messages
    POISONED = "poisoned"  # refuses one pipeline, takes the others
    SILENT = "silent"  # listens, and never answers


REFUSED = NoResponse(Outcome.REFUSED, "nobody listens")
DROPPED = NoResponse(Outcome.DISCONNECTED, "the connection broke")
TIMED_OUT = NoResponse(Outcome.TIMED_OUT, "no answer in time")
OK = Response(status=200, headers={}, body=b"")
SORRY = Response(status=500, headers={}, body=b"sorry")
GONE = Response(status=410, headers={}, body=b"")
LEAVE = Response(status=500, headers={"webhook-delivery": "disable"}, body=b"")
ABORT = Response(status=500, headers={"webhook-delivery": "abort-message"}, body=b"")

NEVER_SECONDS = 3600.0  # longer than any sender waits

Reaction = tuple[float, Response | NoResponse]
"""Seconds until the answer, and the answer."""


@dataclass
class SimulatedReceiver:
    temper: Temper
    random: Random
    begins_at: float
    recovers: bool = True
    is_calm: bool = False

    def react(self, now: float, pipeline: str) -> Reaction:
        if self.is_calm and self.recovers:
            return self._soon(OK)
        return _REACTIONS[self.temper](self, now - self.begins_at, pipeline)

    def _soon(self, answer: Response | NoResponse) -> Reaction:
        return self.random.uniform(0.01, 0.2), answer

    def _quick(self, _age: float, _pipeline: str) -> Reaction:
        return self._soon(OK)

    def _slow(self, _age: float, _pipeline: str) -> Reaction:
        return self.random.choice((0.5, 2.0, 5.0, 9.0, 30.0)), OK

    def _dead(self, _age: float, _pipeline: str) -> Reaction:
        return self._soon(REFUSED)

    def _flapping(self, age: float, _pipeline: str) -> Reaction:
        return self._soon(self.random.choice((SORRY, REFUSED)) if int(age / 90) % 2 else OK)

    def _recovering(self, age: float, _pipeline: str) -> Reaction:
        return self._soon(SORRY if age < 600 else OK)

    def _throttling(self, age: float, _pipeline: str) -> Reaction:
        if self.random.random() < 0.5:
            return self._soon(OK)
        seconds = self.random.choice((0, 1, 7, 90, 4000))
        date = formatdate(self.begins_at + age + seconds, usegmt=True)
        wish = self.random.choice((str(seconds), date))
        status = self.random.choice((429, 500))
        return self._soon(Response(status=status, headers={"retry-after": wish}, body=b""))

    def _lying(self, _age: float, _pipeline: str) -> Reaction:
        return self._soon(self.random.choice((SORRY, DROPPED, TIMED_OUT, OK)))

    def _leaving(self, _age: float, _pipeline: str) -> Reaction:
        return self._soon(OK if self.random.random() < 0.9 else self.random.choice((GONE, LEAVE)))

    def _aborting(self, _age: float, _pipeline: str) -> Reaction:
        return self._soon(self.random.choice((OK, SORRY, ABORT)))

    def _poisoned(self, _age: float, pipeline: str) -> Reaction:
        return self._soon(SORRY if pipeline == "1" else OK)

    def _silent(self, _age: float, _pipeline: str) -> Reaction:
        return NEVER_SECONDS, OK


@dataclass
class ScriptedReceiver:
    """Receiver that answers by a script, then always the same, after so many seconds each time."""

    script: list[Response | NoResponse]
    then: Response | NoResponse = OK
    seconds: float = 0.1
    is_calm: bool = False

    def react(self, now: float, pipeline: str) -> Reaction:
        return self.seconds, self.script.pop(0) if self.script else self.then


_REACTIONS = {
    Temper.QUICK: SimulatedReceiver._quick,
    Temper.SLOW: SimulatedReceiver._slow,
    Temper.DEAD: SimulatedReceiver._dead,
    Temper.FLAPPING: SimulatedReceiver._flapping,
    Temper.RECOVERING: SimulatedReceiver._recovering,
    Temper.THROTTLING: SimulatedReceiver._throttling,
    Temper.LYING: SimulatedReceiver._lying,
    Temper.LEAVING: SimulatedReceiver._leaving,
    Temper.ABORTING: SimulatedReceiver._aborting,
    Temper.POISONED: SimulatedReceiver._poisoned,
    Temper.SILENT: SimulatedReceiver._silent,
}
