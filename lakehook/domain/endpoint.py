"""Where a subscriber listens: a URL that has been judged, and how it is shown."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from lakehook.domain.address import Network, judge_address
from lakehook.domain.errors import BadEndpoint

MAX_URL_CHARACTERS = 2048
_DEFAULT_PORTS = {"https": 443, "http": 80}
_PUBLIC_PORTS = (443, 8443)
_CREDENTIAL_IN_PATH = ("hooks.slack.com", "discord.com", "api.telegram.org")
_PLAIN = re.compile(r"[!-~]+")  # printable ASCII without spaces, as in RFC 3986


@dataclass(frozen=True)
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
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise BadEndpoint("url: not https://host/path")
        if parts.username is not None or parts.password is not None:
            raise BadEndpoint("url: holds credentials; send them in a header")
        if parts.fragment:
            raise BadEndpoint("url: has a fragment (#), which no server ever sees")
        port = _DEFAULT_PORTS[parts.scheme] if port is None else port
        return cls(url, parts.scheme, parts.hostname, port)

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

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
    def shown(self) -> str:
        """The URL for people and logs, without what may be a credential.

        Of a query the names stay; of a path, where hosts are known to put one there, the first
        segment.
        """
        base, question, query = self.url.partition("?")
        if self.host in _CREDENTIAL_IN_PATH:
            base = "/".join([*base.split("/")[:4], "…"])
        if not question:
            return base
        pairs = (pair.partition("=") for pair in query.split("&"))
        return f"{base}?{'&'.join(f'{name}=…' if equals else '…' for name, equals, _ in pairs)}"
