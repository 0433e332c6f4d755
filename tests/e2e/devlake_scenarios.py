"""Scenarios in a DevLake, and what subscribers receive of each, in order.

A star marks what Lakehook inferred, a plus what it read from DevLake's REST API.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta, timezone
from threading import Event
from typing import Any

from tests.devlake.releases import POSTGRESQL, V0_17, V1_0_1, V1_0_2, V1_0_3
from tests.devlake.rows import planned_task
from tests.devlake.server import DevLake

NOBODY = "http://127.0.0.1:1/"
PROJECT = "R&D <lake> 湖"
SHANGHAI = timezone(timedelta(hours=8))
RUN, RUN_WITHOUT_CREATED = "CREATED RUNNING COMPLETED", "CREATED* RUNNING COMPLETED"


@dataclass(frozen=True)
class Scenario:
    """``play`` returns the pipeline; ``received_with_api`` is complete once the API was read."""

    play: Callable[[DevLake], int]
    received: str
    received_with_api: str | None = None  # the same
    server: Mapping[str, Any] = field(default_factory=dict)

    @property
    def types_with_api(self) -> list[str]:
        return types(self.received if self.received_with_api is None else self.received_with_api)


def types(received: str) -> list[str]:
    return [type_.rstrip("*+") for type_ in received.split()]


@contextmanager
def unreachable(devlake: DevLake) -> Iterator[None]:
    """Run while nothing listens at DevLake's endpoint."""
    endpoint, devlake.endpoint = devlake.endpoint, NOBODY
    yield
    devlake.endpoint = endpoint


def waits(devlake: DevLake) -> int:
    return devlake.create()


def waits_to_be_run_again(devlake: DevLake) -> int:
    pipeline = fails(devlake)
    devlake.rerun(pipeline)
    return pipeline


def succeeds(devlake: DevLake) -> int:
    pipeline = devlake.create()
    devlake.live(pipeline)
    return pipeline


def of_a_project(devlake: DevLake) -> int:
    pipeline = devlake.create(devlake.add_blueprint(PROJECT))
    devlake.live(pipeline)
    return pipeline


def of_a_blueprint_without_a_project(devlake: DevLake) -> int:
    pipeline = devlake.create(devlake.add_blueprint(cronConfig="* * * * *"))
    devlake.live(pipeline)
    return pipeline


def fails(devlake: DevLake) -> int:
    pipeline = devlake.create()
    devlake.live(pipeline, failing=1)
    return pipeline


def fails_in_part(devlake: DevLake) -> int:
    plan = [[planned_task(fail=True), planned_task()]]
    pipeline = devlake.create(plan=plan, skipOnFail=True)
    devlake.live(pipeline, failing=1)
    return pipeline


def posts_running_first(devlake: DevLake) -> int:
    """The goroutine of its creation comes second, and reads what the row is by then."""
    scheduled = Event()
    pipeline = devlake.create(scheduled=scheduled)
    devlake.run(pipeline)
    scheduled.set()
    devlake.join()
    devlake.end(pipeline)
    return pipeline


def posts_created_last(devlake: DevLake) -> int:
    scheduled = Event()
    pipeline = devlake.create(scheduled=scheduled)
    devlake.live(pipeline)
    scheduled.set()
    devlake.join()
    return pipeline


def posts_created_twice(devlake: DevLake) -> int:
    scheduled = Event()
    scheduled.set()
    pipeline = devlake.create(scheduled=scheduled)
    devlake.join()
    devlake.live(pipeline)
    return pipeline


def cancelled_while_it_runs(devlake: DevLake) -> int:
    pipeline = devlake.create()
    devlake.run(pipeline)
    devlake.cancel(pipeline)
    return pipeline


def cancelled_while_it_waits(devlake: DevLake) -> int:
    pipeline = devlake.create()
    devlake.cancel(pipeline)
    return pipeline


def fails_three_times(devlake: DevLake) -> int:
    pipeline = fails(devlake)
    for _ in range(2):
        devlake.rerun(pipeline)
        devlake.live(pipeline, failing=1)
    return pipeline


def succeeds_when_run_again(devlake: DevLake) -> int:
    pipeline = fails(devlake)
    devlake.rerun(pipeline)
    devlake.live(pipeline)
    return pipeline


def loses_its_end(devlake: DevLake) -> int:
    pipeline = devlake.create()
    devlake.run(pipeline)
    with unreachable(devlake):
        devlake.end(pipeline)
    return pipeline


def loses_its_beginning(devlake: DevLake) -> int:
    with unreachable(devlake):
        pipeline = devlake.create()
        devlake.run(pipeline)
    devlake.end(pipeline)
    return pipeline


def loses_everything(devlake: DevLake) -> int:
    with unreachable(devlake):
        return succeeds(devlake)


def signs_with_another_secret(devlake: DevLake) -> int:
    secret, devlake.secret = devlake.secret, "another"
    pipeline = succeeds(devlake)
    devlake.secret = secret
    return pipeline


def has_an_endpoint_with_a_query(devlake: DevLake) -> int:
    """Post to a URL with a query: DevLake appends another, so no signature is found."""
    endpoint, devlake.endpoint = devlake.endpoint, f"{devlake.endpoint}?a=b"
    pipeline = succeeds(devlake)
    devlake.endpoint = endpoint
    return pipeline


def has_an_endpoint_without_its_slash(devlake: DevLake) -> int:
    devlake.endpoint = devlake.endpoint.rstrip("/")
    return succeeds(devlake)


def is_resumed_after_a_restart(devlake: DevLake) -> int:
    pipeline = devlake.create()
    devlake.run(pipeline)
    devlake.restart()
    devlake.live(pipeline)
    return pipeline


def is_failed_by_a_restart(devlake: DevLake) -> int:
    pipeline = devlake.create()
    devlake.run(pipeline)
    devlake.restart()
    return pipeline


def is_run_again_without_its_blueprint(devlake: DevLake) -> int:
    blueprint = devlake.add_blueprint("gone")
    pipeline = devlake.create(blueprint)
    devlake.live(pipeline, failing=1)
    devlake.delete_blueprint(blueprint)
    devlake.rerun(pipeline)
    devlake.live(pipeline)
    return pipeline


SCENARIOS = {
    "succeeds": Scenario(succeeds, RUN),
    "fails": Scenario(fails, "CREATED RUNNING FAILED"),
    "fails in part": Scenario(fails_in_part, "CREATED RUNNING PARTIAL"),
    "of a project": Scenario(of_a_project, RUN),
    "of a blueprint without a project": Scenario(of_a_blueprint_without_a_project, RUN),
    "posts RUNNING first": Scenario(posts_running_first, RUN_WITHOUT_CREATED),
    "posts CREATED last": Scenario(posts_created_last, RUN_WITHOUT_CREATED),
    "cancelled while it runs": Scenario(cancelled_while_it_runs, "CREATED RUNNING CANCELLED"),
    "cancelled while it waits": Scenario(cancelled_while_it_waits, "CREATED", "CREATED CANCELLED+"),
    "fails, and is run again twice": Scenario(
        fails_three_times, "CREATED RUNNING FAILED CREATED* RUNNING FAILED CREATED* RUNNING FAILED"
    ),
    "fails, and succeeds when run again": Scenario(
        succeeds_when_run_again, f"CREATED RUNNING FAILED {RUN_WITHOUT_CREATED}"
    ),
    "fails, and waits to be run again": Scenario(
        waits_to_be_run_again, "CREATED RUNNING FAILED", "CREATED RUNNING FAILED CREATED+"
    ),
    "end lost": Scenario(loses_its_end, "CREATED RUNNING", f"{RUN}+"),
    "beginning lost": Scenario(loses_its_beginning, "CREATED* RUNNING* COMPLETED"),
    "all lost": Scenario(loses_everything, "", "CREATED* RUNNING* COMPLETED+"),
    "another secret": Scenario(signs_with_another_secret, "", "CREATED* RUNNING* COMPLETED+"),
    "endpoint with a query": Scenario(
        has_an_endpoint_with_a_query, "", "CREATED* RUNNING* COMPLETED+"
    ),
    "endpoint without its slash": Scenario(has_an_endpoint_without_its_slash, RUN),
    "resumed by a restart": Scenario(is_resumed_after_a_restart, RUN),
    "failed by a restart": Scenario(
        is_failed_by_a_restart,
        "CREATED RUNNING",
        "CREATED RUNNING FAILED+",
        {"resume_pipelines": False},
    ),
    "blueprint deleted": Scenario(
        is_run_again_without_its_blueprint,
        "CREATED RUNNING FAILED",
        "CREATED RUNNING FAILED CREATED* RUNNING* COMPLETED+",
    ),
    "in Shanghai": Scenario(of_a_project, RUN, server={"zone": SHANGHAI}),
    "PostgreSQL": Scenario(
        succeeds, RUN_WITHOUT_CREATED, server={"database": POSTGRESQL, "zone": SHANGHAI}
    ),
    "PostgreSQL, waits": Scenario(waits, "", "CREATED+", {"database": POSTGRESQL}),
    "PostgreSQL, cancelled while it waits": Scenario(
        cancelled_while_it_waits, "", "CREATED* CANCELLED+", {"database": POSTGRESQL}
    ),
    "PostgreSQL, v1.0.2": Scenario(
        posts_created_twice,
        "CREATED RUNNING* COMPLETED",
        server={"database": POSTGRESQL, "release": V1_0_2},
    ),
    "v1.0.3, cancelled while it runs": Scenario(
        cancelled_while_it_runs, "CREATED RUNNING FAILED", server={"release": V1_0_3}
    ),
    "v1.0.2": Scenario(of_a_project, RUN, server={"release": V1_0_2}),
    "v1.0.1": Scenario(of_a_project, "CREATED* RUNNING* COMPLETED", server={"release": V1_0_1}),
    "v1.0.1, without a blueprint": Scenario(
        succeeds, "", "CREATED* RUNNING* COMPLETED+", {"release": V1_0_1}
    ),
    "v0.17": Scenario(of_a_project, "CREATED* RUNNING* COMPLETED", server={"release": V0_17}),
}
