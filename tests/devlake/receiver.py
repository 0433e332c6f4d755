"""A receiver that was written for DevLake: it checks the sign in the query, and reads the body."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Post:
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def notice(self) -> dict[str, Any]:
        notice: dict[str, Any] = json.loads(self.body)
        return notice

    @property
    def marks(self) -> str:
        """A star if Lakehook inferred it, a plus if it was read from DevLake's REST API."""
        marks = {"lakehook-inferred": "*", "lakehook-reconciled": "+"}
        return "".join(mark for name, mark in marks.items() if self.headers.get(name) == "true")


class OldReceiver(ThreadingHTTPServer):
    """Keeps what was signed with its secret, and refuses the rest."""

    daemon_threads = True

    def __init__(self, secret: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posts: list[Post] = []
        self._secret = secret

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/devlake"

    def of(self, pipeline: int) -> list[Post]:
        return [post for post in list(self.posts) if post.notice["PipelineID"] == pipeline]

    def take(self, query: str, post: Post) -> None:
        """Verify by DevLake's formula, and not by the code that is tested."""
        (nouce,), (sign,) = (parse_qs(query)[name] for name in ("nouce", "sign"))
        assert sha256(post.body + self._secret.encode() + nouce.encode()).hexdigest() == sign
        self.posts.append(post)


class _Handler(BaseHTTPRequestHandler):
    server: OldReceiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        post = Post(headers, self.rfile.read(int(headers["content-length"])))
        self.server.take(urlsplit(self.path).query, post)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def listening(secret: str) -> Iterator[OldReceiver]:
    with OldReceiver(secret) as server:
        thread = Thread(target=server.serve_forever, args=(0.1,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
