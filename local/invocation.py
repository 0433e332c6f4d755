"""Invocation of a function, and how it can end."""

import json
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Self
from uuid import uuid4


@dataclass(frozen=True)
class InvocationResult:
    """JSON that the handler returned."""

    payload: bytes


@dataclass(frozen=True)
class InvocationFailure:
    """Failure: the handler raised an exception, or its process ended."""

    kind: str
    message: str

    @classmethod
    def reported(cls, body: bytes) -> Self:
        """Build a failure from a runtime's report."""
        try:
            error = json.loads(body)
            return cls(error["errorType"], error["errorMessage"])
        except (ValueError, KeyError, TypeError):
            return cls("Runtime.Unknown", body.decode(errors="replace"))

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


Result = InvocationResult | InvocationFailure


@dataclass(frozen=True)
class Invocation:
    event: bytes
    deadline_ms: int
    id: str = field(default_factory=lambda: str(uuid4()))
    result: Future[Result] = field(default_factory=Future)
