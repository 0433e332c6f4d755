"""A JSON object as we accept and write it: strict, finite, valid Unicode."""

import json
from typing import Any, NoReturn

Document = dict[str, Any]


def read_document(text: str) -> Document:
    """Parse one JSON object (RFC 8259); ``ValueError`` says in one line why it is none.

    Refused beyond the grammar: numbers that have no finite value, text that has no UTF-8
    form, and nesting deeper than the parser can follow.
    """
    try:
        document = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        text_of(document).encode()
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos}") from None
    except UnicodeEncodeError:
        raise ValueError("not Unicode: a lone surrogate") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError(f"not a JSON object but {_kind(document)}")  # noqa: TRY004  bad text
    return document


def text_of(document: Any) -> str:
    """Write for a reader: compact, every character as itself."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def ascii_of(document: Any) -> str:
    """Write for SQS, which refuses some characters that JSON allows: compact, ASCII only."""
    return json.dumps(document, separators=(",", ":"))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"not JSON: {name} is no number")


def _finite(literal: str) -> float:
    number = float(literal)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"not a finite number: {literal[:40]}")
    return number


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
