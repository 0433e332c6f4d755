"""Scenario of the demonstration: pipelines' states, as DevLake would notify them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from lakehook.domain.event import Event, EventType

CREATED, RUNNING = EventType.PIPELINE_CREATED, EventType.PIPELINE_RUNNING
COMPLETED, FAILED = EventType.PIPELINE_COMPLETED, EventType.PIPELINE_FAILED
PARTIAL, CANCELLED = EventType.PIPELINE_PARTIAL, EventType.PIPELINE_CANCELLED

FIRST_PIPELINE = 101
TOGETHER = 3  # pipelines whose steps happen at the same time
_LIVES = (
    ("payments", "blueprint:7", (CREATED, RUNNING, COMPLETED)),
    ("checkout", "blueprint:7", (CREATED, RUNNING, FAILED)),
    ("search", "manual", (CREATED, RUNNING, COMPLETED)),
    ("数据湖", "automatic", (CREATED, RUNNING, PARTIAL)),
    ("mobile", "blueprint:9", (CREATED, CANCELLED)),
    ("web", "automatic", (CREATED, RUNNING, COMPLETED)),
    ("ledger", "blueprint:9", (CREATED, RUNNING, CANCELLED)),
    ("docs", "manual", (CREATED, RUNNING, COMPLETED)),
    ("infra", "blueprint:11", (CREATED, RUNNING, FAILED)),
    ("billing", "automatic", (CREATED, RUNNING, COMPLETED)),
    ("fraud", "blueprint:11", (CREATED, RUNNING, PARTIAL)),
    ("reports", "manual", (CREATED, RUNNING, COMPLETED)),
)


@dataclass(frozen=True)
class DemoPipeline:
    id: int
    project: str
    trigger: str
    life: tuple[EventType, ...]

    def event(self, event_type: EventType, *, at: float) -> Event:
        return Event.from_document(
            {
                "pipeline_id": self.id,
                "event_type": str(event_type),
                "trigger_source": self.trigger,
                "timestamp": datetime.fromtimestamp(at, UTC).isoformat(),
                "project_name": self.project,
            }
        )


DEMO_PIPELINES = tuple(
    DemoPipeline(FIRST_PIPELINE + index, *life) for index, life in enumerate(_LIVES)
)


def moments() -> Iterator[list[tuple[DemoPipeline, EventType]]]:
    """Yield the steps of all pipelines, some at the same time, each pipeline's own in order."""
    groups = [DEMO_PIPELINES[start::4] for start in range(len(DEMO_PIPELINES) // TOGETHER)]
    for step in range(max(len(pipeline.life) for pipeline in DEMO_PIPELINES)):
        for group in groups:
            yield [
                (pipeline, pipeline.life[step]) for pipeline in group if step < len(pipeline.life)
            ]
