"""Names that an expression of the template may use, and their values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NO_VALUE = object()
"""Value of ``AWS::NoValue``, which removes a property."""


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
