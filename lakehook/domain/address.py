"""Which addresses a request may go to: every one is public unless a rule says why not.

``ipaddress.is_global`` is no such rule: CPython 3.11 takes ``64:ff9b::7f00:1`` (127.0.0.1 behind
NAT64) or multicast for global. So each range stands in a table, and an address that carries
others is judged by them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from lakehook.domain.special_addresses import NEVER_CALLED, Rule

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052 section 2.1
_ISATAP = (bytes.fromhex("00005efe"), bytes.fromhex("02005efe"))  # RFC 5214 section 6.1


@dataclass(frozen=True)
class Verdict:
    """Whether an address may be called, and why not."""

    allowed: bool
    opened: bool = False  # by name, by an operator: admits http and any port
    reason: str = ""


def parse_networks(names: Sequence[str]) -> tuple[Network, ...]:
    """Read networks such as ``10.2.0.0/16``; ``ValueError`` names the one that is none."""
    return tuple(ip_network(name) for name in names)


def networks_among(names: Sequence[str], *, warn: Callable[[str], None]) -> tuple[Network, ...]:
    """The networks of a setting that is in force already, and has to be lived with.

    Host bits (``10.2.0.1/16``) are let go. What is no network opens nothing, is told of once, and
    stops nobody.
    """
    networks, others = [], []
    for name in names:
        try:
            networks.append(ip_network(name, strict=False))
        except ValueError:
            others.append(name)
    if others:
        warn(f"AllowedNetworks: no network, and opens nothing: {', '.join(map(ascii, others))}")
    return tuple(networks)


def judge_address(text: str, *, opened: Sequence[Network] = ()) -> Verdict:
    """Judge one answer of a resolver, by what it embeds where it embeds another address."""
    return _judged(text, tuple(opened))


@lru_cache(maxsize=1024)  # the same few, time and again
def _judged(text: str, opened: tuple[Network, ...]) -> Verdict:
    address = ip_address(text.partition("%")[0])
    for passed in _passed_on_the_way(address):
        if rule := _rule_against(passed, opened):
            return Verdict(allowed=False, reason=f"{passed} is never called: {rule}")
    reached = _reached(address)
    if _is_in(opened, reached):
        return Verdict(allowed=True, opened=True)
    if rule := _rule_against(reached, ()):
        return Verdict(allowed=False, reason=f"{reached} is never called: {rule}")
    return Verdict(allowed=True)


def _reached(address: Address) -> Address:
    """The IPv4 address that a transition mechanism would reach, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    teredo = address.teredo  # RFC 4380: (server, client)
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def _passed_on_the_way(address: Address) -> Iterator[IPv4Address]:
    """Who else gets a packet to this address: a Teredo server, the IPv4 end of an ISATAP tunnel."""
    if isinstance(address, IPv4Address):
        return
    if address.teredo:
        yield address.teredo[0]
    elif address.packed[8:12] in _ISATAP:
        yield IPv4Address(address.packed[12:])


def _rule_against(address: Address, opened: Sequence[Network]) -> Rule | None:
    if _is_in(opened, address):
        return None
    return next((rule for rule in NEVER_CALLED if address in rule.network), None)


def _is_in(networks: Sequence[Network], address: Address) -> bool:
    return any(address in network for network in networks)
