from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from lakehook.adapters.signing_keys import CryptographySigningKeys
from lakehook.domain import signing
from lakehook.domain.json_document import Document, to_json
from lakehook.domain.signing import HmacSecret, SignatureAlgorithm, SigningKey
from tests.vectors import named, vectors

KEYS = CryptographySigningKeys()

OLD, NEW, STRANGE = HmacSecret(b"o" * 24), HmacSecret(b"n" * 64), HmacSecret(b"s" * 32)
TOLERANCE_SECONDS = 300
UNICODE = st.characters(exclude_categories=["Cs"])  # all but surrogates


def verified(body: bytes, signed: str, *, secret: HmacSecret = NEW, at: int | None = None) -> None:
    """Verify as a receiver does, with the public library; it reads the wall clock."""
    headers = {
        "webhook-id": "sub_a#39#1",
        "webhook-timestamp": str(now() if at is None else at),
        "webhook-signature": signed,
    }
    Webhook(secret.reveal()).verify(body, headers)


def signed(body: bytes, *secrets: SigningKey, at: int | None = None) -> str:
    timestamp = now() if at is None else at
    return signing.signatures(
        message_id="sub_a#39#1", timestamp=timestamp, body=body, secrets=secrets or (NEW,)
    )


def now() -> int:
    return int(datetime.now(UTC).timestamp())  # noqa: TID251  the library asks no other clock


@pytest.mark.parametrize("vector", vectors("signed"), ids=named)
def test_the_published_vectors_come_out(vector: Any):
    made = signing.signatures(
        message_id=vector["id"],
        timestamp=int(vector["timestamp"]),
        body=vector["body"].encode(),
        secrets=[KEYS.parse(vector["secret"])],
    )

    assert made == vector["signature"]


@given(st.dictionaries(st.text(UNICODE), st.text(UNICODE) | st.integers()))
def test_the_public_library_verifies_any_document_we_sign(document: Document):
    body = to_json(document).encode()

    verified(body, signed(body))


@given(st.binary(min_size=24, max_size=64))
def test_a_secret_of_any_allowed_length_signs(key: bytes):
    secret = HmacSecret(key)

    verified(b"{}", signed(b"{}", secret), secret=secret)


def test_during_a_rotation_each_live_secret_verifies_the_newest_first():
    both = signed(b"{}", NEW, OLD)

    verified(b"{}", both, secret=NEW)
    verified(b"{}", both, secret=OLD)
    assert both.split(" ") == [signed(b"{}", NEW), signed(b"{}", OLD)]


def test_during_a_change_of_kind_both_kinds_sign_and_the_library_passes_by_what_it_knows_not():
    private = KEYS.generate(SignatureAlgorithm.ED25519, b"p" * 32)

    both = signed(b"{}", private, OLD)

    assert [one.partition(",")[0] for one in both.split(" ")] == ["v1a", "v1"]
    verified(b"{}", both, secret=OLD)


def test_another_secret_verifies_nothing():
    with pytest.raises(WebhookVerificationError):
        verified(b"{}", signed(b"{}", NEW, OLD), secret=STRANGE)


@given(body=st.binary(min_size=1, max_size=64), place=st.integers(0), bit=st.integers(0, 7))
def test_a_body_changed_by_one_bit_is_not_verified(body: bytes, place: int, bit: int):
    changed = bytearray(body)
    changed[place % len(body)] ^= 1 << bit

    assert signed(bytes(changed), at=1) != signed(body, at=1)


def test_a_changed_body_is_refused_by_the_library():
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        verified(b'{"a":2}', signed(b'{"a":1}'))


@pytest.mark.parametrize("skew", [-TOLERANCE_SECONDS - 5, TOLERANCE_SECONDS + 5])
def test_a_timestamp_out_of_tolerance_is_refused(skew: int):
    at = now() + skew

    with pytest.raises(WebhookVerificationError, match="timestamp too"):
        verified(b"{}", signed(b"{}", at=at), at=at)


def test_a_timestamp_other_than_the_signed_one_is_refused():
    at = now()

    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        verified(b"{}", signed(b"{}", at=at), at=at - 1)
