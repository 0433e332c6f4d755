"""Code in the JSON of an answer, for services that answer 200 also when they refuse a message."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakehook.domain.attempt import Outcome, Response, ResponseVerdict
from lakehook.domain.channels.webhook import interpret
from lakehook.domain.json_document import parse_json_object

_OK, _TAKEN = 200, 0
_WHOLE = re.compile("-?[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True)
class AnswerCode:
    """Meaning of a code; one that is not known is a rejection, which is retried."""

    outcome: Outcome
    reason: str
    wait_seconds: float = 60.0  # at least, if throttled: these services count by the minute


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


def interpret_code(
    response: Response, code: int | None, *, codes: Mapping[int, AnswerCode], now: float
) -> ResponseVerdict:
    """Interpret an answer of which only the code 0 in a 200 means that the message was taken."""
    usual = interpret(response, now=now)
    if response.status == _OK and code == _TAKEN:
        return ResponseVerdict(outcome=Outcome.DELIVERED)
    if code is not None and (known := codes.get(code)):
        is_throttled = known.outcome is Outcome.THROTTLED
        return ResponseVerdict(
            outcome=known.outcome,
            disable_requested=known.outcome is Outcome.GONE,
            retry_after=max(usual.retry_after or 0.0, known.wait_seconds) if is_throttled else None,
            reason=f"{code}, {known.reason}",
        )
    if usual.outcome is Outcome.DELIVERED or usual.disable_requested:
        return ResponseVerdict(outcome=Outcome.REJECTED, retry_after=usual.retry_after)
    return usual
