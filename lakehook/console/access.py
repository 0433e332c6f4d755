"""Access to the console: one user of this machine, and only from the console's own pages.

Any site that the user visits could post to 127.0.0.1, or reach it by a host name of its own (DNS
rebinding). So each request names this very host and brings the cookie for which a token was
exchanged; what changes something also comes from a page of ours, with a form's token.
"""

import secrets
from dataclasses import dataclass, field
from hmac import compare_digest

HOST = "127.0.0.1"
MAX_OPEN_FORMS = 2000
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # with "no-referrer" a form's own Origin would be "null"
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",  # a page may show a secret
}


def _new_token() -> str:
    return secrets.token_urlsafe(32)


@dataclass
class Access:
    """Access to the console; ``token`` admits the user who can read the printed URL."""

    port: int
    token: str = field(default_factory=_new_token, repr=False)
    _tickets: set[str] = field(default_factory=set, repr=False)
    _forms: dict[str, None] = field(default_factory=dict, repr=False)

    @property
    def url(self) -> str:
        return f"{self.origin}/?token={self.token}"

    @property
    def origin(self) -> str:
        return f"http://{HOST}:{self.port}"

    def new_key(self) -> str:
        """Create the key that signs cookies until the console ends."""
        return _new_token()

    def new_ticket_url(self) -> str:
        """Create a URL that works once: other users may see the arguments of a starting browser."""
        ticket = _new_token()
        self._tickets.add(ticket)
        return f"{self.origin}/?token={ticket}"

    def accepts_host(self, host: str | None) -> bool:
        return host in (f"{HOST}:{self.port}", f"localhost:{self.port}")

    def accepts_origin(self, origin: str | None) -> bool:
        return origin is not None and self.accepts_host(origin.removeprefix("http://"))

    def accepts_token(self, token: str) -> bool:
        if token in self._tickets:
            self._tickets.discard(token)
            return True
        return compare_digest(token.encode(), self.token.encode())

    def new_form(self) -> str:
        """Create a form's token. The oldest tokens are dropped when there are many."""
        token = _new_token()
        self._forms[token] = None
        while len(self._forms) > MAX_OPEN_FORMS:
            self._forms.pop(next(iter(self._forms)), None)
        return token

    def accepts_form(self, token: str | None, *, once: bool) -> bool:
        """Whether a form's token is valid; one that changes something is valid once."""
        is_known = token is not None and token in self._forms
        if is_known and once:
            self._forms.pop(str(token), None)
        return is_known
