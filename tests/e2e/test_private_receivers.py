"""A receiver inside a company: its own authority vouches for it, and it asks who is calling."""

from ipaddress import ip_address
from pathlib import Path

from cryptography import x509

from tests.e2e.subscribers import Subscribers
from tests.e2e.terminal import Terminal
from tests.integration.authority import Authority
from tests.integration.posting import OK
from tests.integration.wire import serving


def test_subscriptions_test_reports_the_missing_certificate_and_then_succeeds(
    subscribers: Subscribers, terminal: Terminal, authority: Authority, tmp_path: Path
):
    context = authority.context(x509.IPAddress(ip_address("127.0.0.1")), clients_of=authority)
    certificate, key = authority.client("lakehook")
    (tmp_path / "client.pem").write_bytes(certificate)
    (tmp_path / "key.pem").write_bytes(key)
    files = ("--certificate", str(tmp_path / "client.pem"), "--key", str(tmp_path / "key.pem"))

    with serving(OK, tls=context) as wire:
        id_, _ = subscribers.add_url(f"https://127.0.0.1:{wire.port}/", "private")
        before = terminal.json("subscriptions", "test", id_, code=1)
        terminal.json("subscriptions", "set-client-certificate", id_, *files)
        after = terminal.json("subscriptions", "test", id_)

    assert before["answer"] == "the receiver asked for a client certificate"
    assert (after["outcome"], wire.clients) == ("delivered", ["lakehook"])
