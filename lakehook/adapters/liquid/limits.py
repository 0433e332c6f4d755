"""Limits of one rendering: counted in steps, never by the clock.

A clock would let a template pass on a quick machine and fail on a busy one. A step is what the
slowest character of a template takes, a third of a microsecond; each operation whose cost grows
with the size of its operands is charged in proportion.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any

from liquid import Token, is_undefined
from liquid.context import RenderContext
from liquid.exceptions import ResourceLimitError
from liquid.template import BoundTemplate
from liquid.undefined import UNDEFINED
from liquid.utils import ReadOnlyChainMap

MAX_STEPS = 200_000
MAX_WEIGHT = 512 * 1024  # of a value, roughly its characters
MAX_ITEMS = 10_000  # of a list or range
MAX_BITS = 2048  # of an integer
_ITEM_WEIGHT = 32
_STEP_CHARACTERS = 8  # weight moved in one step


class LimitExceeded(ResourceLimitError):
    def __init__(self, what: str) -> None:
        super().__init__(what, token=None)


@dataclass
class StepBudget:
    left: int = MAX_STEPS

    def grow(self, *values: object) -> None:
        self.spend(sum(map(weight, values)) // _STEP_CHARACTERS)

    def spend(self, steps: int) -> None:
        self.left -= steps + 1
        if self.left < 0:
            raise LimitExceeded(
                f"it does too much: more than {MAX_STEPS} steps; loop less, or over less"
            )


class Context(RenderContext):
    """Render context that charges for reads, stores and output, and records missing fields."""

    __slots__ = ("budget", "unknown")

    def __init__(
        self, template: BoundTemplate, fields: Mapping[str, object], budget: StepBudget
    ) -> None:
        super().__init__(template, globals=fields)
        self.scope = ReadOnlyChainMap(self.locals, self.globals, self.counters)  # without "now"
        self.budget = budget
        self.unknown: dict[str, None] = {}

    def get(
        self, path: list[object], *, token: Token | None, default: object = UNDEFINED
    ) -> object:
        value = super().get(path, token=token, default=default)
        self.budget.spend(len(path) + _comparison_cost(value))
        if is_undefined(value):
            self.unknown.setdefault(".".join(map(str, path)))
        return value

    def assign(self, key: str, val: Any) -> None:
        self.budget.grow(val)  # bounds the total of stored values, too
        self.locals[key] = val

    def get_buffer(self, _buf: object = None) -> StringIO:
        return BoundedBuffer(self.budget)


class BoundedBuffer(StringIO):
    """Output buffer, limited to the size of one value."""

    def __init__(self, budget: StepBudget) -> None:
        super().__init__(newline="")
        self._budget = budget
        self._room = MAX_WEIGHT

    def write(self, text: str) -> int:
        self._budget.spend(len(text) // 20)
        self._room -= len(text)
        if self._room < 0:
            raise LimitExceeded(f"it writes too much: more than {MAX_WEIGHT} characters")
        return super().write(text)


def weight(value: object) -> int:
    """Return a value's characters in total; raises ``LimitExceeded`` beyond the maximum."""
    total, left = 0, [value]
    while left:
        node = left.pop()
        total += _scalar_weight(node)
        if total > MAX_WEIGHT:
            raise LimitExceeded(f"a value is too large: more than {MAX_WEIGHT} characters")
        if isinstance(node, dict):
            left += [*node, *node.values()]
        elif isinstance(node, list | tuple):
            left += node
    return total


def _scalar_weight(value: object) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list | tuple | range | dict):
        if len(value) > MAX_ITEMS:
            raise LimitExceeded(f"a list is too long: more than {MAX_ITEMS} items")
        return _ITEM_WEIGHT * (1 + len(value))
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise LimitExceeded(f"a number is too large: more than {MAX_BITS} bits")
    return 1


def _comparison_cost(value: object) -> int:
    """Return the cost of comparing or searching a value."""
    if isinstance(value, str):
        return len(value) // 100
    return len(value) // 4 if isinstance(value, list | dict | tuple) else 0
