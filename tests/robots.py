"""Stand-ins for the chat services, which answer as theirs do.

Feishu: https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot, of 2025-03-27; the answer
to a wrong URL as in sansan0/TrendRadar#278.

DingTalk: https://open.dingtalk.com/document/group/custom-robot-access, with texts as in
timonwong/prometheus-webhook-dingtalk#197 and #30, x-cold/dingtalk-robot#7, ccfos/nightingale#369
and jenkinsci/dingtalk-plugin#116. That 300005 answers a wrong token is believed.

Teams: a flow answers 202 once its trigger has taken a request (atc0005/go-teams-notify#265), and
fails later without ``attachments`` (argoproj/argo-cd#18981). Its error codes are believed.

What the services compare is computed here by other means than in the channels.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lakehook.domain.attempt import Response
from lakehook.domain.destination import Request
from tests.fakes import FakeClock

TOKEN = "c4nary"
HOUR, MINUTE = 3600, 60


def answer(document: object, status: int = 200) -> Response:
    return Response(status=status, headers={}, body=json.dumps(document).encode())


def hmac_sha256(key: str, message: str) -> str:
    digest = hmac.new(key.encode(), message.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def texts(value: Any) -> Iterator[str]:
    """Yield the texts that keywords are searched in: not links."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name in ("text", "title", "content", "msg_type") and isinstance(member, str):
                yield member
            else:
                yield from texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from texts(member)


@dataclass
class Robot:
    """A robot of a group, with the security settings that its owner has chosen."""

    clock: FakeClock
    secret: str | None = None
    keyword: str = ""
    posted: list[Any] = field(default_factory=list)
    received_at: list[float] = field(default_factory=list)

    def lacks_keyword(self, message: Any) -> bool:
        return self.keyword not in "\n".join(texts(message))

    def is_too_fast(self, limit: int) -> bool:
        now = self.clock.now()
        self.received_at = [at for at in self.received_at if at > now - MINUTE] + [now]
        return len(self.received_at) > limit


class FeishuBot(Robot):
    def send(self, request: Request) -> Response:
        message = json.loads(request.body)
        if not urlsplit(request.endpoint.url).path.endswith(f"/{TOKEN}"):
            text = "param invalid: incoming webhook access token invalid"
            return answer({"code": 19001, "data": {}, "msg": text})
        if self.is_too_fast(100):
            return answer({"code": 11232, "data": {}, "msg": "frequency limited"})
        if self.secret is not None and not self._is_signed(message):
            text = "sign match fail or timestamp is not within one hour from current time"
            return answer({"code": 19021, "data": {}, "msg": text})
        if self.lacks_keyword(message):
            return answer({"code": 19024, "msg": "Key Words Not Found"})
        if len(request.body) > 20 * 1024 or message["msg_type"] not in ("interactive", "text"):
            return answer({"code": 9499, "msg": "Bad Request", "data": {}})
        self.posted.append(message)
        old = {"StatusCode": 0, "StatusMessage": "success"}
        return answer({**old, "code": 0, "data": {}, "msg": "success"})

    def _is_signed(self, message: Any) -> bool:
        at = message.get("timestamp", "0")
        is_fresh = abs(int(at) - self.clock.now()) <= HOUR
        return is_fresh and message["sign"] == hmac_sha256(f"{at}\n{self.secret}", "")


class DingTalkRobot(Robot):
    banned_until = 0.0

    def send(self, request: Request) -> Response:
        query = parse_qs(urlsplit(request.endpoint.url).query)
        if query["access_token"] != [TOKEN]:
            return answer({"errcode": 300005, "errmsg": "token is not exist"})
        if reason := self._refusal(query, json.loads(request.body)):
            return answer({"errcode": 310000, "errmsg": reason})
        if self.is_too_fast(20):
            self.banned_until = self.clock.now() + 10 * MINUTE
        if self.clock.now() < self.banned_until:
            return answer(
                {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"}
            )
        if len(request.body) > 20_000:
            return answer({"errcode": 460101, "errmsg": "message too long, exceed 20000 bytes"})
        self.posted.append(json.loads(request.body))
        return answer({"errcode": 0, "errmsg": "ok"})

    def _refusal(self, query: dict[str, list[str]], message: Any) -> str:
        (at,), (sign,) = query.get("timestamp", ["0"]), query.get("sign", [""])
        if self.secret is not None and abs(int(at) / 1000 - self.clock.now()) > HOUR:
            return "invalid timestamp"
        if self.secret is not None and sign != hmac_sha256(self.secret, f"{at}\n{self.secret}"):
            return "sign not match"
        return "keywords not in content" if self.lacks_keyword(message) else ""


class TeamsFlow(Robot):
    """A flow that posts each card of a request; ``failed_runs`` are in its history alone."""

    state = "Enabled"
    failed_runs = 0

    def send(self, request: Request) -> Response:
        query = parse_qs(urlsplit(request.endpoint.url).query)
        if query.get("sig") != [TOKEN]:
            return answer({"error": {"code": "DirectApiAuthorizationRequired"}}, 401)
        if self.state != "Enabled":
            text = f"Could not execute workflow trigger: it is in state '{self.state}'."
            code = "WorkflowTriggerIsNotEnabled"
            return answer({"error": {"code": code, "message": text}}, 400)
        cards = json.loads(request.body).get("attachments")
        if cards is None or len(request.body) > 28 * 1024:
            self.failed_runs += 1
        else:
            self.posted += [card["content"] for card in cards]
        return Response(status=202, headers={}, body=b"")
