"""Destinations: HTTP endpoints and mailboxes, the requests to them, and how a URL is displayed.

Chat and automation services put the whole credential into the path or the query: anyone who reads
the URL can post. Of a known host, little of the path is displayed. Of other hosts, segments that
look random are hidden, and the values of the query.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit

from lakehook.domain.client_certificate import ClientCertificate
from lakehook.domain.errors import InvalidEndpoint
from lakehook.domain.ssrf_policy import Network, check_address

HIDDEN = "…"

# Displayed path segments, for a host and its subdomains.
_SEGMENTS_SHOWN = {
    "api.powerplatform.com": 1,
    "api.telegram.org": 0,  # /bot<token>/sendMessage
    "discord.com": 2,  # /api/webhooks/<id>/<token>
    "discordapp.com": 2,
    "hooks.slack.com": 1,  # /services/T…/B…/<token>
    "hooks.slack-gov.com": 1,
    "hooks.zapier.com": 2,  # /hooks/catch/<id>/<token>
    "logic.azure.com": 1,  # /workflows/<id>/triggers/…
    "make.com": 0,
    "maker.ifttt.com": 1,  # /trigger/<event>/with/key/<key>
    "ntfy.sh": 0,  # the topic is the credential
    "office.com": 1,  # /webhookb2/<id>@<tenant>/IncomingWebhook/<id>/<id>
    "office365.com": 1,
    "smee.io": 0,
    "webhook.site": 0,
}
_LOOKED_AT_FROM = 10
_WORD = r"(?:[a-z]{1,15}(?:[A-Z][a-z]{1,14})*|(?:[A-Z][a-z]{1,14})+|[A-Z]{1,15}|v?[0-9]{1,4})"
_WORDS = re.compile(rf"[._~]?{_WORD}(?:[-_.~+:]{_WORD})*[0-9]{{0,4}}")
# Matches what ``_WORDS`` takes for words although it is random: QxZpRt, or more than ten digits.
_DRAWN = re.compile(r"(?:[A-Z][a-z]){3}(?![a-z])|(?:[0-9][^0-9]*){11}")
MAX_URL_CHARACTERS = 2048
MAX_HOST_CHARACTERS = 253
_DEFAULT_PORTS = {"https": 443, "http": 80}
_PUBLIC_PORTS = (443, 8443)
_PLAIN = re.compile(r"[!-~]+")  # printable ASCII without spaces, as in RFC 3986
_FORBIDDEN = re.compile(r'["<>\\^`{|}]')
# URL parsers disagree about the host where more than this precedes the path. A zone (%) is not
# valid in a URL; container names contain underscores.
_AUTHORITY = re.compile(r"(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::[0-9]*)?", re.IGNORECASE)
_NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?")  # RFC 1035 section 2.3.4
SCHEME = "mailto:"
MAX_ADDRESSES = 10
MAX_CHARACTERS = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets
# The form that mail servers accept: RFC 5321's dot-atom, and a name of two labels or more.
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)


@dataclass(frozen=True, repr=False)
class Endpoint:
    """The parts of a URL that decide where a request goes."""

    url: str
    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> Self:
        """Parse a URL; ``InvalidEndpoint`` says in one line why it can't be called."""
        if not _PLAIN.fullmatch(url) or len(url) > MAX_URL_CHARACTERS:
            raise InvalidEndpoint(
                f"url: not 1 to {MAX_URL_CHARACTERS} printable ASCII characters without spaces"
            )
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:  # whose text repeats an invalid port, such as user:password
            raise InvalidEndpoint("url: not a host and a port, as in https://host:8443/") from None
        host = _validated_host(parts)
        if "#" in url:
            raise InvalidEndpoint("url: has a fragment (#), which no server ever sees")
        port = _DEFAULT_PORTS[parts.scheme] if port is None else port
        return cls(url, parts.scheme, host, port)

    def __repr__(self) -> str:
        return f"Endpoint({self.display_url!r})"

    @property
    def recipient(self) -> tuple[str, ...]:
        """Identity of the receiver: the origin (RFC 6454 section 4).

        At a host with many receivers by path, such as webhook.site, it is the whole URL.
        """
        origin = (self.scheme, self.host, str(self.port))
        is_shared = _segments_shown(self.host.rstrip(".")) is not None
        return (*origin, self.url) if is_shared else origin

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @cached_property  # read for each delivery
    def target(self) -> str:
        """Path and query, as the request line has them (RFC 9112 section 3.2.1).

        Only characters that no URI may contain are escaped (RFC 3986 section 2).
        """
        parts = urlsplit(self.url)
        question = "?" if "?" in self.url else ""
        written = f"{parts.path or '/'}{question}{parts.query}"
        return _FORBIDDEN.sub(lambda match: f"%{ord(match[0]):02X}", written)

    def check_addresses(
        self, addresses: Sequence[str], *, allowed_networks: Sequence[Network]
    ) -> None:
        """Raise ``InvalidEndpoint`` unless every address of the host may be called.

        A single forbidden address is enough to refuse: such a mix is a sign of an attack.
        """
        verdicts = [
            check_address(address, allowed_networks=allowed_networks) for address in addresses
        ]
        for verdict in verdicts:
            if not verdict.allowed:
                raise InvalidEndpoint(f"url: {verdict.reason}")
        if verdicts and all(verdict.opens for verdict in verdicts):
            return
        if self.scheme != "https":
            raise InvalidEndpoint("url: only https, unless the network is opened by setting")
        if self.port not in _PUBLIC_PORTS:
            raise InvalidEndpoint(
                f"url: port {self.port} is neither 443 nor 8443, and no opened network has it"
            )

    @property
    def host_only(self) -> str:
        """URL without anything behind its host, for hosts where all of that is the credential."""
        return f"{self.scheme}://{self.host_header}/{HIDDEN}"

    @property
    def display_url(self) -> str:
        """URL for people and logs, without parts that may be credentials."""
        return redact_url(self.url, host=self.host)


@dataclass(frozen=True)
class MailDestination:
    """Mail addresses: ``mailto:`` and addresses separated by commas (RFC 6068)."""

    url: str
    addresses: tuple[str, ...]

    @classmethod
    def parse(cls, url: str) -> Self:
        addresses = tuple(unquote(address) for address in url.removeprefix(SCHEME).split(","))
        for address in addresses:
            if len(address) > MAX_CHARACTERS or not _ADDRESS.fullmatch(address):
                raise InvalidEndpoint(
                    f"url: {address[:80]!a} is not an address as in mailto:me@team.example"
                )
        if len(addresses) > MAX_ADDRESSES or len(set(addresses)) < len(addresses):
            raise InvalidEndpoint(f"url: not 1 to {MAX_ADDRESSES} different addresses")
        return cls(url, addresses)

    @property
    def recipient(self) -> tuple[str, ...]:
        return tuple(sorted(self.addresses))

    @property
    def display_url(self) -> str:
        """URL for people and logs; an address is not a credential."""
        return self.url


Destination = Endpoint | MailDestination


@dataclass(frozen=True, kw_only=True)
class Mail:
    destination: MailDestination
    subject: str
    text: str = field(repr=False)
    html: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    deadline_seconds: float


@dataclass(frozen=True, kw_only=True)
class Request:
    """HTTP request; the bytes that were signed are the bytes that are sent."""

    endpoint: Endpoint = field(repr=False)  # a URL may be a credential
    headers: Mapping[str, str] = field(repr=False)  # signatures, and credentials of the receiver
    body: bytes = field(repr=False)
    deadline_seconds: float
    client_certificate: ClientCertificate | None = field(default=None, repr=False)


def redact_url(url: str, *, host: str) -> str:
    """Return a URL as it is displayed."""
    base, question, query = url.partition("?")
    scheme, _, authority, *segments = base.split("/")
    shown = "/".join([scheme, "", authority, *_shown_segments(host.rstrip("."), segments)])
    return f"{shown}?{_shown_query(query)}" if question else shown


def _shown_segments(host: str, segments: list[str]) -> list[str]:
    count = _segments_shown(host)
    masked = [_masked(segment) for segment in segments]
    return masked if count is None or len(masked) <= count else [*masked[:count], HIDDEN]


def _segments_shown(host: str) -> int | None:
    labels = host.split(".")
    names = (".".join(labels[start:]) for start in range(len(labels)))
    return next((_SEGMENTS_SHOWN[name] for name in names if name in _SEGMENTS_SHOWN), None)


def _shown_query(query: str) -> str:
    pairs = (pair.partition("=") for pair in query.split("&"))
    return "&".join(f"{_masked(name)}={HIDDEN}" if sign else HIDDEN for name, sign, _ in pairs)


def _masked(text: str) -> str:
    """Return the text if it is short, or consists of words and small numbers; else ``…``."""
    if len(text) < _LOOKED_AT_FROM:
        return text
    return text if _WORDS.fullmatch(text) and not _DRAWN.search(text) else HIDDEN


def _validated_host(parts: SplitResult) -> str:
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise InvalidEndpoint("url: not https://host/path")
    if "@" in parts.netloc:
        raise InvalidEndpoint("url: holds credentials; send them in a header")
    host = parts.hostname
    is_name = _NAME.fullmatch(host) and len(host.rstrip(".")) <= MAX_HOST_CHARACTERS
    if not _AUTHORITY.fullmatch(parts.netloc) or not (":" in host or is_name):
        raise InvalidEndpoint(f"url: {host} is not a host name")
    return host


def parse_destination(url: str) -> Destination:
    """Parse a URL; ``InvalidEndpoint`` says in one line why nothing can be sent there."""
    return MailDestination.parse(url) if url.startswith(SCHEME) else Endpoint.parse(url)
