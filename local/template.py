"""Expressions of the template: names in scope, intrinsic functions, resources that are ignored.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

NO_VALUE = object()
"""Value of ``AWS::NoValue``, which removes a property."""

_PLACEHOLDER = re.compile(r"\$\{([^!][^}]*)\}")

UNSUPPORTED_RESOURCES = {
    "AWS::CDK::Metadata": "tells AWS which constructs are used",
    "AWS::CloudWatch::Alarm": "nothing emits AWS's own metrics here",
    "AWS::CloudWatch::CompositeAlarm": "nothing emits AWS's own metrics here",
    "AWS::CloudWatch::Dashboard": "there is no console to show it",
    "AWS::IAM::ManagedPolicy": "everything is permitted here",
    "AWS::IAM::Policy": "everything is permitted here",
    "AWS::IAM::Role": "everything is permitted here",
    "AWS::KMS::Alias": "a name for people; the functions are given the key's ARN",
    "AWS::Lambda::EventInvokeConfig": "a tick that fails is followed by the next",
    "AWS::Lambda::Permission": "everything is permitted here",
    "AWS::Logs::LogGroup": "the functions' logs go to stderr",
    "AWS::Logs::MetricFilter": "the functions' logs go to stderr",
    "AWS::Logs::QueryDefinition": "the functions' logs go to stderr",
    "AWS::SNS::Subscription": "there is nobody to notify",
    "AWS::SNS::TopicPolicy": "everything is permitted here",
    "AWS::SQS::QueuePolicy": "everything is permitted here",
}


class BadTemplate(ValueError):
    """A part of the template that the laptop cannot create."""


@dataclass(frozen=True)
class Resource:
    """``Ref`` and ``Fn::GetAtt`` of a resource that exists."""

    ref: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scope:
    """Names for an expression."""

    values: Mapping[str, Any]
    resources: Mapping[str, Resource]
    conditions: Mapping[str, Any] = field(default_factory=dict)

    def holds(self, condition: str) -> bool:
        if condition not in self.conditions:
            raise BadTemplate(f"{condition} is not a condition of the template")
        return bool(evaluate(self.conditions[condition], self))

    def ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.resources:
            return self.resources[name].ref
        if name in self.values:
            return self.values[name]
        raise BadTemplate(f"Ref to {name}, which is neither a parameter nor a resource")

    def attribute(self, name: str, attribute: str) -> str:
        if name not in self.resources:
            raise BadTemplate(f"Fn::GetAtt of {name}, which is not a resource")
        attributes = self.resources[name].attributes
        if attribute not in attributes:
            raise BadTemplate(f"{name} has no attribute {attribute} on the laptop")
        return attributes[attribute]


def evaluate(expression: Any, scope: Scope) -> Any:
    """Evaluate an expression, or everything inside a list or an object."""
    if isinstance(expression, list):
        values = (evaluate(item, scope) for item in expression)
        return [value for value in values if value is not NO_VALUE]
    if not isinstance(expression, dict):
        return expression
    if (name := _function_called(expression)) is not None:
        return _FUNCTIONS[name](expression[name], scope)
    values = ((key, evaluate(value, scope)) for key, value in expression.items())
    return {key: value for key, value in values if value is not NO_VALUE}


def _function_called(expression: Mapping[str, Any]) -> str | None:
    if len(expression) != 1:
        return None
    (name,) = expression
    if name.startswith("Fn::") and name not in _FUNCTIONS:
        raise BadTemplate(f"{name} is unknown on the laptop")
    return name if name in _FUNCTIONS else None


def _ref(name: str, scope: Scope) -> Any:
    return scope.ref(name)


def _get_att(argument: list[str] | str, scope: Scope) -> str:
    return scope.attribute(*_resource_and_attribute(argument))


def _join(argument: list[Any], scope: Scope) -> str:
    separator, parts = argument
    return str(separator).join(str(part) for part in evaluate(parts, scope))


def _select(argument: list[Any], scope: Scope) -> Any:
    index, choices = argument
    return evaluate(choices, scope)[int(evaluate(index, scope))]


def _split(argument: list[Any], scope: Scope) -> list[str]:
    separator, text = argument
    return str(evaluate(text, scope)).split(separator)


def _sub(argument: str | list[Any], scope: Scope) -> str:
    text, variables = _text_and_variables(argument)

    def value_of(placeholder: re.Match[str]) -> str:
        name = placeholder[1]
        if name in variables:
            return str(evaluate(variables[name], scope))
        if "." in name:
            return _get_att(name, scope)
        return str(scope.ref(name))

    return _PLACEHOLDER.sub(value_of, text).replace("${!", "${")


def _if(argument: list[Any], scope: Scope) -> Any:
    condition, value, otherwise = argument
    return evaluate(value if scope.holds(condition) else otherwise, scope)


def _equals(argument: list[Any], scope: Scope) -> bool:
    left, right = (evaluate(side, scope) for side in argument)
    return bool(left == right)


def _not(argument: list[Any], scope: Scope) -> bool:
    (operand,) = argument
    return not evaluate(operand, scope)


def _or(argument: list[Any], scope: Scope) -> bool:
    return any(evaluate(operand, scope) for operand in argument)


_FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Ref": _ref,
    "Fn::Equals": _equals,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::Join": _join,
    "Fn::Not": _not,
    "Fn::Or": _or,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
}


def dependencies(expression: Any) -> Iterator[str]:
    """Yield every name in an expression, including parameters."""
    if isinstance(expression, list):
        for item in expression:
            yield from dependencies(item)
    elif isinstance(expression, dict):
        for key, value in expression.items():
            yield from _named(key, value)
            yield from dependencies(value)


def _named(key: str, value: Any) -> Iterator[str]:
    if key == "Ref":
        yield value
    elif key == "Fn::GetAtt":
        yield _resource_and_attribute(value)[0]
    elif key == "Fn::Sub":
        text, _ = _text_and_variables(value)
        yield from (name.split(".")[0] for name in _PLACEHOLDER.findall(text))


def _resource_and_attribute(argument: list[str] | str) -> tuple[str, str]:
    name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
    return name, attribute


def _text_and_variables(argument: str | list[Any]) -> tuple[str, dict[str, Any]]:
    if isinstance(argument, str):
        return argument, {}
    text, variables = argument
    return text, variables
