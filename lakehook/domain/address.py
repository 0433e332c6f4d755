"""Which addresses a request may go to: every one is public unless a rule below says why not.

``ipaddress.is_global`` is no such rule: CPython 3.11 takes ``64:ff9b::7f00:1`` (127.0.0.1 behind
NAT64) or multicast for global. So each range stands here, with the document that sets it apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# (range, what it is, where that is said). The first match is the reason that is given.
_NEVER_CALLED: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), f"{name}, {source}")
    for network, name, source in (
        ("0.0.0.0/8", "this network", "RFC 1122 section 3.2.1.3"),
        ("10.0.0.0/8", "private", "RFC 1918"),
        ("100.64.0.0/10", "carrier-grade NAT", "RFC 6598"),
        ("127.0.0.0/8", "loopback", "RFC 1122 section 3.2.1.3"),
        ("169.254.0.0/16", "link-local, with the cloud's metadata", "RFC 3927"),
        ("172.16.0.0/12", "private", "RFC 1918"),
        ("192.0.0.0/24", "protocol assignments", "RFC 6890"),
        ("192.0.2.0/24", "documentation", "RFC 5737"),
        ("192.88.99.0/24", "6to4 relay anycast", "RFC 7526"),
        ("192.168.0.0/16", "private", "RFC 1918"),
        ("198.18.0.0/15", "benchmarking", "RFC 2544"),
        ("198.51.100.0/24", "documentation", "RFC 5737"),
        ("203.0.113.0/24", "documentation", "RFC 5737"),
        ("224.0.0.0/4", "multicast", "RFC 5771"),
        ("240.0.0.0/4", "reserved", "RFC 1112 section 4"),
        ("::/128", "unspecified", "RFC 4291 section 2.5.2"),
        ("::1/128", "loopback", "RFC 4291 section 2.5.3"),
        ("64:ff9b:1::/48", "local-use NAT64", "RFC 8215"),
        ("100::/64", "discard-only", "RFC 6666"),
        ("2001::/23", "protocol assignments", "RFC 2928"),
        ("2001:db8::/32", "documentation", "RFC 3849"),
        ("3fff::/20", "documentation", "RFC 9637"),
        ("5f00::/16", "segment routing", "RFC 9602"),
        ("fc00::/7", "unique local, with the cloud's metadata", "RFC 4193"),
        ("fe80::/10", "link-local", "RFC 4291 section 2.5.6"),
        ("fec0::/10", "site-local", "RFC 3879"),
        ("ff00::/8", "multicast", "RFC 4291 section 2.7"),
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291 section 2.5.4, as allotted by IANA
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052


@dataclass(frozen=True)
class Verdict:
    """Whether an address may be called, and why not."""

    allowed: bool
    opened: bool = False  # by name, by an operator: admits http and any port
    reason: str = ""


def parse_networks(names: Sequence[str]) -> tuple[Network, ...]:
    """Read networks such as ``10.2.0.0/16``; ``ValueError`` names the one that is none."""
    return tuple(ip_network(name) for name in names)


def judge_address(text: str, *, opened: Sequence[Network] = ()) -> Verdict:
    """Judge one answer of a resolver, by what it embeds where it embeds another address."""
    address = _innermost(ip_address(text.partition("%")[0]))
    if any(address in network for network in opened):
        return Verdict(allowed=True, opened=True)
    for network, reason in _NEVER_CALLED:
        if address in network:
            return Verdict(allowed=False, reason=f"{address} is never called: {reason}")
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        reason = f"{address} is never called: not global unicast, RFC 4291 section 2.5.4"
        return Verdict(allowed=False, reason=reason)
    return Verdict(allowed=True)


def _innermost(address: Address) -> Address:
    """The IPv4 address that a transition mechanism would reach, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    teredo = address.teredo  # RFC 4380: (server, client)
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)
