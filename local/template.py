"""Intrinsic functions of CloudFormation, evaluated against the resources that exist.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from local.scope import NO_VALUE, BadTemplate, Scope

_PLACEHOLDER = re.compile(r"\$\{([^!][^}]*)\}")


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


_FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Join": _join,
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
