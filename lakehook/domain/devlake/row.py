"""A pipeline as DevLake's REST API shows it, and the notice that DevLake would send of it now.

https://github.com/apache/incubator-devlake/blob/main/backend/core/models/pipeline.go
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from lakehook.domain.devlake.details import FAILED_TYPES, FIELDS, end_details, lasting_details
from lakehook.domain.devlake.notice import read_notice
from lakehook.domain.devlake.rendering import go_json
from lakehook.domain.devlake.status import is_end
from lakehook.domain.document import Document
from lakehook.domain.errors import BadNotice
from lakehook.domain.event import Event, EventType
from lakehook.domain.instant import instant

# In the order of DevLake's notice; its project comes before them.
_SAID_AS = {
    "PipelineID": "id",
    "CreatedAt": "createdAt",
    "UpdatedAt": "updatedAt",
    "BeganAt": "beganAt",
    "FinishedAt": "finishedAt",
    "Status": "status",
}
_TIMES = ("updated_at", "began_at", "timestamp")


@dataclass(frozen=True)
class Row:
    """Its project is not in it, but its blueprint is, and the project is the blueprint's."""

    id: int
    blueprint_id: int  # 0 for none
    changed_at: float  # unix seconds, the latest of all that it says
    said: Document
    shown: Document = field(default_factory=dict, repr=False)  # beside what a notice says

    @classmethod
    def read(cls, shown: Mapping[str, Any]) -> Self:
        """``BadNotice`` if DevLake could not have said this in a notice."""
        said = {name: shown.get(field) for name, field in _SAID_AS.items()}
        document = read_notice(go_json(said).encode())
        blueprint_id = shown.get("blueprintId")
        if type(blueprint_id) is not int or blueprint_id < 0:
            raise BadNotice("blueprintId: not 0 or more")
        times = (document[name] for name in _TIMES if name in document)
        changed_at = max(instant(time).timestamp() for time in times)
        beside = {name: shown[name] for name in FIELDS if name in shown}
        return cls(document["pipeline_id"], blueprint_id, changed_at, said, beside)

    @property
    def trigger_source(self) -> str:
        """Whether a blueprint was started by hand or by its schedule, DevLake does not store."""
        return f"blueprint:{self.blueprint_id}" if self.blueprint_id else "manual"

    @property
    def has_failed_tasks(self) -> bool:
        """Whether it is worth reading its tasks."""
        return self._notice()["event_type"] in FAILED_TYPES

    def event(
        self,
        project: str,
        *,
        source: str | None = None,
        tasks: Sequence[Mapping[str, Any]] = (),
    ) -> Event:
        """What the ingress makes of the notice: the same id, so it is known if it came."""
        notice = self._notice(project, source)
        return Event.with_details(notice, self.details(notice, tasks))

    def details(self, notice: Document, tasks: Sequence[Mapping[str, Any]] = ()) -> Document:
        """The fields that it adds to those of a notice.

        If it has moved on since the notice was sent, only what holds for every event.
        """
        fields = {"trigger_source": self.trigger_source, **lasting_details(self.shown)}
        if self.is_state_of(notice) and is_end(EventType(notice["event_type"])):
            fields |= end_details(self.shown, tasks)
            if "finished_at" not in notice:  # a restart has broken it off
                fields.pop("spent_seconds", None)
            if notice["event_type"] == EventType.PIPELINE_CANCELLED:  # it says no more than that
                fields = {n: fields[n] for n in fields if n not in {"message", "error_name"}}
        return fields

    def is_state_of(self, notice: Document) -> bool:
        """Whether a notice of its present state would say the same as this one."""
        own = self._notice()
        return all(own.get(name) == notice.get(name) for name in ("event_type", "began_at"))

    def _notice(self, project: str = "", source: str | None = None) -> Document:
        return read_notice(go_json({"ProjectName": project, **self.said}).encode(), source)
