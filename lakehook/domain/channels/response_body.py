"""Bodies that decide what an answer of 200 means, for services that answer so and refuse.

The condition ``success_if`` of a subscription has the syntax of a filter's pattern. An empty body
counts as an object without fields, so that a condition on a field that must be absent accepts a
204. Any other body must be a JSON object, and whole: what did not arrive may be the refusal. A body
over the transport's limit never gets here: it is the outcome ``response_too_large``.

The channels of chat services know the codes of their service, in the JSON of its answers.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from lakehook.domain.attempt import Outcome, Response, ResponseVerdict
from lakehook.domain.channels.webhook import interpret, requests_abort
from lakehook.domain.errors import InvalidSubscription
from lakehook.domain.event_pattern import PatternExhausted, compile_pattern
from lakehook.domain.json_document import Document, expand_names, parse_json_object

MAX_CONDITIONS = 1000
"""Fewer than of a filter: it is compiled for each response, as patterns do not share threads."""


def parse_success_condition(text: str) -> str:
    """Validate a condition, and return it."""
    try:
        compile_pattern(text, max_conditions=MAX_CONDITIONS)
    except InvalidSubscription as error:
        raise InvalidSubscription(f"success_if: {str(error).removeprefix('pattern: ')}") from None
    return text


def with_condition(verdict: ResponseVerdict, response: Response, condition: str) -> ResponseVerdict:
    """Return the verdict of a success whose body must match; a mismatch is as any failure."""
    reason = _mismatch(response, condition) if verdict.outcome.is_success else ""
    if not reason:
        return verdict
    return ResponseVerdict(
        outcome=Outcome.ABORTED if requests_abort(response) else Outcome.REJECTED,
        disable_requested=verdict.disable_requested,
        retry_after=verdict.retry_after,
        reason=f"{response.status}, but {reason}",
    )


def _mismatch(response: Response, condition: str) -> str:
    """Return why a body does not match, or nothing if it does."""
    try:
        matches = compile_pattern(condition)
    except InvalidSubscription:  # written by a later release
        return ""
    if not response.is_whole:
        return "the body broke off, so success_if cannot be judged"
    try:
        document = expand_names(_document(response.body))
    except ValueError:
        return "the body is not a JSON object, so it does not match success_if"
    try:
        return "" if matches(document) else "the body does not match success_if"
    except PatternExhausted:
        return "the body has too many elements to match success_if"


def _document(body: bytes) -> Document:
    """Parse a body; text in another encoding, such as GBK, does not hide the code beside it."""
    text = body.decode("utf-8-sig", errors="replace").strip()
    return parse_json_object(text) if text else {}


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
        case int() | float() | Decimal() if code == int(code):
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
