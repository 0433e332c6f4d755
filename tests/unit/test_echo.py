import base64
import html
import json
from urllib.parse import quote

import pytest

from lakehook.adapters.signing_keys import CryptographyPrivateKey
from lakehook.domain.destination import Endpoint
from lakehook.domain.response_redaction import credential_variants, redact_credentials
from lakehook.domain.signing import HmacSecret

KEY = b"\xfb\xff'a key of 32 bytes, no text/<\x00"
SECRET, PRIVATE = HmacSecret(KEY), CryptographyPrivateKey.of_seed(KEY[:32])
TOKEN = "t0ken/with+\"all'&<that>=="
PASSWORD = base64.b64encode(b"user:p4ssword!").decode()
URL = "https://hooks.slack.com/services/T0123/B4567/sl4ckcredential?key=qu3ry%2Fcredential&a=b"

CI = Endpoint.parse("https://ci.example/a")

CREDENTIALS = credential_variants(
    secrets=(SECRET, PRIVATE),
    headers={"authorization": f"Bearer {TOKEN}", "x-proxy": f"Basic {PASSWORD}", "x-empty": ""},
    destination=Endpoint.parse(URL),
    shown=Endpoint.parse(URL).display_url,
)


@pytest.mark.parametrize(
    "said",
    [
        KEY,
        SECRET.reveal().encode(),
        SECRET.reveal().rstrip("=").encode(),
        KEY.hex().encode(),
        KEY.hex().upper().encode(),
        base64.urlsafe_b64encode(KEY),
        PRIVATE.reveal().encode(),
        PRIVATE.seed.hex().encode(),
        f"Bearer {TOKEN}".encode(),
        TOKEN.encode(),
        quote(TOKEN).encode(),
        quote(TOKEN, safe="").encode(),
        html.escape(TOKEN).encode(),
        json.dumps(TOKEN).encode(),
        json.dumps(TOKEN).replace("/", "\\/").encode(),
        base64.b64encode(TOKEN.encode()),
        TOKEN.encode().hex().encode(),
        f"Basic {PASSWORD}".encode(),
        PASSWORD.encode(),
        b"user:p4ssword!",
        b"p4ssword!",
        URL.encode(),
        b"/services/T0123/B4567/sl4ckcredential",
        b"sl4ckcredential",
        b"key=qu3ry%2Fcredential",
        b"qu3ry/credential",
    ],
)
def test_a_credential_does_not_stay_in_whatever_form_it_is_repeated(said: bytes):
    left = redact_credentials(b"sent you: <<" + said + b">> really", CREDENTIALS).decode()

    assert left.startswith("sent you: <<")
    assert left.endswith(">> really")
    assert "…" in left
    remains = left.removeprefix("sent you: <<").removesuffix(">> really")
    for part in ("t0ken", "p4ssword", "cr3d", "qu3ry", "sl4ck", "key of", KEY.hex()[:10]):
        assert part not in remains


def test_what_is_no_credential_stays():
    said = b"https://hooks.slack.com/ says no: 404, user not found, basically"

    assert redact_credentials(said, CREDENTIALS) == said


@pytest.mark.parametrize(
    "said",
    [
        b"https://chat.example/hooks/payments-alerts/ab12",
        b"POST /hooks/payments-alerts/ab12 HTTP/1.1",
        b"no hook payments-alerts here",
    ],
)
def test_where_the_host_alone_is_shown_no_path_stays(said: bytes):
    chat = Endpoint.parse("https://chat.example/hooks/payments-alerts/ab12")
    credentials = credential_variants(
        secrets=(), headers={}, destination=chat, shown="https://chat.example/…"
    )

    left = redact_credentials(said, credentials).decode()

    assert "…" in left
    assert "payments" not in left
    assert "ab12" not in left


def test_what_every_path_of_a_chat_service_has_stays_readable():
    robot = Endpoint.parse("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=r0botscredential")
    credentials = credential_variants(
        secrets=(), headers={}, destination=robot, shown="https://qyapi.weixin.qq.com/…"
    )
    said = b'{"errcode":93000,"errmsg":"invalid webhook url"}'

    assert redact_credentials(said, credentials) == said


def test_where_there_is_nothing_secret_nothing_is_taken_away():
    none = credential_variants(secrets=(), headers={}, destination=CI, shown="https://ci.example/a")

    assert redact_credentials(b"all of it", none) == b"all of it"


def test_of_two_credentials_that_begin_alike_nothing_of_the_longer_stays():
    credentials = credential_variants(
        secrets=(),
        headers={"x-a": "credential", "x-b": "credential-and-more"},
        destination=CI,
        shown=CI.display_url,
    )

    assert redact_credentials(b"<credential-and-more>", credentials) == "<…>".encode()
