"""Lambda function with as many execution environments as concurrent invocations."""

import json
from collections.abc import Mapping
from threading import Condition
from typing import Any

from local.environment import Environment, Host
from local.function_specs import FunctionSpec
from local.invocation import InvocationFailure, Result

_PATIENCE_SECONDS = 0.2
"""Seconds to wait for a busy process, since a new one takes most of a second; Lambda would not."""


class InitFailed(RuntimeError):
    """The function's module could not be loaded."""


class Function:
    def __init__(self, spec: FunctionSpec, host: Host, *, concurrency: int = 1) -> None:
        self._spec = spec
        self._host = host
        self._concurrency = concurrency
        self._changed = Condition()
        self._environments: set[Environment] = set()
        self._idle: list[Environment] = []
        self._closed = False

    def start(self) -> None:
        """Start initializing one environment, without waiting."""
        with self._changed:
            self._idle.append(self._add())

    def wait_until_initialised(self) -> None:
        for environment in list(self._environments):
            if failure := environment.wait_until_initialised():
                raise InitFailed(f"{self._spec.handler}: {failure}")

    def invoke(self, event: bytes | Mapping[str, Any]) -> Result:
        """Invoke once an environment is free, and return the result; the last used comes first."""
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        environment = self._take()
        if environment is None:
            return InvocationFailure("Sandbox.Closed", "the function is closed")
        try:
            return environment.invoke(payload)
        finally:
            self._give_back(environment)

    def close(self) -> None:
        """End every process; invocations in progress fail."""
        with self._changed:
            self._closed = True
            environments = list(self._environments)
            self._changed.notify_all()
        for environment in environments:
            environment.kill()

    def _take(self) -> Environment | None:
        with self._changed:
            self._changed.wait_for(self._at_hand, timeout=_PATIENCE_SECONDS)
            self._changed.wait_for(self._possible)
            if self._closed:
                return None
            return self._idle.pop() if self._idle else self._add()

    def _at_hand(self) -> bool:
        self._remove_dead_environments()
        return bool(self._idle) or not self._environments or self._closed

    def _possible(self) -> bool:
        return self._at_hand() or len(self._environments) < self._concurrency

    def _add(self) -> Environment:
        environment = Environment(self._spec, self._host)
        self._environments.add(environment)
        return environment

    def _give_back(self, environment: Environment) -> None:
        with self._changed:
            self._idle.append(environment)
            self._remove_dead_environments()
            self._changed.notify_all()

    def _remove_dead_environments(self) -> None:
        self._idle = [environment for environment in self._idle if environment.alive]
        self._environments = {kept for kept in self._environments if kept.alive}
