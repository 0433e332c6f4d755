"""Code in the JSON of an answer, for services that answer 200 also when they refuse a message."""

import re
from collections.abc import Sequence

from lakehook.domain.json_document import parse_json_object

_WHOLE = re.compile("-?[0-9]{1,9}", re.ASCII)


def answer_code(body: bytes, names: Sequence[str]) -> int | None:
    """Return the first of these members that the body has; None if it is not a whole number.

    However it is spelled: a message that was taken is not sent again for a ``"0"`` or a ``0.0``.
    """
    try:
        document = parse_json_object(body.decode("utf-8-sig", errors="replace"))
    except ValueError:
        return None
    code = next((document[name] for name in names if name in document), None)
    match code:
        case bool():
            return None
        case str() if _WHOLE.fullmatch(code):
            return int(code)
        case int() | float() if code == int(code):
            return int(code)
    return None
