"""What a queue remembers for five minutes: deduplication ids and receive attempts."""

from collections import OrderedDict
from typing import Generic, TypeVar

SECONDS = 300

Key = TypeVar("Key")
Value = TypeVar("Value")


class FiveMinutes(Generic[Key, Value]):
    """Forgets by itself; neither looking nor forgetting costs more than what it forgets."""

    def __init__(self) -> None:
        self._noted: OrderedDict[Key, tuple[float, Value]] = OrderedDict()

    def note(self, key: Key, value: Value, now: float) -> None:
        self._noted.pop(key, None)
        self._noted[key] = (now + SECONDS, value)

    def recall(self, key: Key, now: float) -> Value | None:
        self._forget(now)
        _, value = self._noted.get(key, (now, None))
        return value

    def _forget(self, now: float) -> None:
        while self._noted and next(iter(self._noted.values()))[0] <= now:
            self._noted.popitem(last=False)
