import base64
import copy
import dataclasses
import pickle
import re
import sys
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.adapters.signing_keys import CryptographyPrivateKey, CryptographySigningKeys
from lakehook.domain.errors import InvalidInput
from lakehook.domain.signing import HmacSecret, SignatureAlgorithm
from lakehook.ports.outbound import SubscriptionCredentials

ROOT = Path(__file__).parents[2]
KEY = b"never shown, never told!"
TEXT = base64.b64encode(KEY).decode()
SECRET = HmacSecret.parse(TEXT)
KEYS = CryptographySigningKeys()
PRIVATE = CryptographyPrivateKey.of_seed(KEY + b"8 bytes.")
OPENED = SubscriptionCredentials((SECRET, PRIVATE), {"authorization": KEY.decode()})


def reveals_key(text: str) -> bool:
    """Return whether a text reveals the key: as itself, in base64, in hex or as numbers."""
    forms = (KEY.decode(), TEXT, KEY.hex(), str(list(KEY))[1:-1])  # the seed begins with it
    return any(form in text for form in forms)


@given(st.binary(min_size=24, max_size=64))
def test_a_revealed_secret_can_be_parsed(key: bytes):
    assert HmacSecret.parse(HmacSecret(key).reveal()).key == key


@pytest.mark.parametrize("text", [f"whsec_{TEXT}", TEXT, f" whsec_{TEXT}\n"])
def test_a_secret_is_read_with_and_without_its_prefix(text: str):
    assert HmacSecret.parse(text).key == KEY


@pytest.mark.parametrize("length", [0, 1, 23, 65, 1000])
def test_a_key_too_short_or_too_long_is_refused_with_its_length(length: int):
    with pytest.raises(InvalidInput, match=f"secret: {length} bytes; .* 24 to 64"):
        HmacSecret.parse(base64.b64encode(bytes(length)).decode())


@pytest.mark.parametrize(
    "text",
    [
        *(f"whsec_{TEXT}*", f"whsec_{TEXT[:-3]}", f"whsk_{TEXT}", f"whsec_whsec_{TEXT}"),
        f"{TEXT[:8]}\n{TEXT[8:]}",
        base64.urlsafe_b64encode(b"\xff" * 24).decode(),
        *(f"{TEXT}ü", "湖", "\ud800", "\0"),
    ],
)
def test_invalid_base64_is_refused_and_not_repeated(text: str):
    with pytest.raises(
        InvalidInput, match=re.escape("secret: not base64, as in whsec_<base64>")
    ) as bad:
        HmacSecret.parse(text)

    assert text not in "".join(traceback.format_exception_only(bad.value))
    assert (bad.value.__cause__, bad.value.__suppress_context__) == (None, True)


@pytest.mark.parametrize("secret", [SECRET, PRIVATE, OPENED])
def test_a_secret_never_shows_itself(secret: object):
    texts = [repr(secret), str(secret), f"{secret}", f"{secret!r:>40}", repr([secret])]

    assert not any(reveals_key(text) for text in texts), texts


def test_equal_keys_are_equal_secrets():
    assert HmacSecret(KEY) == SECRET
    assert HmacSecret(bytes(24)) != SECRET
    assert PRIVATE != SECRET
    assert len({SECRET, HmacSecret(KEY), PRIVATE}) == 2


@dataclasses.dataclass
class Holder:
    secret: object


@pytest.mark.parametrize("secret", [SECRET, PRIVATE, OPENED])
def test_nothing_takes_a_secret_apart_or_writes_it(secret: object):
    assert copy.deepcopy(secret) is copy.copy(secret) is secret
    assert not reveals_key(str(dataclasses.asdict(Holder(secret))))
    with pytest.raises(TypeError, match="__dict__"):
        vars(secret)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="not to be written anywhere") as refused:
            pickle.dumps([secret], protocol)
        assert not reveals_key(str(refused.value))


# --- ed25519 ---


def test_a_private_key_is_read_as_it_is_revealed_and_tells_its_public_half():
    parsed = KEYS.parse(f" {PRIVATE.reveal()}\n")

    assert (parsed, parsed.signing, parsed.public) == (
        PRIVATE,
        SignatureAlgorithm.ED25519,
        PRIVATE.public,
    )
    assert PRIVATE.reveal().startswith("whsk_")
    assert len(PRIVATE.key) == 64


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("whsk_" + base64.b64encode(bytes(32)).decode(), "secret: 32 bytes; an ed25519 key has 64"),
        ("whsk_" + base64.b64encode(bytes(64)).decode(), "public half is not that of its seed"),
        ("whsk_*", "secret: not base64, as in whsk_<base64>"),
        (PRIVATE.public, "secret: a public key cannot sign"),
        ("", "secret: 0 bytes"),
        ("whsec_", "secret: 0 bytes"),
    ],
)
def test_an_invalid_signing_key_is_refused_in_one_line(text: str, complaint: str):
    with pytest.raises(InvalidInput, match=re.escape(complaint)) as bad:
        KEYS.parse(text)

    assert "\n" not in str(bad.value)


def test_an_invalid_verifying_key_is_refused():
    with pytest.raises(InvalidInput, match="public key: 31 bytes; that of ed25519 has 32"):
        KEYS.parse_verifying_key("whpk_" + base64.b64encode(bytes(31)).decode())


@given(st.text() | st.text().map("whsk_".__add__) | st.text().map("whpk_".__add__))
def test_any_text_is_a_key_or_a_bad_input(text: str):
    for parse in (KEYS.parse, KEYS.parse_verifying_key):
        try:
            parse(text)
        except InvalidInput as refused:
            assert "\n" not in str(refused)  # noqa: PT017  most texts are refused


def test_a_key_is_restored_from_its_encrypted_form():
    for key in (SECRET, PRIVATE):
        assert KEYS.from_bytes(key.signing, key.key) == key


def test_cryptography_is_imported_only_for_a_key_that_needs_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
    hmac = KEYS.generate(SignatureAlgorithm.HMAC, b"s" * 32)

    assert hmac.sign(b"")
    assert KEYS.parse(hmac.reveal()) == KEYS.from_bytes(SignatureAlgorithm.HMAC, hmac.key) == hmac
    with pytest.raises(ImportError):
        KEYS.generate(SignatureAlgorithm.ED25519, b"s" * 32)
