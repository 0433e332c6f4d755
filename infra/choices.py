"""A table of the file, read as what it describes: each key has a name and a type to fit."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeVar, get_args, get_type_hints

from infra.choice import BadChoice, BadTable, standing_in
from infra.network import Network
from infra.producers import Producers
from infra.retention import Retention

NONE = "none"
"""How the file says what Python calls ``None``."""

NOT_CHOSEN = {"name"}
"""It is the table's own."""

TABLES = (Retention, Network)

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Table:
    place: str
    choices: Mapping[str, Any]

    def choices_for(self, kind: type[Any]) -> dict[str, Any]:
        """The arguments for a ``kind``; ``BadTable`` names the first that is none."""
        types = get_type_hints(kind)
        with standing_in(self.place):
            self._check_names(sorted(types.keys() - NOT_CHOSEN))
            return {key: self._read(key, types[key]) for key in self.choices}

    def made_into(self, kind: type[Kind]) -> Kind:
        chosen = self.choices_for(kind)
        if missing := _needed(kind) - chosen.keys():
            raise BadTable(f"[{self.place}] chooses no {', '.join(sorted(missing))}")
        with standing_in(self.place):
            return kind(**chosen)

    def _check_names(self, known: list[str]) -> None:
        for key, given in self.choices.items():
            if key not in known:
                raise BadChoice(key, given, f"no such choice; there are {', '.join(known)}")

    def _read(self, key: str, kind: Any) -> Any:
        given = self.choices[key]
        for table in TABLES:
            if table in (kind, *get_args(kind)):
                place = f"{self.place}.{key}"
                return Table(place, _table(key, given, place)).made_into(table)
        return _READERS[kind](key, given)


def _needed(kind: type[Any]) -> set[str]:
    """What has no default."""
    return {
        one.name
        for one in fields(kind)
        if one.default is MISSING and one.default_factory is MISSING
    }


def _table(key: str, given: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise BadChoice(key, given, f"choose in a table of its own, [{place}]")
    return given


def _whole_number(key: str, given: Any) -> int:
    if not isinstance(given, int) or isinstance(given, bool):
        raise BadChoice(key, given, "choose a whole number, without quotes")
    return given


def _whole_number_or_none(key: str, given: Any) -> int | None:
    if isinstance(given, str) and given != NONE:
        raise BadChoice(key, given, f'choose a whole number, without quotes, or "{NONE}"')
    return None if given == NONE else _whole_number(key, given)


def _yes_or_no(key: str, given: Any) -> bool:
    if not isinstance(given, bool):
        raise BadChoice(key, given, "choose true or false, without quotes")
    return given


def _text(key: str, given: Any) -> str:
    if not isinstance(given, str):
        raise BadChoice(key, given, "choose a text, in quotes")
    return given


def _texts(key: str, given: Any) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not all(isinstance(one, str) for one in given):
        raise BadChoice(key, given, 'choose a list of texts, each in quotes: ["…", "…"]')
    return tuple(given)


_READERS: Mapping[Any, Callable[[str, Any], Any]] = {
    int: _whole_number,
    int | None: _whole_number_or_none,
    bool: _yes_or_no,
    str: _text,
    tuple[str, ...]: _texts,
    Producers: lambda key, given: Producers(_texts(key, given)),
}
