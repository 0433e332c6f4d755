"""Where a subscription's messages go: an endpoint of HTTP, or mailboxes."""

from lakehook.domain.endpoint import Endpoint
from lakehook.domain.mail import SCHEME, Mailbox

Destination = Endpoint | Mailbox


def destination_of(url: str) -> Destination:
    """Read a URL; ``BadEndpoint`` says in one line why nothing could be sent there."""
    return Mailbox.parse(url) if url.startswith(SCHEME) else Endpoint.parse(url)
