"""Where a subscriber listens: a URL that has been judged, and how it is shown."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self
from urllib.parse import SplitResult, urlsplit

from lakehook.domain.address import Network, judge_address
from lakehook.domain.errors import BadEndpoint
from lakehook.domain.redaction import HIDDEN, redacted

MAX_URL_CHARACTERS = 2048
MAX_HOST_CHARACTERS = 253
_DEFAULT_PORTS = {"https": 443, "http": 80}
_PUBLIC_PORTS = (443, 8443)
_PLAIN = re.compile(r"[!-~]+")  # printable ASCII without spaces, as in RFC 3986
_UNFIT = re.compile(r'["<>\\^`{|}]')
# Other parsers see other hosts where more than this stands before the path. A zone (%) is none
# of a URL's business; an underscore is in the names of containers.
_AUTHORITY = re.compile(r"(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::[0-9]*)?", re.IGNORECASE)
_NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?")  # RFC 1035 section 2.3.4


@dataclass(frozen=True, repr=False)
class Endpoint:
    """The parts of a URL that decide where a request goes."""

    url: str
    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read a URL; ``BadEndpoint`` says in one line why it is none that could be called."""
        if not _PLAIN.fullmatch(url) or len(url) > MAX_URL_CHARACTERS:
            raise BadEndpoint(
                f"url: not 1 to {MAX_URL_CHARACTERS} printable ASCII characters without spaces"
            )
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise BadEndpoint(f"url: {error}") from None
        host = _checked_host(parts)
        if "#" in url:
            raise BadEndpoint("url: has a fragment (#), which no server ever sees")
        port = _DEFAULT_PORTS[parts.scheme] if port is None else port
        return cls(url, parts.scheme, host, port)

    def __repr__(self) -> str:
        return f"Endpoint({self.shown!r})"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Who is asked: https://www.rfc-editor.org/rfc/rfc6454#section-4."""
        return self.scheme, self.host, self.port

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @cached_property  # each delivery asks for it
    def target(self) -> str:
        """The path and the query, as the request line has them (RFC 9112 section 3.2.1).

        As they are written, but for what no URI may hold as it is (RFC 3986 section 2).
        """
        parts = urlsplit(self.url)
        question = "?" if "?" in self.url else ""
        written = f"{parts.path or '/'}{question}{parts.query}"
        return _UNFIT.sub(lambda found: f"%{ord(found[0]):02X}", written)

    def judge(self, addresses: Sequence[str], *, opened: Sequence[Network]) -> None:
        """Refuse (``BadEndpoint``) unless every address the host has may be called this way.

        One forbidden answer among good ones is a refusal: whoever mixes them is up to no good.
        """
        verdicts = [judge_address(address, opened=opened) for address in addresses]
        for verdict in verdicts:
            if not verdict.allowed:
                raise BadEndpoint(f"url: {verdict.reason}")
        if verdicts and all(verdict.opened for verdict in verdicts):
            return
        if self.scheme != "https":
            raise BadEndpoint("url: only https, unless the network is opened by setting")
        if self.port not in _PUBLIC_PORTS:
            raise BadEndpoint(
                f"url: port {self.port} is neither 443 nor 8443, and no opened network has it"
            )

    @property
    def host_alone(self) -> str:
        """The URL where all behind its host is the credential."""
        return f"{self.scheme}://{self.host_header}/{HIDDEN}"

    @property
    def shown(self) -> str:
        """The URL for people and logs, without what may be a credential."""
        return redacted(self.url, host=self.host)


def _checked_host(parts: SplitResult) -> str:
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise BadEndpoint("url: not https://host/path")
    if "@" in parts.netloc:
        raise BadEndpoint("url: holds credentials; send them in a header")
    host = parts.hostname
    is_name = _NAME.fullmatch(host) and len(host.rstrip(".")) <= MAX_HOST_CHARACTERS
    if not _AUTHORITY.fullmatch(parts.netloc) or not (":" in host or is_name):
        raise BadEndpoint(f"url: {host} is no host name")
    return host
