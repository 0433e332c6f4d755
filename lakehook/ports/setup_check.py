"""Port of the set-up check, besides those of DevLake's API and of the journal."""

from typing import Protocol

from lakehook.domain.devlake.setup_check import EndpointAnswer


class PostNotice(Protocol):
    def __call__(self, url: str, query: str, body: bytes) -> EndpointAnswer:
        """Send a notice as DevLake does, once; what came of it is a value, whatever it is."""
