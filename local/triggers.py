"""Triggers of the functions: queues, URLs, and schedules at a fixed rate as EventBridge's rules."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any
from uuid import uuid4

from local.account import ACCOUNT_ID, REGION
from local.event_source_mapping import EventSourceMapping
from local.function import Function
from local.function_url import FunctionUrl
from local.provision import ProvisionedStack
from local.runtime_api import InvocationFailure, Result

logger = logging.getLogger(__name__)

_CONCURRENCY = 4
"""Maximum processes of a function; the template's value is too high for a laptop."""


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


Trigger = EventSourceMapping | Schedule | FunctionUrl


def concurrency_of(stack: ProvisionedStack) -> Mapping[str, int]:
    """Return the concurrency of each function."""
    mapped = {spec.function: spec.maximum_concurrency for spec in stack.mappings}
    reserved = {spec.name: spec.reserved_concurrency or 1 for spec in stack.functions}
    return {name: min(at_once, _CONCURRENCY) for name, at_once in (reserved | mapped).items()}


@dataclass(frozen=True, kw_only=True)
class Triggers:
    stack: ProvisionedStack
    functions: Mapping[str, Function]
    urls: Mapping[str, FunctionUrl]  # by URL
    clock_seconds: float | None

    def __iter__(self) -> Iterator[Trigger]:
        yield from self._mappings()
        yield from self._schedules()
        for spec in self.stack.urls:
            yield self.urls[spec.url].to(self.functions[spec.function].invoke)

    def _mappings(self) -> Iterator[EventSourceMapping]:
        concurrency = concurrency_of(self.stack)
        for spec in self.stack.mappings:
            yield EventSourceMapping(
                spec,
                self.functions[spec.function].invoke,
                concurrency=concurrency[spec.function],
            )

    def _schedules(self) -> Iterator[Schedule]:
        for spec in self.stack.schedules:
            yield Schedule(
                spec.rule_arn,
                self.functions[spec.function].invoke,
                every_seconds=self.clock_seconds or spec.every_seconds,
            )
