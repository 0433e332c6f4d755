"""Names with dots: EventBridge joins the names of a path by dots, however they are nested."""

from collections.abc import Sequence
from typing import Any

from lakehook.domain.json_document import Document

MAX_NAMES_OF_A_PATH = 16  # a pattern has no more; what is beyond stays one name
_ABSENT = object()


def expand_names(value: Any) -> Any:
    """Make of each name with dots objects within each other, as EventBridge joins both alike."""
    if isinstance(value, list):
        return [expand_names(each) if isinstance(each, list | dict) else each for each in value]
    expanded: Document = {}
    for name, member in value.items():
        inner = expand_names(member) if isinstance(member, list | dict) else member
        if "." in name or name in expanded:
            _add(expanded, name.split(".", MAX_NAMES_OF_A_PATH), inner)
        else:
            expanded[name] = inner
    return expanded


def _add(document: Document, path: Sequence[str], value: Any) -> None:
    """Put a value where the path leads; a path that leads to several makes a list of them."""
    *names, last = path
    for name in names:
        inner = document.get(name, _ABSENT)
        if not isinstance(inner, dict):
            inner = {}
            _put(document, name, inner)
        document = inner
    present = document.get(last, _ABSENT)
    if isinstance(present, dict) and isinstance(value, dict):
        for name, member in value.items():
            _add(present, [name], member)
    else:
        _put(document, last, value)


def _put(document: Document, name: str, value: Any) -> None:
    """Lists grow in place, as they are all copies: thousands of names may lead to one."""
    present = document.get(name, _ABSENT)
    if present is _ABSENT:
        document[name] = value
    elif isinstance(present, list):
        present += value if isinstance(value, list) else [value]
    else:
        document[name] = [present, *value] if isinstance(value, list) else [present, value]
