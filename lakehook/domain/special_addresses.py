"""The ranges that are never called, each with the document that sets it apart.

They are those of IANA's two registries of special-purpose addresses, with multicast and what is
deprecated; of IPv6 all but global unicast. AS112, AMT and the anycasts within 192.0.0.0/24 are
globally reachable and yet stand here: they are machinery of the network, where nobody subscribes.
https://www.iana.org/assignments/iana-ipv4-special-registry
https://www.iana.org/assignments/iana-ipv6-special-registry
"""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network


@dataclass(frozen=True)
class Rule:
    """Why a range is never called."""

    network: IPv4Network | IPv6Network
    name: str
    source: str

    def __str__(self) -> str:
        return f"{self.name}, {self.source}"


# The first match is the reason that is given.
NEVER_CALLED: tuple[Rule, ...] = tuple(
    Rule(ip_network(network), name, source)
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
        # What is left of IPv6 outside of 2000::/3
        ("::/3", "not global unicast", "RFC 4291 section 2.4"),
        ("4000::/2", "not global unicast", "RFC 4291 section 2.4"),
        ("8000::/1", "not global unicast", "RFC 4291 section 2.4"),
    )
)
