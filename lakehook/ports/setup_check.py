"""Port of the set-up check, besides those of DevLake's API and of the journal."""

from typing import Protocol

from lakehook.domain.devlake.setup_check import EndpointAnswer


class PostNotice(Protocol):
    def __call__(self, url: str, query: str, body: bytes) -> EndpointAnswer:
        """Send a notification as DevLake does, once; failures are returned as values."""
