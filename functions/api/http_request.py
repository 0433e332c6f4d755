"""HTTP request of the function URL: who calls, and whether the request can be served.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote, unquote

from lakehook.domain.errors import InvalidInput
from lakehook.domain.json_document import Document, parse_json_object

MAX_BYTES = 256 * 1024
JSON = "application/json"
_HOLDING_A_SLASH, _SPLIT_IN, _ACTION = ("pipelines", "deliveries"), 4, "send"
"""Only this action stands below a pipeline or a delivery: other segments are its id."""


class InvalidBody(InvalidInput):
    """A body that is not a JSON object."""


class BodyTooLarge(InvalidInput):
    """A body that is too large to be read."""


class NotJson(InvalidInput):
    """A body of another type."""


@dataclass(frozen=True)
class HttpRequest:
    event: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Self:
        """Build a request whose path segments are percent-encoded again, as Lambda decodes some.

        A delivery's id contains ``#``, which a path must encode, and ``/`` if its pipeline has a
        named source.
        """
        return cls({**event, "rawPath": _encoded(event["rawPath"])})

    @property
    def method(self) -> str:
        return str(self.event["requestContext"]["http"]["method"])

    @property
    def path(self) -> str:
        return unquote(self.event["rawPath"])

    @property
    def principal(self) -> str | None:
        """ARN whose signature IAM has accepted; None on a laptop, which does not authenticate."""
        authorizer = self.event["requestContext"].get("authorizer") or {}
        return (authorizer.get("iam") or {}).get("userArn")

    def readable(self) -> dict[str, Any]:
        """Return the event with its body as text, or raise an error why it is not read."""
        body = self.event.get("body") or ""
        if not body:
            return dict(self.event)
        self._refuse_other_types()
        encoded = self.event.get("isBase64Encoded", False)
        _refuse_length(len(body) * 3 // 4 if encoded else len(body))
        text = _text(body) if encoded else body
        return {**self.event, "body": text, "isBase64Encoded": False}

    def _refuse_other_types(self) -> None:
        content_type = str(self.event.get("headers", {}).get("content-type", JSON))
        if content_type.partition(";")[0].strip().lower() != JSON:
            raise NotJson(f"content-type: {content_type[:40]!a} is not {JSON}")


def _encoded(path: str) -> str:
    segments = [quote(unquote(segment), safe="") for segment in path.split("/")]
    is_action = len(segments) >= _SPLIT_IN and segments[-1] == _ACTION
    action = [segments.pop()] if is_action else []
    is_split = len(segments) == _SPLIT_IN and all(segments[1:])
    if is_split and segments[1] in _HOLDING_A_SLASH:
        segments[2:] = [quote("/", safe="").join(segments[2:])]
    return "/".join([*segments, *action])


def _refuse_length(length: int) -> None:
    if length > MAX_BYTES:
        raise BodyTooLarge(f"body: more than {MAX_BYTES} bytes")


def _text(body: str) -> str:
    try:
        return base64.b64decode(body).decode()
    except ValueError:
        raise InvalidBody("body: not UTF-8") from None


def parse_body(text: str) -> Document:
    try:
        return parse_json_object(text)
    except ValueError as error:
        raise InvalidBody(f"body: {error}") from None
