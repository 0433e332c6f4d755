"""The port to DevLake's REST API, over the same rows without a network."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from lakehook.domain.devlake.sources import ApiAddress
from lakehook.domain.errors import DevlakeUnavailable
from lakehook.domain.json_document import Document
from tests.devlake.rest import NOT_FOUND, OK, RestApi
from tests.devlake.rows import Row, Tables, a_blueprint


@dataclass
class FakeDevlake:
    """``tables`` are what a test fills, or those of a whole ``DevLake``."""

    tables: Tables = field(default_factory=Tables)
    page_size: int = 50
    away: bool = False
    reached: list[ApiAddress] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rest = RestApi(self.tables)

    @property
    def pipelines(self) -> list[Row]:
        return list(self.tables.pipelines.values())

    @pipelines.setter
    def pipelines(self, rows: Iterable[Row]) -> None:
        self.tables.pipelines = {row["id"]: row for row in rows}

    @property
    def projects(self) -> dict[int, str]:
        """Return the projects by the id of their blueprint."""
        return {number: row["projectName"] for number, row in self.tables.blueprints.items()}

    @projects.setter
    def projects(self, names: Mapping[int, str]) -> None:
        self.tables.blueprints = {
            number: a_blueprint(number, name) for number, name in names.items()
        }

    @property
    def tasks(self) -> dict[int, list[Row]]:
        """Return the tasks by pipeline."""
        rows = self.tables.tasks.values()
        return {n: self.tables.tasks_of(n) for n in {row["pipelineId"] for row in rows}}

    @tasks.setter
    def tasks(self, rows: Mapping[int, Iterable[Row]]) -> None:
        self.tables.tasks = {
            row["id"]: row | {"pipelineId": number} for number in rows for row in rows[number]
        }

    def reach(self, address: ApiAddress) -> Self:
        self.reached.append(address)
        return self

    def page(self, number: int, *, status: str = "") -> Sequence[Document]:
        query = f"page={number}&pageSize={self.page_size}&status={status}"
        listed: Sequence[Document] = self._get(f"/pipelines?{query}")["pipelines"]
        return listed

    def pipeline(self, pipeline_id: int) -> Document | None:
        return self._find(f"/pipelines/{pipeline_id}")

    def tasks_of(self, pipeline_id: int) -> Sequence[Document]:
        return self._get(f"/pipelines/{pipeline_id}/tasks")["tasks"] or ()

    def project_of(self, blueprint_id: int) -> str:
        blueprint = self._find(f"/blueprints/{blueprint_id}")
        return blueprint["projectName"] if blueprint else ""

    def version(self) -> str:
        return str(self._get("/version")["version"])

    @property
    def pages_read(self) -> int:
        return sum(target.startswith("/pipelines?") for target in self.rest.targets)

    @property
    def pipelines_asked(self) -> list[int]:
        """Return the pipelines that were requested by id."""
        ids = (target.partition("/pipelines/")[2] for target in self.rest.targets)
        return [int(number) for number in ids if number.isdecimal()]

    @property
    def projects_asked(self) -> list[int]:
        """Return the blueprints that were requested."""
        ids = (target.partition("/blueprints/")[2] for target in self.rest.targets)
        return [int(number) for number in ids if number]

    @property
    def tasks_asked(self) -> list[int]:
        """The pipelines whose tasks were asked for."""
        paths = [target.split("/") for target in self.rest.targets if target.endswith("/tasks")]
        return [int(path[-2]) for path in paths]

    def _find(self, target: str) -> Document | None:
        answer = self._answer(target)
        return None if answer[0] == NOT_FOUND else answer[1]

    def _get(self, target: str) -> Document:
        status, document = self._answer(target)
        assert status == OK, f"{target}: {status} {document}"
        return document

    def _answer(self, target: str) -> tuple[int, Any]:
        if self.away:
            raise DevlakeUnavailable("DevLake is unavailable: no connection")
        response = self.rest.answer(target)
        return response.status, json.loads(response.body)


@dataclass
class FakeApiCredentials:
    """Fake of stored credentials, which are read again when ``fresh``."""

    stored: Mapping[str, str] = field(default_factory=dict)
    read_fresh: int = 0
    _cached: Mapping[str, str] | None = None

    def headers(self, *, fresh: bool = False) -> Mapping[str, str]:
        self.read_fresh += fresh
        if fresh or self._cached is None:
            self._cached = self.stored
        return self._cached
