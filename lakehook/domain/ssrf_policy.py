"""SSRF policy: which addresses a request may go to.

Every address is public unless a range of the table says why not. ``ipaddress.is_global`` does not
suffice: CPython 3.11 takes ``64:ff9b::7f00:1`` (127.0.0.1 behind NAT64) or multicast for global. An
address that embeds others is checked by them.

The ranges are those of IANA's two registries of special-purpose addresses, with multicast and
deprecated ranges; of IPv6, everything but global unicast. AS112, AMT and the anycasts within
192.0.0.0/24 are globally reachable and still listed: they are network infrastructure without
subscribers. https://www.iana.org/assignments/iana-ipv4-special-registry
https://www.iana.org/assignments/iana-ipv6-special-registry
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052 section 2.1
_ISATAP = (bytes.fromhex("00005efe"), bytes.fromhex("02005efe"))  # RFC 5214 section 6.1


@dataclass(frozen=True)
class ReservedNetwork:
    """A range that is never called, and why."""

    network: IPv4Network | IPv6Network
    name: str
    source: str

    def __str__(self) -> str:
        return f"{self.name}, {self.source}"


# The first match gives the reason.
RESERVED_NETWORKS: tuple[ReservedNetwork, ...] = tuple(
    ReservedNetwork(ip_network(network), name, source)
    for network, name, source in (
        ("0.0.0.0/8", "this network", "RFC 1122 section 3.2.1.3"),
        ("10.0.0.0/8", "private", "RFC 1918"),
        ("100.64.0.0/10", "carrier-grade NAT", "RFC 6598"),
        ("127.0.0.0/8", "loopback", "RFC 1122 section 3.2.1.3"),
        ("169.254.0.0/16", "link-local, with the cloud's metadata", "RFC 3927"),
        ("172.16.0.0/12", "private", "RFC 1918"),
        ("192.0.0.0/24", "protocol assignments", "RFC 6890"),
        ("192.0.2.0/24", "documentation", "RFC 5737"),
        ("192.31.196.0/24", "AS112", "RFC 7535"),
        ("192.52.193.0/24", "multicast tunnelling (AMT)", "RFC 7450"),
        ("192.88.99.0/24", "6to4 relay anycast", "RFC 7526"),
        ("192.168.0.0/16", "private", "RFC 1918"),
        ("192.175.48.0/24", "AS112", "RFC 7534"),
        ("198.18.0.0/15", "benchmarking", "RFC 2544"),
        ("198.51.100.0/24", "documentation", "RFC 5737"),
        ("203.0.113.0/24", "documentation", "RFC 5737"),
        ("224.0.0.0/4", "multicast", "RFC 5771"),
        ("255.255.255.255/32", "limited broadcast", "RFC 919"),
        ("240.0.0.0/4", "reserved", "RFC 1112 section 4"),
        ("::/128", "unspecified", "RFC 4291 section 2.5.2"),
        ("::1/128", "loopback", "RFC 4291 section 2.5.3"),
        ("::/96", "IPv4-compatible, deprecated", "RFC 4291 section 2.5.5.1"),
        ("::ffff:0:0:0/96", "IPv4-translated", "RFC 2765 section 2.1"),
        ("64:ff9b:1::/48", "local-use NAT64", "RFC 8215"),
        ("100::/64", "discard-only", "RFC 6666"),
        ("100:0:0:1::/64", "dummy prefix", "RFC 9780"),
        ("2001::/23", "protocol assignments", "RFC 2928"),
        ("2001:db8::/32", "documentation", "RFC 3849"),
        ("2620:4f:8000::/48", "AS112", "RFC 7534"),
        ("3fff::/20", "documentation", "RFC 9637"),
        ("5f00::/16", "segment routing", "RFC 9602"),
        ("fc00::/7", "unique local, with the cloud's metadata", "RFC 4193"),
        ("fe80::/10", "link-local", "RFC 4291 section 2.5.6"),
        ("fec0::/10", "site-local", "RFC 3879"),
        ("ff00::/8", "multicast", "RFC 4291 section 2.7"),
        # The rest of IPv6 outside 2000::/3.
        ("::/3", "not global unicast", "RFC 4291 section 2.4"),
        ("4000::/2", "not global unicast", "RFC 4291 section 2.4"),
        ("8000::/1", "not global unicast", "RFC 4291 section 2.4"),
    )
)


@dataclass(frozen=True)
class AddressDecision:
    """Whether an address may be called, and why not."""

    allowed: bool
    opens: bool = False  # listed by an operator: allows http and any port
    reason: str = ""


def parse_networks(names: Sequence[str]) -> tuple[Network, ...]:
    """Parse networks such as ``10.2.0.0/16``; ``ValueError`` names the invalid one."""
    return tuple(ip_network(name) for name in names)


def valid_networks(names: Sequence[str], *, warn: Callable[[str], None]) -> tuple[Network, ...]:
    """Parse the networks of a setting that is already in force, and must not stop the function.

    Host bits (``10.2.0.1/16``) are ignored. An invalid network allows nothing and is warned of
    once.
    """
    networks, invalid = [], []
    for name in names:
        try:
            networks.append(ip_network(name, strict=False))
        except ValueError:
            invalid.append(name)
    if invalid:
        warn(
            "AllowedNetworks: not a network, so it allows nothing:"
            f" {', '.join(map(ascii, invalid))}"
        )
    return tuple(networks)


def check_address(text: str, *, allowed_networks: Sequence[Network] = ()) -> AddressDecision:
    """Decide on one address of a DNS answer, by the address that it embeds, if any."""
    return _check(text, tuple(allowed_networks))


@lru_cache(maxsize=1024)  # deliveries go to the same few addresses
def _check(text: str, opened: tuple[Network, ...]) -> AddressDecision:
    address = ip_address(text.partition("%")[0])
    for passed in _transitional_address(address):
        if rule := _blocking_rule(passed, opened):
            return AddressDecision(allowed=False, reason=f"{passed} is never called: {rule}")
    reached = _embedded_address(address)
    if _is_in(opened, reached):
        return AddressDecision(allowed=True, opens=True)
    if rule := _blocking_rule(reached, ()):
        return AddressDecision(allowed=False, reason=f"{reached} is never called: {rule}")
    return AddressDecision(allowed=True)


def _embedded_address(address: Address) -> Address:
    """The IPv4 address that a transition mechanism would reach, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    teredo = address.teredo  # RFC 4380: (server, client)
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def _transitional_address(address: Address) -> Iterator[IPv4Address]:
    """Yield other hosts that would get a packet: a Teredo server, an ISATAP tunnel's IPv4 end."""
    if isinstance(address, IPv4Address):
        return
    if address.teredo:
        yield address.teredo[0]
    elif address.packed[8:12] in _ISATAP:
        yield IPv4Address(address.packed[12:])


def _blocking_rule(address: Address, opened: Sequence[Network]) -> ReservedNetwork | None:
    if _is_in(opened, address):
        return None
    return next((rule for rule in RESERVED_NETWORKS if address in rule.network), None)


def _is_in(networks: Sequence[Network], address: Address) -> bool:
    return any(address in network for network in networks)
