"""Statements of PartiQL as DynamoDB executes them in a batch: those forms that Lakehook writes.

The answers are those of DynamoDB's documentation, and what ministack 1.5.33 was seen to answer.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.insert.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.update.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementError.html
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Item = dict[str, Any]

_INSERT = re.compile(r"""INSERT INTO "(?P<table>[^"]+)" VALUE \{(?P<names>'[^']+': \?.*)\}""")
_UPDATE = re.compile(r"""UPDATE "(?P<table>[^"]+)" (?P<changes>.+) WHERE (?P<where>.+)""")
_NAME, _EQUALS = re.compile(r"'([^']+)': \?"), re.compile(r'"([^"]+)" = \?')
_REMOVED = re.compile(r'REMOVE "([^"]+)"')


class NotUnderstood(ValueError):
    """A statement of another form."""


@dataclass(frozen=True)
class Write:
    """An item to insert, or changes of one whose attributes equal all those of ``where``."""

    table: str
    values: Item
    removed: frozenset[str] = frozenset()
    where: Item | None = None

    @classmethod
    def parse(cls, statement: Item) -> "Write":
        text, parameters = statement["Statement"], statement["Parameters"]
        if insert := _INSERT.fullmatch(text):
            names = _NAME.findall(insert["names"])
            return cls(insert["table"], dict(zip(names, parameters, strict=True)))
        update = _UPDATE.fullmatch(text)
        if not update:
            raise NotUnderstood(text)
        names, compared = _EQUALS.findall(update["changes"]), _EQUALS.findall(update["where"])
        return cls(
            update["table"],
            dict(zip(names, parameters, strict=False)),
            frozenset(_REMOVED.findall(update["changes"])),
            dict(zip(compared, parameters[len(names) :], strict=True)),
        )

    def key(self, names: Iterable[str]) -> Item:
        values = self.values if self.where is None else self.where
        return {name: values[name] for name in names}

    def refusal(self, current: Item | None) -> Item | None:
        """Return the statement's error if it must not write."""
        if self.where is None:
            return current and _error("DuplicateItem", "Duplicate primary key exists in table")
        if current and all(current.get(name) == value for name, value in self.where.items()):
            return None
        return _error("ConditionalCheckFailed", "The conditional request failed")

    def apply(self, current: Item | None) -> Item:
        """Return the item that is written."""
        kept = {name: value for name, value in (current or {}).items() if name not in self.removed}
        return kept | self.values


def unknown_table() -> Item:
    return _error("ResourceNotFound", "Requested resource not found")


def _error(code: str, message: str) -> Item:
    return {"Error": {"Code": code, "Message": message}}
