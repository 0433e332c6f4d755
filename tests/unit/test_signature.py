from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from lakehook.adapters.signing_keys import CryptographySigningKeys
from lakehook.domain import signing
from lakehook.domain.json_document import Document, to_json
from lakehook.domain.signing import HmacSecret, SignatureAlgorithm, SigningKey
from tests.vectors import named, vectors

KEYS = CryptographySigningKeys()

OLD, NEW = HmacSecret(b"o" * 24), HmacSecret(b"n" * 64)
UNICODE = st.characters(exclude_categories=["Cs"])  # all but surrogates


def sign(body: bytes, *secrets: SigningKey, at: int = 1_700_000_000) -> str:
    return signing.signatures(message_id="sub_a#39#1", timestamp=at, body=body, secrets=secrets)


def verify(body: bytes, *secrets: SigningKey, by: HmacSecret) -> None:
    """Verify as a receiver does, with the public library, which asks no other clock."""
    at = int(datetime.now(UTC).timestamp())  # noqa: TID251  it refuses what is five minutes old
    headers = {
        "webhook-id": "sub_a#39#1",
        "webhook-timestamp": str(at),
        "webhook-signature": sign(body, *secrets, at=at),
    }
    Webhook(by.reveal()).verify(body, headers)


@pytest.mark.parametrize("vector", vectors("signed"), ids=named)
def test_the_published_vectors_come_out(vector: Any):
    header = signing.signatures(
        message_id=vector["id"],
        timestamp=int(vector["timestamp"]),
        body=vector["body"].encode(),
        secrets=[KEYS.parse(vector["secret"])],
    )

    assert header == vector["signature"]


@given(
    st.dictionaries(st.text(UNICODE), st.text(UNICODE) | st.integers()),
    st.binary(min_size=24, max_size=64).map(HmacSecret),
)
def test_the_public_library_verifies_any_document_signed_by_any_secret(
    document: Document, secret: HmacSecret
):
    body = to_json(document).encode()

    verify(body, secret, by=secret)


def test_during_a_rotation_each_live_secret_verifies_the_newest_first():
    verify(b"{}", NEW, OLD, by=NEW)
    verify(b"{}", NEW, OLD, by=OLD)
    assert sign(b"{}", NEW, OLD).split(" ") == [sign(b"{}", NEW), sign(b"{}", OLD)]


def test_during_a_change_of_kind_both_kinds_sign_and_the_library_ignores_the_unknown_one():
    private = KEYS.generate(SignatureAlgorithm.ED25519, b"p" * 32)

    header = sign(b"{}", private, OLD)

    assert [part.partition(",")[0] for part in header.split(" ")] == ["v1a", "v1"]
    verify(b"{}", private, OLD, by=OLD)
