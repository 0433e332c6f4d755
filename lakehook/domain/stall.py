"""A pipeline that stays in one state for longer than its project allows: when, and what is said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from lakehook.domain.document import Document, read_document
from lakehook.domain.duration import in_words, parse_duration
from lakehook.domain.errors import BadInput
from lakehook.domain.event import Event, EventType, event_id_of
from lakehook.domain.lifecycle import UNENDED, Stage
from lakehook.domain.pipeline import Pipeline
from lakehook.domain.rfc_3339 import rfc_3339

LONGEST_SECONDS = 365 * 24 * 3600.0
_PROJECTS = "projects"
_EXAMPLE = '{"created": "15m", "running": "24h", "projects": {"payments": {"running": "2h"}}}'

Limits = Mapping[Stage, float]  # in seconds


@dataclass(frozen=True)
class StallThresholds:
    limits: Limits = field(
        default_factory=lambda: {Stage.CREATED: 15 * 60.0, Stage.RUNNING: 24 * 3600.0}
    )
    projects: Mapping[str, Limits] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read JSON; what it does not say is as by default. ``BadInput`` says what is wrong."""
        try:
            said = read_document(text)
            projects = {name: _limits(one) for name, one in said.pop(_PROJECTS, {}).items()}
            return cls({**cls().limits, **_limits(said)}, projects)
        except (ValueError, TypeError, AttributeError, BadInput) as error:
            raise BadInput(f"stall thresholds: {error}; write {_EXAMPLE}") from None

    def shortest(self, stage: Stage) -> float:
        """No pipeline stalls sooner, whatever its project."""
        own = [limits[stage] for limits in self.projects.values() if stage in limits]
        return min([self.limits[stage], *own])

    def has_stalled(self, pipeline: Pipeline, *, now: float) -> bool:
        project = pipeline.label.project_name if pipeline.label else None
        limits = {**self.limits, **self.projects.get(project or "", {})}
        limit = limits.get(pipeline.round.stage)
        return limit is not None and now - _entered_at(pipeline) >= limit


def stall_of(pipeline: Pipeline, *, now: float) -> Event:
    """The event that tells it. Its id says round and state: each stall is told once."""
    label, round_ = pipeline.label, pipeline.round
    assert label, f"pipeline {pipeline.key} is watched, and nobody has told of it"
    seconds = int(now - _entered_at(pipeline))
    stall = EventType.PIPELINE_STALLED
    document = {
        "pipeline_id": label.pipeline_id,
        "source": label.source,
        "event_type": str(stall),
        "trigger_source": label.trigger_source,
        "timestamp": rfc_3339(now),
        "event_id": event_id_of(pipeline.key, stall, "round", round_.number, round_.stage),
        "project_name": label.project_name,
        "pipeline_name": label.pipeline_name,
        "pipeline_url": label.pipeline_url,
        "message": f"{round_.stage} for {in_words(seconds)}, and no change of state has been heard",
        "data": _data(pipeline, seconds),
    }
    said = {name: value for name, value in document.items() if value is not None}
    return Event.from_document(said)


def _data(pipeline: Pipeline, seconds: int) -> Document:
    return {
        "state": str(pipeline.round.stage),
        "since": rfc_3339(_entered_at(pipeline)),
        "seconds": seconds,
        "round": pipeline.round.number,
    }


def _limits(said: Mapping[str, Any]) -> Limits:
    if unknown := said.keys() - set(UNENDED):
        raise BadInput(f"{min(unknown)!a} is no state that stalls")
    return {
        Stage(name): parse_duration(str(value), what=name, longest=LONGEST_SECONDS)
        for name, value in said.items()
    }


def _entered_at(pipeline: Pipeline) -> float:
    assert pipeline.entered_at is not None, f"pipeline {pipeline.key} is watched, and in no state"
    return pipeline.entered_at
