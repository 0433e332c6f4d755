"""DevLake's own REST API, asked for the one thing that its notices leave out.

https://github.com/apache/incubator-devlake/blob/main/backend/server/api/pipelines/pipelines.go
"""

import json
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as WaitedTooLong
from dataclasses import dataclass, field

from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

from lakehook.ports.ingress import Now

QUIET_FOR_SECONDS = 30.0
"""After a failure nobody asks: DevLake waits for us meanwhile, and its pipelines for it."""

MOST_KNOWN = 1000
MOST_BYTES = 4 * 1024 * 1024  # the plan of a pipeline comes along
OK, NOT_FOUND = 200, 404


class NotYet(Exception):
    """DevLake may tell of a pipeline before it has committed it."""


@dataclass
class DevlakeApi:
    """Never fatal and never longer than its deadline, names too: that is why it has a thread."""

    url: str
    now: Now
    deadline_seconds: float = 1.0
    _known: OrderedDict[int, int | None] = field(default_factory=OrderedDict)
    _quiet_until: float = float("-inf")
    _http: PoolManager = field(default_factory=PoolManager)
    _worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "devlake"))

    def of_pipeline(self, pipeline_id: int) -> int | None:
        if pipeline_id not in self._known and self.now() >= self._quiet_until:
            self._look_up(pipeline_id)
        return self._known.get(pipeline_id)

    def close(self) -> None:
        """Return when nothing is under way any more."""
        self._worker.shutdown(cancel_futures=True)
        self._http.clear()

    def _look_up(self, pipeline_id: int) -> None:
        asking = self._worker.submit(self._ask, pipeline_id)
        try:
            self._remember(pipeline_id, asking.result(self.deadline_seconds))
        except NotYet:
            return
        except (WaitedTooLong, HTTPError, OSError, ValueError):
            asking.cancel()
            self._quiet_until = self.now() + QUIET_FOR_SECONDS

    def _ask(self, pipeline_id: int) -> int | None:
        """The blueprint's id; 0 stands for none. ``ValueError`` for what is no such answer."""
        with self._http.request(
            "GET",
            f"{self.url.rstrip('/')}/pipelines/{pipeline_id}",
            timeout=self.deadline_seconds,
            retries=False,  # nor redirects
            preload_content=False,
        ) as response:
            if response.status == NOT_FOUND:
                raise NotYet
            if response.status != OK:
                raise ValueError(f"DevLake answered {response.status}")
            return _blueprint_id(response.read(MOST_BYTES))

    def _remember(self, pipeline_id: int, blueprint_id: int | None) -> None:
        self._known[pipeline_id] = blueprint_id
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)


def _blueprint_id(body: bytes) -> int | None:
    answer = json.loads(body)
    blueprint_id = answer.get("blueprintId") if isinstance(answer, dict) else None
    if type(blueprint_id) is not int or blueprint_id < 0:
        raise ValueError("no pipeline of DevLake's")
    return blueprint_id or None
