"""CloudWatch as far as it is asked here: which metrics there are, and when an alarm rings.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import ast
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from local.template import Scope, evaluate

Json = dict[str, Any]
Values = Sequence[float]
"""What was counted in one period."""


@dataclass(frozen=True)
class Metric:
    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, namespace: str, name: str, **dimensions: str) -> Self:
        return cls(namespace, name, frozenset(dimensions.items()))


@dataclass(frozen=True)
class Asked:
    """A metric as an alarm or a widget asks for it."""

    metric: Metric
    statistic: str
    unit: str | None = None


class Names(Scope):
    """Every resource goes by its logical id."""

    def __init__(self) -> None:
        super().__init__({}, {})

    def holds(self, condition: str) -> bool:
        return True

    def ref(self, name: str) -> str:
        return name

    def attribute(self, name: str, attribute: str) -> str:
        return name if attribute == "QueueName" else f"{name}.{attribute}"


def resolved(expression: Any) -> Any:
    return evaluate(expression, Names())


Data = Mapping[Metric, Sequence[Values]]
"""Each metric's periods, the newest last."""


@dataclass(frozen=True)
class Alarm:
    properties: Json  # resolved

    @property
    def asked(self) -> dict[str, Asked]:
        """By the names that its expression uses; a metric alone is ``m1``."""
        several = [one for one in self.properties.get("Metrics", []) if "MetricStat" in one]
        if not several:
            return {"m1": _asked(self.properties, self.properties)}
        stats = {one["Id"]: one["MetricStat"] for one in several}
        return {id_: _asked(stat["Metric"], stat) for id_, stat in stats.items()}

    def rings(self, data: Data) -> bool:
        """Whether enough of the periods that it looks at breach its threshold."""
        periods = range(1, self.periods + 1)
        return sum(self._breaches(self._value(data, -back)) for back in periods) >= self.enough

    @property
    def periods(self) -> int:
        return int(self.properties["EvaluationPeriods"])

    @property
    def enough(self) -> int:
        """All of them, unless it says how many."""
        return int(self.properties.get("DatapointsToAlarm", self.periods))

    def _value(self, data: Data, period: int) -> float | None:
        found = {
            id_: _statistic(asked.statistic, _period(data.get(asked.metric, []), period))
            for id_, asked in self.asked.items()
        }
        expression = [one for one in self.properties.get("Metrics", []) if "Expression" in one]
        return calculate(expression[0]["Expression"], found) if expression else found["m1"]

    def _breaches(self, value: float | None) -> bool:
        if value is None:
            return bool(self.properties["TreatMissingData"] == "breaching")
        compare = _COMPARISONS[self.properties["ComparisonOperator"]]
        return compare(value, float(self.properties["Threshold"]))


def _asked(metric: Json, stat: Json) -> Asked:
    dimensions = frozenset((one["Name"], one["Value"]) for one in metric["Dimensions"])
    named = Metric(metric["Namespace"], metric["MetricName"], dimensions)
    return Asked(named, stat.get("Stat") or stat["Statistic"], stat.get("Unit"))


def _period(series: Sequence[Values], period: int) -> Values:
    return series[period] if len(series) >= -period else []


def _statistic(name: str, values: Values) -> float | None:
    if not values:
        return None
    return _STATISTICS[name](values)


_STATISTICS: dict[str, Callable[[Values], float]] = {
    "Maximum": max,
    "Sum": math.fsum,
    "SampleCount": len,
}
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
}


Found = Mapping[str, float | None]


def calculate(expression: str, found: Found) -> float | None:
    """The subset of metric math that we use, which reads like Python's.

    What is missing stays missing: also to FILL, which needs a metric that has been seen before.
    """
    return _calculate(ast.parse(expression, mode="eval").body, found)


def _calculate(node: ast.AST, found: Found) -> float | None:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return found[name]
        case (
            ast.BinOp(left=left, op=op, right=right)
            | ast.Compare(left=left, ops=[op], comparators=[right])
        ):
            return _applied(_OPERATORS[type(op)], [left, right], found)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _FUNCTIONS[name](arguments, found)
    raise AssertionError(f"{ast.dump(node)} is not modelled")


def _applied(
    apply: Callable[[float, float], float], nodes: list[Any], found: Found
) -> float | None:
    left, right = (_calculate(node, found) for node in nodes)
    return None if left is None or right is None else float(apply(left, right))


def _known(several: ast.AST, found: Found) -> list[float]:
    assert isinstance(several, ast.List)
    return [value for elt in several.elts if (value := _calculate(elt, found)) is not None]


def _sum(arguments: list[Any], found: Found) -> float | None:
    known = _known(arguments[0], found)
    return sum(known) if known else None


def _max(arguments: list[Any], found: Found) -> float | None:
    return max(_known(arguments[0], found), default=None)


def _fill(arguments: list[Any], found: Found) -> float | None:
    return _calculate(arguments[0], found)


def _if(arguments: list[Any], found: Found) -> float | None:
    condition, then, otherwise = arguments
    holds = _calculate(condition, found)
    return None if holds is None else _calculate(then if holds else otherwise, found)


_FUNCTIONS: dict[str, Callable[[list[Any], Found], float | None]] = {
    "FILL": _fill,
    "IF": _if,
    "MAX": _max,
    "SUM": _sum,
}
_OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Div: operator.truediv,
    ast.Mult: operator.mul,
    ast.GtE: operator.ge,
}


def alarms_of(template: Json) -> dict[str, Alarm]:
    """By what stands behind the stack's name in theirs."""
    alarms = (
        resolved(one["Properties"])
        for one in template["Resources"].values()
        if one["Type"] == "AWS::CloudWatch::Alarm"
    )
    return {alarm["AlarmName"].rpartition("-")[2]: Alarm(alarm) for alarm in alarms}


def asked_of_widget(widget: Json) -> Iterator[Asked]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html"""
    for row in widget["properties"].get("metrics", []):
        if isinstance(row[0], str):
            namespace, name, *rest, options = row
            dimensions = frozenset(zip(rest[::2], rest[1::2], strict=True))
            yield Asked(Metric(namespace, name, dimensions), options["stat"])
