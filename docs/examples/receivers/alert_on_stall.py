"""Tells people that a pipeline hangs.

    lakehook subscriptions add --name hangs --url https://im.io/ --event-type PIPELINE_STALLED

``ALERT_URL`` takes what Slack, Mattermost and many others take: a JSON object with a ``text``.
"""

import os
from collections.abc import Mapping
from typing import Any

from receiver import serve
from telling import tell


def alert(delivery_id: str, event: Mapping[str, Any]) -> None:
    if event["event_type"] == "PIPELINE_STALLED":
        where = event.get("project_name") or "no project"
        text = f"Pipeline {event['pipeline_id']} ({where}): {event.get('message', 'it hangs')}"
        tell(os.environ["ALERT_URL"], {"text": text}, key=delivery_id)


if __name__ == "__main__":
    serve(alert)
