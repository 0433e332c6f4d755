"""HTTP handler of the embedded cloud: keeps connections open, and logs only errors.

werkzeug closes each connection after one response, since it cannot know whether the request was
read to its end. Here it always is. A new connection would cost as much as a request.
"""

from collections.abc import Callable
from io import BytesIO
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler

Headers = list[tuple[str, str]]


class KeepAliveHandler(MotoRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # sends a response in one piece
    disable_nagle_algorithm = True  # and does not wait for an ACK

    def run_wsgi(self) -> None:
        environ = self.make_environ()
        environ["wsgi.input"] = BytesIO(self._body(environ))
        body = b"".join(self.server.app(environ, self._start_response))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def _body(self, environ: dict[str, Any]) -> bytes:
        if environ.get("wsgi.input_terminated"):  # chunked: the stream knows its end
            return bytes(environ["wsgi.input"].read())
        return self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0))

    def _start_response(
        self, status: str, headers: Headers, _exc_info: Any = None
    ) -> Callable[[bytes], object]:
        code, _, reason = status.partition(" ")
        self.send_response_only(int(code), reason)
        for name, value in headers:
            if name.lower() not in {"content-length", "connection"}:
                self.send_header(name, value)
        return self.wfile.write
