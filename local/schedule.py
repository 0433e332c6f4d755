"""Schedule: invokes a function at a fixed rate, as an EventBridge rule does."""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any
from uuid import uuid4

from local.account import ACCOUNT_ID, REGION
from local.invocation import InvocationFailure, Result

logger = logging.getLogger(__name__)


class Schedule:
    """Invocations one after the other; ticks during a running one become one afterwards."""

    def __init__(
        self,
        rule_arn: str,
        invoke: Callable[[Mapping[str, Any]], Result],
        *,
        every_seconds: float,
    ) -> None:
        self._rule_arn = rule_arn
        self._invoke = invoke
        self._every_seconds = every_seconds
        self._stopping = Event()
        self._ticker = Thread(target=self._tick, name=f"schedule {rule_arn}", daemon=True)

    def start(self) -> None:
        self._ticker.start()

    def ask_to_stop(self) -> None:
        self._stopping.set()

    def stop(self) -> None:
        """Wait until the last invocation has ended."""
        self.ask_to_stop()
        self._ticker.join()

    def _tick(self) -> None:
        due_at = time.monotonic() + self._every_seconds
        while not self._stopping.wait(max(0.0, due_at - time.monotonic())):
            self._invoke_once()
            due_at = max(due_at + self._every_seconds, time.monotonic())

    def _invoke_once(self) -> None:
        """Invoke; a failure does not prevent the next tick."""
        try:
            result = self._invoke(_scheduled_event(self._rule_arn))
        except Exception:
            logger.exception("%s could not invoke its function", self._rule_arn)
            return
        if isinstance(result, InvocationFailure) and not self._stopping.is_set():
            logger.warning("%s failed: %s", self._rule_arn, result)


def _scheduled_event(rule_arn: str) -> dict[str, Any]:
    """Build the event.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
    """
    now = datetime.fromtimestamp(time.time(), UTC)
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT_ID,
        "time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "region": REGION,
        "resources": [rule_arn],
        "detail": {},
    }
