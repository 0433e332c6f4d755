"""DevLake for the tests: rows, REST API and notices of one server, with its races and its losses.

Each rule has its source beside it: a file below ``backend/`` or ``backend/server/`` of
https://github.com/apache/incubator-devlake at 420e494, or "seen", where that server was run,
unmodified, on 2026-11-29. What it answered then is in tests/outside/devlake/rest, and
tests/integration/test_devlake_stand_in.py holds this one to it.
"""

from tests.devlake.port import FakeApiCredentials, FakeDevlake
from tests.devlake.releases import MYSQL, NEWEST, POSTGRESQL, V0_17, V1_0_0, V1_0_1, V1_0_2, V1_0_3
from tests.devlake.rest import VERSION, RestApi, serving_config_ui, serving_rest
from tests.devlake.rows import CREATED_AT, Row, a_task, planned_task, shown
from tests.devlake.server import DevLake

__all__ = [
    "CREATED_AT",
    "MYSQL",
    "NEWEST",
    "POSTGRESQL",
    "V0_17",
    "V1_0_0",
    "V1_0_1",
    "V1_0_2",
    "V1_0_3",
    "VERSION",
    "DevLake",
    "FakeApiCredentials",
    "FakeDevlake",
    "RestApi",
    "Row",
    "a_task",
    "planned_task",
    "serving_config_ui",
    "serving_rest",
    "shown",
]
