"""A JSON object as we accept and write it: strict, finite, valid Unicode."""

import json
import re
from collections import Counter
from typing import Any, NoReturn

Document = dict[str, Any]

MOST_LEVELS = 64  # of arrays and objects within each other
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)  # to the end, if one has none
_BRACKETS = re.compile(r"[\[\]{}]")


def read_document(text: str, *, levels: int = MOST_LEVELS, twins: bool = True) -> Document:
    """Parse one JSON object (RFC 8259); ``ValueError`` says in one line why it is none.

    Refused beyond the grammar: numbers that have no finite value, text that has no UTF-8
    form, and nesting deeper than so many levels. Without ``twins`` so is a name that is given
    twice in one object; else the last one counts.
    """
    _refuse_depth(text, levels)
    reader = _READER if twins else _READER_WITHOUT_TWINS
    try:
        document = reader.decode(text)
        if "\\u" in text or not text.isascii():  # nothing else brings in what is no Unicode
            text_of(document).encode()
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos}") from None
    except UnicodeEncodeError:
        raise ValueError("not Unicode: a lone surrogate") from None
    if not isinstance(document, dict):
        raise ValueError(f"not a JSON object but {_kind(document)}")  # noqa: TRY004  bad text
    return document


def text_of(document: Any) -> str:
    """Write for a reader: compact, every character as itself."""
    return _WRITER.encode(document)


def ascii_of(document: Any) -> str:
    """Write for SQS, which refuses some characters that JSON allows: compact, ASCII only."""
    return _ASCII_WRITER.encode(document)


def _refuse_depth(text: str, levels: int) -> None:
    """Before it is parsed; brackets within strings do not count."""
    if text.count("{") + text.count("[") <= levels:
        return
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > levels:
            raise ValueError(f"nested deeper than {levels} levels")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"not JSON: {name} is no number")


def _made_without_twins(pairs: list[tuple[str, Any]]) -> Document:
    made = dict(pairs)
    if len(made) < len(pairs):
        twin = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"{twin[:40]!a} is given twice")
    return made


def _finite(literal: str) -> float:
    number = float(literal)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"not a finite number: {literal[:40]}")
    return number


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


_READER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
_READER_WITHOUT_TWINS = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_made_without_twins
)
_WRITER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_ASCII_WRITER = json.JSONEncoder(separators=(",", ":"))
