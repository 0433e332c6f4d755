"""JSON objects, parsed and written strictly: finite numbers, valid Unicode, bounded depth."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NoReturn

Document = dict[str, Any]

MAX_LEVELS = 64  # levels of nested arrays and objects
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)  # an unterminated string ends with the text
_BRACKETS = re.compile(r"[\[\]{}]")
_WRITER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_ASCII_WRITER = json.JSONEncoder(separators=(",", ":"))

MAX_NAMES_OF_A_PATH = 16  # a pattern has no more; what is beyond stays one name
_ABSENT = object()


def parse_json_object(
    text: str, *, max_depth: int = MAX_LEVELS, allow_duplicate_keys: bool = True
) -> Document:
    """Parse one JSON object (RFC 8259); ``ValueError`` says in one line why it is invalid.

    Also rejected: numbers without a finite value, text without a UTF-8 form, and nesting beyond
    ``max_depth``. Without ``allow_duplicate_keys`` so is a repeated key; with it, the last one
    counts.
    """
    _reject_depth(text, max_depth)
    reader = _READER if allow_duplicate_keys else _STRICT_READER
    try:
        document = reader.decode(text)
        if "\\u" in text or not text.isascii():  # only these can introduce a lone surrogate
            to_json(document).encode()
    except ValueError as error:
        raise ValueError(_complaint(error)) from None
    if not isinstance(document, dict):
        raise ValueError(f"not a JSON object but {_kind(document)}")  # noqa: TRY004  bad text
    return document


def read_stored(text: str) -> Document:
    """Parse an object that was validated before and written by ``to_json``."""
    document: Document = _READER.decode(text)
    return document


def to_json(document: Any) -> str:
    """Serialize for a reader: compact, every character as itself."""
    return _write(_WRITER, document)


def to_ascii_json(document: Any) -> str:
    """Serialize for SQS, which rejects some characters of JSON: compact, ASCII only."""
    return _write(_ASCII_WRITER, document)


def to_indented_json(document: Any) -> str:
    """Serialize for people and their programs: indented, ASCII only, each number as it came."""
    return _indented(document, "\n")


def _indented(value: Any, line: str) -> str:
    inner = f"{line}  "
    match value:
        case dict() if value:
            members = (
                f"{_ASCII_WRITER.encode(k)}: {_indented(v, inner)}" for k, v in value.items()
            )
            return f"{{{inner}{f',{inner}'.join(members)}{line}}}"
        case list() | tuple() if value:
            elements = f",{inner}".join(_indented(element, inner) for element in value)
            return f"[{inner}{elements}{line}]"
        case Decimal():
            return str(value)
        case _:
            return _ASCII_WRITER.encode(value)


def _complaint(error: ValueError) -> str:
    match error:
        case json.JSONDecodeError():
            return f"not JSON: {error.msg} at character {error.pos}"
        case UnicodeEncodeError():
            return "not Unicode: a lone surrogate"
    text = str(error)
    is_pythons = "integer string conversion" in text  # the limit of 4300 digits
    return "not a number that can be read: too many digits" if is_pythons else text


def _reject_depth(text: str, levels: int) -> None:
    """Check before parsing; brackets within strings do not count."""
    if text.count("{") + text.count("[") <= levels:
        return
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > levels:
            raise ValueError(f"nested deeper than {levels} levels")


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"not JSON: {name} is not a number")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> Document:
    document = dict(pairs)
    if len(document) < len(pairs):
        twin = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"{twin[:40]!a} is given twice")
    return document


def _number(literal: str) -> float | Decimal:
    """Parse a number that keeps its digits when written: a float if possible, else a decimal."""
    number = float(literal)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"not a finite number: {literal[:40]}")
    return number if repr(number) == literal else Decimal(literal)


_READER = json.JSONDecoder(parse_constant=_reject_constant, parse_float=_number)
_STRICT_READER = json.JSONDecoder(
    parse_constant=_reject_constant, parse_float=_number, object_pairs_hook=_without_duplicates
)


def _write(encoder: json.JSONEncoder, document: Any) -> str:
    try:
        return encoder.encode(document)
    except TypeError:  # the library can't write decimals, which are rare
        return _written(encoder, document)


def _written(encoder: json.JSONEncoder, value: Any) -> str:
    match value:
        case Decimal():
            return str(value)
        case dict():
            members = (f"{encoder.encode(k)}:{_written(encoder, v)}" for k, v in value.items())
            return f"{{{','.join(members)}}}"
        case list():
            return f"[{','.join(_written(encoder, element) for element in value)}]"
        case _:
            return encoder.encode(value)


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def expand_names(value: Any) -> Any:
    """Make of each name with dots objects within each other, as EventBridge joins both alike.

    EventBridge joins the names of a path by dots, however they are nested.
    """
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
