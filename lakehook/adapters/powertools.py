"""Powertools as every function uses it: JSON lines, and metrics in CloudWatch's embedded format."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Self

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from lakehook import metrics as names


@dataclass(frozen=True)
class Powertools:
    """The lanes of a batch speak from their own threads, and Metrics is not made for that."""

    logger: Logger
    metrics: Metrics
    _counts: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def from_environment(cls) -> Self:
        """Service and namespace are Powertools' own variables, written by the blueprint."""
        return cls(Logger(use_rfc3339=True), Metrics())

    @contextmanager
    def invocation(self, request_id: str) -> Iterator[None]:
        self.logger.append_keys(request_id=request_id)
        try:
            yield
        finally:
            self._flush()

    def trouble(self, error: Exception, *, doing: str) -> None:
        self._count(names.TROUBLE)
        self.logger.error("own_trouble", doing=doing, exc_info=error)

    def _info(self, action: str, **fields: Any) -> None:
        self.logger.info(
            action, **{name: value for name, value in fields.items() if value is not None}
        )

    def _count(self, name: str, number: int = 1) -> None:
        """Counts of one invocation are one number."""
        with self._lock:
            self._counts[name] += number

    def _measure(self, name: str, value: float, unit: MetricUnit) -> None:
        with self._lock:
            self.metrics.add_metric(name=name, unit=unit, value=value)

    def _flush(self) -> None:
        """A lane may still speak, where its batch was broken off: it is told with the next."""
        with self._lock:
            for name, number in self._counts.items():
                self.metrics.add_metric(name=name, unit=MetricUnit.Count, value=number)
            self._counts.clear()
            if self.metrics.metric_set:
                self.metrics.flush_metrics()
