"""Starts a job when a pipeline has begun to run.

    lakehook subscriptions add --name ci --url https://ci.example/hook --event-type PIPELINE_RUNNING

``CI_URL`` is any trigger that takes a POST: Jenkins' generic webhook, GitLab's, a workflow's.
"""

import os
from collections.abc import Mapping
from typing import Any

from receiver import serve
from telling import tell


def start_job(delivery_id: str, event: Mapping[str, Any]) -> None:
    if event["event_type"] == "PIPELINE_RUNNING":
        job = {"pipeline": event["pipeline_id"], "project": event.get("project_name")}
        tell(os.environ["CI_URL"], job, key=delivery_id)


if __name__ == "__main__":
    serve(start_job)
