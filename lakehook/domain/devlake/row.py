"""A pipeline as DevLake's REST API shows it, and the notice that DevLake would send of it now.

https://github.com/apache/incubator-devlake/blob/main/backend/core/models/pipeline.go
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from lakehook.domain.devlake.notice import read_notice
from lakehook.domain.devlake.rendering import go_json
from lakehook.domain.document import Document
from lakehook.domain.errors import BadNotice
from lakehook.domain.event import Event
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
        return cls(document["pipeline_id"], blueprint_id, changed_at, said)

    def event(self, project: str) -> Event:
        """What the ingress makes of the notice: the same id, so it is known if it came."""
        document = read_notice(go_json({"ProjectName": project, **self.said}).encode())
        return Event.from_document(document | {"trigger_source": self.trigger_source})

    @property
    def trigger_source(self) -> str:
        """Whether a blueprint was started by hand or by its schedule, DevLake does not store."""
        return f"blueprint:{self.blueprint_id}" if self.blueprint_id else "manual"
