import base64
import codecs
import html
import json
import string
from collections.abc import Callable, Mapping
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.adapters.signing_keys import CryptographyPrivateKey
from lakehook.domain.destination import Endpoint
from lakehook.domain.response_redaction import (
    MAX_DECODED_BYTES,
    MAX_EXCERPT_CHARACTERS,
    NOT_TEXT,
    WITHHELD,
    Credentials,
    Undecodable,
    decodings,
)
from lakehook.domain.signing import HmacSecret, SigningKey

KEY = b"\xfb\xff'a key of 32 bytes, no text/<\x00"
SECRET, PRIVATE = HmacSecret(KEY), CryptographyPrivateKey.of_seed(KEY[:32])
TOKEN = "t0ken/with+\"all'&<that>=="
PASSWORD = base64.b64encode(b"user:p4ssword!").decode()
URL = "https://hooks.slack.com/services/T0123/B4567/sl4ckcredential?key=qu3ry%2Fcredential&a=b"
CI = "https://ci.example/a"


def credentials_of(
    *secrets: SigningKey,
    headers: Mapping[str, str] | None = None,
    url: str = CI,
    display_url: str | None = None,
) -> Credentials:
    endpoint = Endpoint.parse(url)
    return Credentials.of(
        secrets=secrets,
        headers=headers or {},
        destination=endpoint,
        shown=display_url or endpoint.display_url,
    )


CREDENTIALS = credentials_of(
    SECRET,
    PRIVATE,
    headers={"authorization": f"Bearer {TOKEN}", "x-proxy": f"Basic {PASSWORD}", "x-empty": ""},
    url=URL,
)


@pytest.mark.parametrize(
    "echo",
    [
        *(KEY, SECRET.reveal().encode(), SECRET.reveal().rstrip("=").encode()),
        *(KEY.hex().encode(), KEY.hex().upper().encode(), KEY.hex(":").encode()),
        *(base64.urlsafe_b64encode(KEY), PRIVATE.reveal().encode(), PRIVATE.seed.hex().encode()),
        *(f"Bearer {TOKEN}".encode(), TOKEN.encode(), TOKEN.upper().encode()),
        *(TOKEN[::-1].encode(), quote(TOKEN).encode(), quote(TOKEN, safe="").encode()),
        *(html.escape(TOKEN).encode(), json.dumps(TOKEN).encode()),
        *(json.dumps(TOKEN).replace("/", "\\/").encode(), base64.b64encode(TOKEN.encode())),
        *(TOKEN.encode().hex().encode(), f"Basic {PASSWORD}".encode(), PASSWORD.encode()),
        *(b"user:p4ssword!", b"p4ssword!", URL.encode(), b"sl4ckcredential"),
        *(b"/services/T0123/B4567/sl4ckcredential", b"key=qu3ry%2Fcredential"),
        b"qu3ry/credential",
    ],
)
def test_a_credential_is_removed_and_the_text_around_it_stays(echo: bytes):
    redacted = CREDENTIALS.redact(b"sent you: <<" + echo + b">> indeed")

    assert redacted.startswith("sent you: ")
    assert redacted.endswith(" indeed")
    assert "…" in redacted
    for part in ("t0ken", "n3k0t", "p4ssword", "cr3d", "qu3ry", "sl4ck", "keyof", "key of"):
        assert part not in redacted.lower()
    assert KEY.hex()[:10] not in redacted


@pytest.mark.parametrize(
    "response",
    [
        "<html> <head><title>404 Not Found</title></head> <hr>nginx/1.18.0 (Ubuntu)</html>",
        '{"timestamp":"2026-01-01T12:00:00.123+00:00","status":500,"path":"/hook/v2"}',
        'java.lang.NullPointerException: "com.example.Foo.getBar()" at Hook.java:42 ~[app.jar!/:1]',
        "upstream connect error or disconnect/reset before headers; connection failure: 111",
        "PrismaClientKnownRequestError P2002, ECONNREFUSED 10.0.0.1:5432, SQLSTATE[HY000] [2002]",
        '{"request_id":"3f2a9c1e-1111-4222-8333-abcdefabcdef","errcode":93000}',
        "签名无效：请检查 webhook-signature 头部",
        "https://hooks.slack.com/ says no: 404, user not found, basically",
    ],
)
def test_ordinary_error_texts_stay(response: str):
    assert CREDENTIALS.redact(response.encode()) == response
    assert credentials_of().redact(response.encode()) == response


@pytest.mark.parametrize(
    "response",
    [
        b"https://chat.example/hooks/payments-alerts/ab12",
        b"POST /hooks/payments-alerts/ab12 HTTP/1.1",
        b"no hook payments-alerts here",
    ],
)
def test_no_path_stays_if_only_the_host_is_shown(response: bytes):
    url = "https://chat.example/hooks/payments-alerts/ab12"

    redacted = credentials_of(url=url, display_url="https://chat.example/…").redact(response)

    assert "…" in redacted
    assert "payments" not in redacted
    assert "ab12" not in redacted


def test_the_constant_part_of_a_chat_services_path_is_shown():
    robot = credentials_of(
        url="https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=r0botscredential",
        display_url="https://qyapi.weixin.qq.com/…",
    )
    response = '{"errcode":93000,"errmsg":"invalid webhook url"}'

    assert robot.redact(response.encode()) == response


def test_the_longer_of_two_credentials_with_a_common_start_is_redacted_whole():
    credentials = credentials_of(headers={"x-a": "credential", "x-b": "credential-and-more"})

    assert credentials.redact(b"<credential-and-more>") == "<…>"


def test_a_short_credential_is_found_as_a_whole():
    short = credentials_of(headers={"x-pin": "48a1", "x-on": "1"})

    assert short.redact(b"pin 48a1, 1 error") == "pin …, 1 error"


def test_a_binary_response_is_not_shown():
    assert CREDENTIALS.redact(TOKEN.encode("utf-16")) == NOT_TEXT


@pytest.mark.parametrize(
    "digits", ["Zq3xT9kLm2", "9f8b7c6d5e4f3a2b1c", "1 22 3 44 5 66 7 88 9 100"]
)
def test_random_looking_text_is_not_shown_although_it_cannot_be_decoded(digits: str):
    assert CREDENTIALS.redact(f"refused {digits} today".encode()) == "refused … today"


# --- other encodings ---

Encoding = Callable[[str], str]
ENCODINGS: Mapping[str, Encoding] = {
    "percent": lambda text: "".join(f"%{ord(char):02x}" for char in text),
    "percent_u": lambda text: "".join(f"%u{ord(char):04X}" for char in text),
    "html": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "html_hex": lambda text: "".join(f"&#x{ord(char):04X};" for char in text),
    "json": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    "json_in_json": lambda text: json.dumps("".join(f"\\u{ord(char):04x}" for char in text)),
    "c": lambda text: "".join(f"\\x{ord(char):02x}" for char in text),
    "octal": lambda text: "".join(f"\\{ord(char):03o}" for char in text),
    "mail": lambda text: "".join(f"={ord(char):02X}" for char in text),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64_inside": lambda text: base64.urlsafe_b64encode(f"ab{text}yz".encode()).decode(),
    "base64_lines": lambda text: " ".join(base64.encodebytes(text.encode()).decode()),
    "base32": lambda text: base64.b32encode(text.encode()).decode().lower(),
    "base85": lambda text: base64.b85encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "hex_pairs": lambda text: text.encode().hex(" "),
    "bytes": lambda text: str(list(text.encode())),
    "spaces": " ".join,
    "lines": lambda text: "\n".join(text[at : at + 3] for at in range(0, len(text), 3)),
    "dashes": "-".join,
    "invisible": "\u200b".join,
    "full_width": lambda text: "".join(chr(ord(char) + 0xFEE0) for char in text),
    "upper": str.upper,
    "reversed": lambda text: text[::-1],
    "rot13": lambda text: codecs.encode(text, "rot13"),
}
NOT_DECODED = ("base85", "rot13", "bytes", "lines", "dashes", "full_width")
"""Encodings of random looking texts, which are hidden by their look."""
TOKENS = st.text(string.ascii_letters + string.digits, min_size=20, max_size=60).filter(
    lambda token: len({*token}) > 12 and any(char.isdigit() for char in token[5:15])
)
AROUND = st.sampled_from(
    ["{}", "bad token: {}", '{{"error":"{}"}}', "<p>{}</p>", "key={}&a=b", "x{}"]
)


def repeats(redacted: str, encoded: str, token: str) -> bool:
    """Return whether a text shows an encoding of some ten characters of the token."""
    size = int(8 * len(encoded) / len(token)) + 4
    redacted, encoded = "".join(redacted.split()), "".join(encoded.split())
    return any(encoded[at : at + size] in redacted for at in range(len(encoded) - size + 1))


def redact(token: str, encoded: str, around: str) -> str:
    credentials = credentials_of(headers={"authorization": f"Bearer {token}"})
    return credentials.redact(around.format(encoded).encode())


@pytest.mark.parametrize("name", ENCODINGS)
def test_no_encoding_shows_eight_characters_of_a_credential(name: str):
    token = "r4nd0mQxZpRtCharacters91yes"
    encoded = ENCODINGS[name](token)

    redacted = redact(token, encoded, "bad token: {}")

    assert not repeats(redacted, encoded, token)
    assert redacted.startswith("bad token: ") or redacted in (WITHHELD, NOT_TEXT)


@given(
    token=TOKENS,
    around=AROUND,
    names=st.lists(st.sampled_from(sorted(ENCODINGS.keys() - NOT_DECODED)), min_size=1, max_size=3),
)
def test_nested_encodings_show_no_credential(token: str, around: str, names: list[str]):
    encoded = token
    for name in names:
        encoded = ENCODINGS[name](encoded)

    redacted = redact(token, encoded, around)

    assert not repeats(redacted, encoded, token)


@pytest.mark.parametrize("escape", ["%{:02x}", "&#{};", "\\u{:04x}", "\\x{:02x}", "={:02X}"])
def test_words_between_escaped_separators_are_found(escape: str):
    """Escaped separators alone do not look like an encoding."""
    token = "canary/of-the/lake:and-more"
    encoded = "".join(char if char.isalnum() else escape.format(ord(char)) for char in token)

    assert redact(token, encoded, "no {} here") == "no … here"


def test_a_text_with_too_many_layers_of_encoding_is_not_shown():
    encoded = b"a text of several words that everybody may read"
    for _ in range(4):
        encoded = base64.b64encode(encoded)
    percent = "".join(f"%{code:02x}" for code in encoded)

    with pytest.raises(Undecodable):
        list(decodings(percent.encode()))
    assert CREDENTIALS.redact(percent.encode()) == "…"


@given(st.binary(max_size=2000))
def test_the_decoded_size_of_a_text_is_limited(text: bytes):
    decoded = 0
    try:
        for view in decodings(text):
            decoded += len(view)
    except Undecodable:
        pass

    assert decoded <= MAX_DECODED_BYTES + len(text)


@given(st.binary(max_size=10_000))
def test_any_response_is_one_line_of_bounded_length(response: bytes):
    redacted = CREDENTIALS.redact(response)

    assert redacted.isprintable()
    assert len(redacted) <= MAX_EXCERPT_CHARACTERS
