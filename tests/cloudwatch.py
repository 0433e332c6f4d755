"""A model of CloudWatch: which metrics there are, and when an alarm goes off.

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
class MetricQuery:
    """A metric as an alarm or a widget asks for it."""

    metric: Metric
    statistic: str
    unit: str | None = None


class Names(Scope):
    """A scope that resolves every resource to its logical id."""

    def __init__(self) -> None:
        super().__init__({}, {})

    def holds(self, condition: str) -> bool:
        return True

    def ref(self, name: str) -> str:
        return name

    def attribute(self, name: str, attribute: str) -> str:
        return name if attribute == "QueueName" else f"{name}.{attribute}"


def resolve(expression: Any) -> Any:
    return evaluate(expression, Names())


Data = Mapping[Metric, Sequence[Values]]
"""Each metric's periods, the newest last."""


@dataclass(frozen=True)
class Alarm:
    properties: Json  # resolved

    @property
    def queries(self) -> dict[str, MetricQuery]:
        """Queries by the names that its expression uses; a metric alone is ``m1``."""
        several = [query for query in self.properties.get("Metrics", []) if "MetricStat" in query]
        if not several:
            return {"m1": _to_query(self.properties, self.properties)}
        stats = {query["Id"]: query["MetricStat"] for query in several}
        return {id_: _to_query(stat["Metric"], stat) for id_, stat in stats.items()}

    def goes_off(self, data: Data) -> bool:
        """Return whether enough of its periods breach the threshold."""
        periods = range(1, self.periods + 1)
        return (
            sum(self._breaches(self._value(data, -back)) for back in periods)
            >= self.breaches_needed
        )

    @property
    def periods(self) -> int:
        return int(self.properties["EvaluationPeriods"])

    @property
    def breaches_needed(self) -> int:
        """Number of breaching periods that set it off: all of them by default."""
        return int(self.properties.get("DatapointsToAlarm", self.periods))

    def _value(self, data: Data, period: int) -> float | None:
        readings = {
            id_: _statistic(query.statistic, _period(data.get(query.metric, []), period))
            for id_, query in self.queries.items()
        }
        expressions = [
            query for query in self.properties.get("Metrics", []) if "Expression" in query
        ]
        return calculate(expressions[0]["Expression"], readings) if expressions else readings["m1"]

    def _breaches(self, value: float | None) -> bool:
        if value is None:
            return bool(self.properties["TreatMissingData"] == "breaching")
        compare = _COMPARISONS[self.properties["ComparisonOperator"]]
        return compare(value, float(self.properties["Threshold"]))


def _to_query(metric: Json, stat: Json) -> MetricQuery:
    dimensions = frozenset(
        (dimension["Name"], dimension["Value"]) for dimension in metric["Dimensions"]
    )
    to_metric = Metric(metric["Namespace"], metric["MetricName"], dimensions)
    return MetricQuery(to_metric, stat.get("Stat") or stat["Statistic"], stat.get("Unit"))


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


Readings = Mapping[str, float | None]


def calculate(expression: str, readings: Readings) -> float | None:
    """Evaluate the subset of metric math that we use, which reads like Python's.

    A missing value stays missing, also to FILL: it needs a metric that has been seen before.
    """
    return _calculate(ast.parse(expression, mode="eval").body, readings)


def _calculate(node: ast.AST, readings: Readings) -> float | None:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return readings[name]
        case (
            ast.BinOp(left=left, op=op, right=right)
            | ast.Compare(left=left, ops=[op], comparators=[right])
        ):
            return _apply_operator(_OPERATORS[type(op)], [left, right], readings)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _FUNCTIONS[name](arguments, readings)
    raise AssertionError(f"{ast.dump(node)} is not modelled")


def _apply_operator(
    apply: Callable[[float, float], float], nodes: list[Any], readings: Readings
) -> float | None:
    left, right = (_calculate(node, readings) for node in nodes)
    return None if left is None or right is None else float(apply(left, right))


def _present_values(node: ast.AST, readings: Readings) -> list[float]:
    assert isinstance(node, ast.List)
    return [value for elt in node.elts if (value := _calculate(elt, readings)) is not None]


def _sum(arguments: list[Any], readings: Readings) -> float | None:
    values = _present_values(arguments[0], readings)
    return sum(values) if values else None


def _max(arguments: list[Any], readings: Readings) -> float | None:
    return max(_present_values(arguments[0], readings), default=None)


def _fill(arguments: list[Any], readings: Readings) -> float | None:
    return _calculate(arguments[0], readings)


def _if(arguments: list[Any], readings: Readings) -> float | None:
    condition, then, otherwise = arguments
    holds = _calculate(condition, readings)
    return None if holds is None else _calculate(then if holds else otherwise, readings)


_FUNCTIONS: dict[str, Callable[[list[Any], Readings], float | None]] = {
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
    """Alarms by their names without the stack's."""
    definitions = (
        resolve(resource["Properties"])
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    )
    return {
        definition["AlarmName"].rpartition("-")[2]: Alarm(definition) for definition in definitions
    }


def queries_of_widget(widget: Json) -> Iterator[MetricQuery]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html"""
    for row in widget["properties"].get("metrics", []):
        if isinstance(row[0], str):
            namespace, name, *pairs, options = row
            dimensions = frozenset(zip(pairs[::2], pairs[1::2], strict=True))
            yield MetricQuery(Metric(namespace, name, dimensions), options["stat"])
