"""SQS on loopback as far as a producer sees it, with the latency of SQS.

``python -m bench.slow_sqs 8`` answers each call after 8 ms; it prints its port first.
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one packet
    seconds = 0.0

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        time.sleep(self.seconds)
        body = json.dumps(_answer(request)).encode()
        self.send_response(200)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    result = {"MessageId": "m", "MD5OfMessageBody": "", "SequenceNumber": "1"}
    if "Entries" not in request:
        return result
    return {"Successful": [{"Id": entry["Id"], **result} for entry in request["Entries"]]}


def main() -> None:
    Handler.seconds = float(sys.argv[1]) / 1000
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
