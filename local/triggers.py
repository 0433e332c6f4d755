"""Triggers of the functions: queues, schedules and URLs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.function_url import FunctionUrl
from local.mapping import EventSourceMapping
from local.provision import ProvisionedStack
from local.runtime import Function
from local.schedule import Schedule

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_CONCURRENCY = 4
"""Maximum processes of a function; the template's value is too high for a laptop."""

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
    sqs: "SQSClient"
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
                self.sqs,
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
