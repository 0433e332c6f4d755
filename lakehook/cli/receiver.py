"""Receiver of ``lakehook listen``: verifies a delivery, answers or forwards it, prints a line."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3

from lakehook.adapters.http.server import CannedResponse
from lakehook.cli.output import Output, describe_event, write
from lakehook.domain.errors import InvalidInput
from lakehook.domain.signing import VerifyingKey
from lakehook.domain.verification import (
    TOLERANCE_SECONDS,
    CapturedRequest,
    verify_request,
)
from lakehook.ports.system import Clock

ACCEPTED, UNAUTHORIZED, NOT_FORWARDED = 204, 401, 500
MAX_ANSWER_BYTES = 64 * 1024
MAX_SHOWN = 40
FORWARD_SECONDS = 60.0
_HOP_BY_HOP = frozenset(
    {"accept-encoding", "connection", "content-length", "host", "transfer-encoding"}
)
_ANSWER_HEADERS = ("content-type", "retry-after", "webhook-delivery")


@dataclass(frozen=True)
class Forwarder:
    """Forwards a delivery unchanged, and returns the target's response."""

    url: str
    pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(retries=False, timeout=FORWARD_SECONDS)
    )

    @classmethod
    def parse(cls, url: str) -> "Forwarder":
        parsed = urllib3.util.parse_url(url)
        if parsed.scheme not in {"http", "https"} or not parsed.host:
            raise InvalidInput(
                f"forward to: {url[:80]!a} is not a URL such as http://localhost:3000/hook"
            )
        return cls(url)

    def __call__(self, headers: Mapping[str, str], body: bytes) -> tuple[CannedResponse, str]:
        """Return the response, and a note on it."""
        kept = {name: value for name, value in headers.items() if name not in _HOP_BY_HOP}
        try:
            answer = self.pool.request(
                "POST", self.url, body=body, headers=kept, redirect=False, preload_content=False
            )
            content = answer.read(MAX_ANSWER_BYTES)
            answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            reason = str(getattr(error, "reason", None) or error)
            return CannedResponse(NOT_FORWARDED), f"no answer from {self.url}: {reason}"
        returned = {name: value for name in _ANSWER_HEADERS if (value := answer.headers.get(name))}
        return CannedResponse(answer.status, returned, content), ""


@dataclass(frozen=True, kw_only=True)
class AnswerPolicy:
    """Policy of the responses to deliveries."""

    forward: Forwarder | None = None
    fail: int | None = None  # the status of every response
    slow_seconds: float = 0.0  # before each response


@dataclass
class DevelopmentReceiver:
    """Receiver that handles requests of several threads."""

    policy: AnswerPolicy
    clock: Clock
    output: Output
    key: VerifyingKey | None = None  # None until the subscription exists
    seen: set[str] = field(default_factory=set)
    on_delivery: Callable[[], None] = lambda: None

    def take(self, headers: Mapping[str, str], body: bytes) -> CannedResponse:
        response, note = self._answer(headers, body)
        self._print(headers, _document(body), response.status, note)
        self.on_delivery()
        return response

    def _answer(self, headers: Mapping[str, str], body: bytes) -> tuple[CannedResponse, str]:
        if problem := self._problem(headers, body):
            return CannedResponse(UNAUTHORIZED, {}, b"not verified"), f"not verified: {problem}"
        if self.policy.slow_seconds:
            self.clock.sleep(self.policy.slow_seconds)
        if self.policy.fail is not None:
            return CannedResponse(self.policy.fail), "as --fail says"
        if self.policy.forward:
            return self.policy.forward(headers, body)
        challenge = _document(body).get("challenge")
        if isinstance(challenge, str):
            return CannedResponse(200, {"content-type": "text/plain"}, challenge.encode()), "echoed"
        return CannedResponse(ACCEPTED), ""

    def _problem(self, headers: Mapping[str, str], body: bytes) -> str:
        if self.key is None:
            return "there is no subscription yet"
        request = CapturedRequest(headers=headers, body=body)
        failure = verify_request(
            request, self.key, now=self.clock.now(), tolerance_seconds=TOLERANCE_SECONDS
        )
        return f"{failure.detail}{failure.hint and '; '}{failure.hint}" if failure else ""

    def _print(
        self, headers: Mapping[str, str], document: Mapping[str, Any], status: int, note: str
    ) -> None:
        delivery_id = headers.get("webhook-id", "")
        notes = [*(["repeat"] if delivery_id in self.seen else []), *([note] if note else [])]
        self.seen.add(delivery_id)
        if self.output is Output.JSON:
            fields = {"webhook_id": delivery_id, "status": status, "note": "; ".join(notes) or None}
            write(json.dumps({**fields, "event": document}))
            return
        remark = f"  {'; '.join(notes)}" if notes else ""
        write(f"{describe_event(document, at=self.clock.now())} -> {status}{remark}")


def _document(body: bytes) -> dict[str, Any]:
    """Parse the JSON object of a body; a template may produce anything else."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {"event_type": body[:MAX_SHOWN].decode(errors="replace")}
    return document if isinstance(document, dict) else {"event_type": str(document)[:MAX_SHOWN]}
