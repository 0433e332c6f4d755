"""Functions of the template, with the queues, schedules and URLs that invoke them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from local.template import BadTemplate

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_LAMBDAS_TIMEOUT_SECONDS = 3
_LAMBDAS_MEMORY_MB = 128
_LAMBDAS_BATCH_SIZE = 10
_LAMBDAS_CONCURRENCY = 1000


@dataclass(frozen=True, kw_only=True)
class FunctionSpec:
    name: str
    handler: str
    environment: Mapping[str, str]
    timeout_seconds: float
    memory_mb: int
    reserved_concurrency: int | None = None

    @property
    def module(self) -> str:
        return self.handler.rpartition(".")[0]

    @property
    def folder(self) -> str:
        """Folder under ``functions``: the handler is ``functions.<folder>.handler.<function>``."""
        return self.handler.split(".")[1]

    @classmethod
    def of(cls, name: str, properties: Mapping[str, Any]) -> Self:
        return cls(
            name=name,
            handler=properties["Handler"],
            environment=properties.get("Environment", {}).get("Variables", {}),
            timeout_seconds=float(properties.get("Timeout", _LAMBDAS_TIMEOUT_SECONDS)),
            memory_mb=int(properties.get("MemorySize", _LAMBDAS_MEMORY_MB)),
            reserved_concurrency=properties.get("ReservedConcurrentExecutions"),
        )


@dataclass(frozen=True, kw_only=True)
class MappingSpec:
    queue_url: str
    queue_arn: str
    function: str
    batch_size: int
    maximum_concurrency: int
    reports_failures: bool

    @classmethod
    def of(cls, properties: Mapping[str, Any], queue_urls: Mapping[str, str]) -> Self:
        arn = properties["EventSourceArn"]
        if arn not in queue_urls:
            raise BadTemplate(f"event source {arn} is not a queue of this template")
        scaling = properties.get("ScalingConfig", {})
        return cls(
            queue_url=queue_urls[arn],
            queue_arn=arn,
            function=_function_name(properties["FunctionName"]),
            batch_size=int(properties.get("BatchSize", _LAMBDAS_BATCH_SIZE)),
            maximum_concurrency=int(scaling.get("MaximumConcurrency", _LAMBDAS_CONCURRENCY)),
            reports_failures="ReportBatchItemFailures"
            in properties.get("FunctionResponseTypes", ()),
        )


@dataclass(frozen=True, kw_only=True)
class UrlSpec:
    """A function URL of any AuthType: locally callers are not authenticated."""

    function: str
    url: str

    @classmethod
    def of(cls, url: str, properties: Mapping[str, Any]) -> Self:
        return cls(function=_function_name(properties["TargetFunctionArn"]), url=url)


@dataclass(frozen=True, kw_only=True)
class ScheduleSpec:
    rule_arn: str
    function: str
    every_seconds: float

    @classmethod
    def all_of(cls, rule_arn: str, properties: Mapping[str, Any]) -> list[Self]:
        """Build one for each target of an enabled rule."""
        if properties.get("State") == "DISABLED":
            return []
        every_seconds = _rate_seconds(properties["ScheduleExpression"])
        return [
            cls(
                rule_arn=rule_arn,
                function=_function_name(target["Arn"]),
                every_seconds=every_seconds,
            )
            for target in properties["Targets"]
        ]


def _rate_seconds(expression: str) -> float:
    rate = _RATE.fullmatch(expression)
    if rate is None:
        raise BadTemplate(f"{expression}: the laptop keeps only rates, rate(1 minute)")
    return float(int(rate[1]) * _SECONDS[rate[2]])


def _function_name(name_or_arn: str) -> str:
    return name_or_arn.rsplit(":", 1)[-1]
