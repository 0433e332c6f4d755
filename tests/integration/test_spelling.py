"""An endpoint is checked by the address of its URL, however it is spelled: each row says why."""

import socket
from collections.abc import Sequence

import pytest

from lakehook.domain.channels.webhook import Webhook
from lakehook.domain.destination import Endpoint
from lakehook.domain.errors import InvalidEndpoint
from lakehook.domain.ssrf_policy import parse_networks
from lakehook.ports.outbound import ResolveHost
from lakehook.subscriptions.subscribe import ValidateEndpoint

OPENED = parse_networks(["10.2.0.0/16"])
ALLOWED = ""
PUBLIC, PRIVATE = "8.8.8.8", "192.168.0.1"

WEBHOOKS = Webhook()


def naming(*answers: str) -> ResolveHost:
    """A resolver that reads numbers as the system does; every name has these addresses."""

    def resolve(host: str, port: int) -> Sequence[str]:
        try:
            addresses = socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)
        except socket.gaierror:
            return answers
        return [str(info[4][0]) for info in addresses]

    return resolve


@pytest.mark.parametrize(
    ("url", "why"),
    [
        # Public, in several forms
        ("https://8.8.8.8/", ALLOWED),
        ("https://134744072/", ALLOWED),
        ("https://0x08080808/", ALLOWED),
        ("https://010.010.010.010/", ALLOWED),
        ("https://8.526344/", ALLOWED),
        ("https://[::ffff:8.8.8.8]/", ALLOWED),
        ("https://[64:ff9b::808:808]/", ALLOWED),
        ("https://[2606:4700:4700::1111]:8443/", ALLOWED),
        # Loopback, as the resolver reads it
        ("https://127.0.0.1/", "loopback"),
        ("https://127.0.0.1./", ALLOWED),  # a name, which the system looks up as one
        ("https://127.1/", "loopback"),
        ("https://2130706433/", "loopback"),
        ("https://0x7f000001/", "loopback"),
        ("https://0177.0.0.1/", "loopback"),
        ("https://[::1]/", "loopback"),
        ("https://[::ffff:127.0.0.1]/", "loopback"),
        ("https://[::127.0.0.1]/", "IPv4-compatible"),
        ("https://[::ffff:0:127.0.0.1]/", "IPv4-translated"),
        ("https://[64:ff9b::7f00:1]/", "loopback"),
        ("https://[64:ff9b:1::7f00:1]/", "local-use NAT64"),
        ("https://[2002:7f00:1::]/", "loopback"),
        ("https://[2001:0:7f00:1:8000:63bf:f7f7:f7f7]/", "loopback"),
        ("https://[2606:4700::5efe:127.0.0.1]/", "loopback"),
        # This host
        ("https://0/", "this network"),
        ("https://0.0.0.0/", "this network"),
        ("https://[::]/", "unspecified"),
        # The Lambda Runtime API
        ("http://127.0.0.1:9001/2018-06-01/runtime/invocation/next", "loopback"),
        ("http://169.254.100.1:9001/2018-06-01/runtime/invocation/next", "link-local"),
        # Metadata: instances, containers, pods
        ("http://169.254.169.254/latest/meta-data/", "metadata"),
        ("https://2852039166/", "metadata"),
        ("https://169.16689662/", "metadata"),
        ("https://[::ffff:169.254.169.254]/", "metadata"),
        ("https://[fd00:ec2::254]/", "metadata"),
        ("https://169.254.170.2/v2/credentials/", "metadata"),
        # Other networks of one's own
        ("https://10.0.0.1/", "private"),
        ("https://012.1/", "private"),
        ("https://172.16.0.1/", "private"),
        ("https://100.100.100.200/", "carrier-grade NAT"),
        ("https://[fe80::1]/", "link-local"),
        ("https://[ff02::1]/", "multicast"),
        ("https://255.255.255.255/", "limited broadcast"),
        # Ports and schemes that only an opened network admits
        ("http://8.8.8.8/", "only https"),
        ("https://8.8.8.8:80/", "port 80 is neither"),
        ("https://8.8.8.8:9001/", "port 9001 is neither"),
        ("http://10.2.0.1:9001/", ALLOWED),
        ("http://0x0a020001:9001/", ALLOWED),
        ("http://[::ffff:10.2.0.1]:9001/", ALLOWED),
        # No URLs that everyone reads the same way
        ("https://8.8.8.8@127.0.0.1/", "holds credentials"),
        ("https://127.0.0.1\\@8.8.8.8/", "holds credentials"),
        ("https://127.0.0.1%00.example/", "is not a host name"),
        ("https://[fe80::1%25eth0]/", "url: "),
        ("https://127。0。0。1/", "printable ASCII"),
        ("https://\uff11\uff12\uff17.0.0.1/", "printable ASCII"),
        ("https://loc\talhost/", "printable ASCII"),
    ],
)
def test_a_url_is_checked_by_the_address_it_leads_to(url: str, why: str):
    judge = ValidateEndpoint(naming(PUBLIC), OPENED, print)

    if why == ALLOWED:
        assert judge(url, WEBHOOKS).url == url
    else:
        with pytest.raises(InvalidEndpoint, match=why):
            judge(url, WEBHOOKS)


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ((PUBLIC,), ALLOWED),
        ((PUBLIC, "2606:4700::1111"), ALLOWED),
        ((PUBLIC, PRIVATE), "private"),
        ((PRIVATE, PUBLIC), "private"),
        ((PUBLIC, "::1"), "loopback"),
        ((PUBLIC, "::ffff:10.0.0.1"), "private"),
        ((PUBLIC, "64:ff9b::a9fe:a9fe"), "metadata"),
        ((PUBLIC, "fe80::1%eth0"), "link-local"),
        (("fd00:ec2::254", PUBLIC), "metadata"),
        (("127.0.0.1",), "loopback"),
    ],
)
@pytest.mark.parametrize("host", ["ci.example.", "localhost"])
def test_a_name_is_checked_by_all_of_its_addresses(host: str, answers: tuple[str, ...], why: str):
    judge = ValidateEndpoint(naming(*answers), OPENED, print)

    if why == ALLOWED:
        judged = judge(f"https://{host}/", WEBHOOKS)
        assert isinstance(judged, Endpoint)
        assert judged.host == host
    else:
        with pytest.raises(InvalidEndpoint, match=why):
            judge(f"https://{host}/", WEBHOOKS)
