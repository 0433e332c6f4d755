"""The states of a pipeline, in DevLake's words and in ours.

https://github.com/apache/incubator-devlake/blob/main/backend/core/models/task.go
"""

from lakehook.domain.event import EventType

CREATED = "TASK_CREATED"

EVENT_TYPES = {
    CREATED: EventType.PIPELINE_CREATED,
    "TASK_RERUN": EventType.PIPELINE_CREATED,  # it waits again
    "TASK_RESUME": EventType.PIPELINE_CREATED,
    "TASK_RUNNING": EventType.PIPELINE_RUNNING,
    "TASK_COMPLETED": EventType.PIPELINE_COMPLETED,
    "TASK_FAILED": EventType.PIPELINE_FAILED,
    "TASK_CANCELLED": EventType.PIPELINE_CANCELLED,
    "TASK_PARTIAL": EventType.PIPELINE_PARTIAL,
}

STATUSES = {event_type: word for word, event_type in reversed(EVENT_TYPES.items())}
"""Of two words for one state, the first. What is not here, DevLake has no word for."""

GREATEST_ID = 2**64 - 1


def is_end(event_type: EventType) -> bool:
    return event_type not in {EventType.PIPELINE_CREATED, EventType.PIPELINE_RUNNING}
