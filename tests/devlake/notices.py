"""A notice on its way (services/pipeline_notification_impl.go)."""

import hashlib
import secrets
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

NONCE_LENGTH = 16


@dataclass
class Notification:
    """A row of ``_devlake_notifications``: what was sent, and what came back, if anything did."""

    id: int
    endpoint: str
    nonce: str
    data: str
    secret: str = field(repr=False)
    response_code: int = 0
    response: str = ""

    @property
    def nouce(self) -> str:
        """The spelling is DevLake's."""
        return f"{self.id}-{self.nonce}"

    @property
    def url(self) -> str:
        """The ``?`` is appended, whatever the endpoint ends with."""
        sign = hashlib.sha256((self.data + self.secret + self.nouce).encode()).hexdigest()
        return f"{self.endpoint}?nouce={self.nouce}&sign={sign}"

    def post(self) -> bool:
        """``http.Post`` waits without a deadline; whether it was answered at all."""
        url = urlsplit(self.url)
        connection = HTTPConnection(url.hostname or "", url.port)
        try:
            connection.request(
                "POST",
                f"{url.path or '/'}?{url.query}",
                self.data.encode(),
                {"content-type": "application/json", "user-agent": "Go-http-client/1.1"},
            )
            answer = connection.getresponse()
            self.response_code, self.response = answer.status, answer.read().decode()
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()
        return True


def a_nonce(alphabet: str) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(NONCE_LENGTH))
