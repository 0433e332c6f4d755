from ipaddress import IPv4Address, IPv6Address, IPv6Network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lakehook.domain.ssrf_policy import (
    RESERVED_NETWORKS,
    ReservedNetwork,
    check_address,
    parse_networks,
    valid_networks,
)

PUBLIC = ""

# Each word of why an address is never called, and its addresses; PUBLIC for those that are.
ADDRESSES = {
    "this network": "0.0.0.0 0.255.255.255 2002:: 2001::",
    PUBLIC: """
        1.0.0.0 9.255.255.255 11.0.0.0 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0
        100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255 169.255.0.0
        191.255.255.255 192.0.1.255 192.0.3.0 198.51.99.255 198.51.101.0 203.0.112.255
        203.0.114.0 192.31.195.255 192.31.197.0 192.52.192.255 192.52.194.0 192.175.47.255
        192.175.49.0 2620:4f:7fff:ffff:ffff:ffff:ffff:ffff 2620:4f:8001:: 192.88.98.255
        192.88.100.0 198.17.255.255 198.20.0.0 223.255.255.255 8.8.8.8 1.1.1.1 140.82.121.3
        52.94.236.248 2606:4700::1111 2001:4860:4860::8888 2a00:1450:4001:81c::200e
        2600:1f18::1 2000:: 2001:200:: 2001:db7:ffff:ffff:ffff:ffff:ffff:ffff 2001:db9::
        2003:: 3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff 3fff:1000::
        3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ::ffff:8.8.8.8 64:ff9b::8.8.8.8
        2002:808:808::1 2001:0:4136:e378:8000:63bf:f7f7:f7f7 2606:4700::200:5efe:8.8.8.8
        2606:4700::5eff:7f00:1
    """,
    "private": """
        10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255
        ::ffff:10.0.0.1%eth0 2002:a00:1:: 2002:c0a8:1::1 2001:0:a00:1:8000:63bf:f7f7:f7f7
        2001:0:a00:1:8000:63bf:80ff:fffe 2606:4700::200:5efe:10.0.0.1
    """,
    "carrier-grade NAT": "100.64.0.0 100.127.255.255",
    "loopback": """
        127.0.0.0 127.0.0.1 127.0.0.1%lo 127.255.255.255 ::1 ::ffff:127.0.0.1 64:ff9b::7f00:1
        2002:7f00:1:: 2001:0:7f00:1:8000:63bf:f7f7:f7f7 2001:0:4136:e378:8000:63bf:80ff:fffe
        2606:4700::5efe:7f00:1
    """,
    "link-local": """
        169.254.0.0 169.254.100.1 169.254.100.6 169.254.255.255 fe80:: fe80::1%eth0
        febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff fe80::5efe:8.8.8.8
    """,
    "metadata": """
        169.254.169.254 169.254.169.253 169.254.169.123 169.254.170.2 169.254.170.23
        fd00:ec2::23 fd00:ec2::253 fd00:ec2::254 fd20:ce::254 ::ffff:a9fe:a9fe
        64:ff9b::169.254.169.254 2002:a9fe:a9fe::1 2001:0:a9fe:a9fe:8000:63bf:f7f7:f7f7
        2001:0:4136:e378:8000:63bf:5601:5601 2606:4700::5efe:a9fe:a9fe
    """,
    "protocol assignments": """
        192.0.0.0 192.0.0.255 192.0.0.8 192.0.0.9 192.0.0.10 192.0.0.170
        2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff 2001:2:: 2001:1::1 2001:3:: 2001:4:112::1
        2001:10:: 2001:20::1 2001:30::1
    """,
    "documentation": """
        192.0.2.0 192.0.2.255 198.51.100.0 198.51.100.255 203.0.113.0 203.0.113.255 2001:db8::
        2001:db8:ffff:ffff:ffff:ffff:ffff:ffff 3fff:: 3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff
    """,
    "AS112": """
        192.31.196.0 192.31.196.255 192.175.48.0 192.175.48.255 2620:4f:8000::
        2620:4f:8000:ffff:ffff:ffff:ffff:ffff
    """,
    "AMT": "192.52.193.0 192.52.193.255",
    "6to4 relay": "192.88.99.0 192.88.99.255",
    "benchmarking": "198.18.0.0 198.19.255.255",
    "multicast": """
        224.0.0.0 239.255.255.255 ff00:: ff02::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
        2002:e000:1::
    """,
    "reserved": "240.0.0.0 255.255.255.254",
    "limited broadcast": """
        255.255.255.255 2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff 2001:0:808:808::
    """,
    "unspecified": "::",
    "IPv4-compatible": "::2 ::127.0.0.1 ::169.254.169.254 ::8.8.8.8 ::ffff:ffff",
    "discard-only": "100:: 100::ffff:ffff:ffff:ffff",
    "dummy prefix": "100:0:0:1:: 100:0:0:1:ffff:ffff:ffff:ffff",
    "not global unicast": """
        100:0:0:2:: 1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 4000::
        fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff fe00:: ::1:0:0 64:ff9b::1:0:0 64:ff9b:2::
    """,
    "segment routing": "5f00:: 5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "unique local": "fc00:: fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "site-local": "fec0:: feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "IPv4-translated": "::ffff:0:127.0.0.1 ::ffff:0:8.8.8.8",
    "local-use NAT64": "64:ff9b:1:: 64:ff9b:1::7f00:1 64:ff9b:1:ffff:ffff:ffff:808:808",
}


def mapped(inner: IPv4Address) -> str:
    return f"::ffff:{inner}"


def nat64(inner: IPv4Address) -> str:
    return f"64:ff9b::{inner}"


def six_to_four(inner: IPv4Address) -> str:
    return str(IPv6Address(b"\x20\x02" + inner.packed + bytes(10)))


def isatap(inner: IPv4Address) -> str:
    return f"2606:4700::5efe:{inner}"


def teredo(inner: IPv4Address) -> str:
    client = bytes(255 - byte for byte in inner.packed)
    return str(IPv6Address(b"\x20\x01\0\0" + bytes([65, 54, 227, 120]) + bytes(4) + client))


EMBEDDINGS = [mapped, nat64, six_to_four, teredo]


@pytest.mark.parametrize(
    ("address", "reason"),
    [(address, reason) for reason, listed in ADDRESSES.items() for address in listed.split()],
)
def test_an_address_is_called_or_never_called_for_a_reason(address: str, reason: str):
    verdict = check_address(address)

    assert verdict.allowed is (reason == PUBLIC), verdict
    assert reason in verdict.reason
    assert not verdict.opens


def test_a_reason_names_the_address_that_would_be_reached_and_its_source():
    assert check_address("64:ff9b::7f00:1").reason == (
        "127.0.0.1 is never called: loopback, RFC 1122 section 3.2.1.3"
    )


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
def test_no_address_is_called_that_python_knows_not_to_be_global(
    address: IPv4Address | IPv6Address,
):
    embeds = isinstance(address, IPv6Address) and (address.sixtofour or address.teredo)

    assert address.is_global or embeds or not check_address(str(address)).allowed


@pytest.mark.parametrize("embed", EMBEDDINGS)
@given(inner=st.ip_addresses(v=4))
@example(inner=IPv4Address("8.8.8.8"))
@example(inner=IPv4Address("127.0.0.1"))
def test_an_ipv6_address_is_checked_as_the_ipv4_address_that_it_embeds(embed, inner: IPv4Address):  # noqa: ANN001
    assert check_address(embed(inner)) == check_address(str(inner))


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "10.2.0.0", "10.2.255.255", "fd12:3456::1", "fd12:3456::1%eth0", "fe80::1%eth0"]
    + [embed(IPv4Address("10.2.0.1")) for embed in EMBEDDINGS],
)
def test_an_allowed_network_admits_its_addresses_and_ipv6_addresses_that_embed_them(address: str):
    opened = parse_networks(["8.8.8.0/24", "10.2.0.0/16", "fd12:3456::/32", "fe80::/10"])

    verdict = check_address(address, allowed_networks=opened)

    assert (verdict.allowed, verdict.opens) == (True, True)


@pytest.mark.parametrize("address", ["10.1.255.255", "10.3.0.0", "fd12:3457::", "127.0.0.1", "::1"])
def test_an_opened_network_admits_nothing_else(address: str):
    opened = parse_networks(["10.2.0.0/16", "fd12:3456::/32"])

    assert not check_address(address, allowed_networks=opened).allowed


@pytest.mark.parametrize("name", ["", "-", "10.2.0.1/16", "10.2.0.0/33", "localhost", "10.2.0.0/a"])
def test_an_invalid_network_is_named(name: str):
    with pytest.raises(ValueError, match=f"'{name}'|{name} has host bits"):
        parse_networks(["10.0.0.0/8", name])


@given(server=st.ip_addresses(v=4), client=st.ip_addresses(v=4))
def test_teredo_is_called_only_if_its_server_and_its_client_may_be(
    server: IPv4Address, client: IPv4Address
):
    inverted = bytes(255 - byte for byte in client.packed)
    address = IPv6Address(b"\x20\x01\0\0" + server.packed + bytes(4) + inverted)

    allowed = check_address(str(address)).allowed

    assert allowed is all(check_address(str(ip)).allowed for ip in (server, client))


@given(st.ip_addresses(v=4))
@example(IPv4Address("8.8.8.8"))
@example(IPv4Address("127.0.0.1"))
def test_a_tunnel_is_called_only_if_its_end_may_be(end: IPv4Address):
    assert check_address(isatap(end)).allowed is check_address(str(end)).allowed


@given(st.ip_addresses(v=6, network="::/3") | st.ip_addresses(v=6, network="4000::/2"))
def test_ipv6_is_called_only_for_global_unicast_or_embedded_ipv4(address: IPv6Address):
    reached = address.ipv4_mapped or IPv4Address(address.packed[-4:])
    reaches = address.ipv4_mapped or address in IPv6Network("64:ff9b::/96")

    assert check_address(str(address)).allowed is bool(
        reaches and check_address(str(reached)).allowed
    )


@pytest.mark.parametrize("rule", RESERVED_NETWORKS, ids=str)
def test_each_rule_names_its_source_and_holds_to_both_its_ends(rule: ReservedNetwork):
    ends = rule.network[0], rule.network[-1]

    assert rule.source.startswith("RFC ")
    assert not any(check_address(str(end)).allowed for end in ends)


@pytest.mark.parametrize(
    ("names", "networks", "complaints"),
    [
        ([], [], []),
        (["10.2.0.0/16", "::1/128"], ["10.2.0.0/16", "::1/128"], []),
        (["10.2.0.1/16"], ["10.2.0.0/16"], []),
        (["fd12::1/32", "127.0.0.1"], ["fd12::/32", "127.0.0.1/32"], []),
        (
            ["10.0.0.0/33", "10.2.0.0/16", "..."],
            ["10.2.0.0/16"],
            ["AllowedNetworks: not a network, so it allows nothing: '10.0.0.0/33', '...'"],
        ),
        (["a\nb"], [], ["AllowedNetworks: not a network, so it allows nothing: 'a\\nb'"]),
    ],
    ids=str,
)
def test_a_setting_allows_its_networks_and_warns_once_of_entries_that_are_none(
    names: list[str], networks: list[str], complaints: list[str]
):
    warnings: list[str] = []

    assert valid_networks(names, warn=warnings.append) == parse_networks(networks)
    assert warnings == complaints
