"""Success condition: what the body of a 2xx must look like, for services that answer 200 and fail.

It has the syntax of a filter's pattern. An empty body counts as an object without fields, so that a
condition on a field that must be absent accepts a 204. Any other body must be a JSON object, and
whole: what did not arrive may be the refusal. A body over the transport's limit never gets here: it
is the outcome ``response_too_large``.
"""

from lakehook.domain.attempt import Outcome, Response, ResponseVerdict
from lakehook.domain.channels.webhook import requests_abort
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
