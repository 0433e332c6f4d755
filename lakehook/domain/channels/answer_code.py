"""Code in the JSON of an answer, for services that answer 200 also when they refuse a message."""

from collections.abc import Sequence

from lakehook.domain.json_document import parse_json_object


def answer_code(body: bytes, names: Sequence[str]) -> int | None:
    """Return the first of these members that the body has; None if it is not a whole number."""
    try:
        document = parse_json_object(body.decode())
    except ValueError:
        return None
    code = next((document[name] for name in names if name in document), None)
    return code if isinstance(code, int) and not isinstance(code, bool) else None
