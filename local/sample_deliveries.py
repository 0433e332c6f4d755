"""Signed sample deliveries for receivers' tests: ``python -m local.sample_deliveries FOLDER``.

They are of one moment and one secret, which is known and worth nothing.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from lakehook.domain.channels.webhook import render, request_headers
from lakehook.domain.destination import Endpoint
from lakehook.domain.event import EventType
from lakehook.domain.queue_message import Ping
from lakehook.domain.sample import sample_delivery, sample_event
from lakehook.domain.signing import HmacSecret
from lakehook.domain.subscription import Subscription
from lakehook.domain.time import format_rfc3339

AT = 1_767_268_800.0  # 2026-01-01T12:00:00Z
SECRET = HmacSecret(b"lakehook sample deliveries only!")
SUBSCRIPTION = Subscription(
    id="sub_sample", name="sample", endpoint=Endpoint.parse("https://receiver.example/hook")
)


def files() -> Iterator[tuple[str, str]]:
    """The name of each file, and what is in it."""
    yield "secret.txt", f"{SECRET.reveal()}\n"
    for event_type in EventType:
        delivery = sample_delivery(sample_event(event_type), SUBSCRIPTION)
        yield f"{event_type}.json", _request(delivery.id, render(delivery))
    for name, challenge in (("PING", None), ("PING-challenge", "3f6c0a-please-echo-me")):
        ping = Ping(SUBSCRIPTION.id, name.lower(), format_rfc3339(AT), challenge)
        yield f"{name}.json", _request(ping.id, ping.body)


def _request(message_id: str, body: bytes) -> str:
    headers = request_headers(message_id=message_id, at=AT, body=body, secrets=[SECRET])
    headers.pop("user-agent")  # it says the release
    request = {"headers": headers, "body": body.decode()}
    return json.dumps(request, indent=2, ensure_ascii=False) + "\n"


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
