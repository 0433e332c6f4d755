from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from lakehook.domain import signature
from lakehook.domain.document import Document, text_of
from lakehook.domain.secret import Secret

OLD, NEW, STRANGE = Secret(b"o" * 24), Secret(b"n" * 64), Secret(b"s" * 32)
TOLERANCE_SECONDS = 300
UNICODE = st.characters(exclude_categories=["Cs"])  # all but surrogates


def verified(body: bytes, signed: str, *, secret: Secret = NEW, at: int | None = None) -> None:
    """Verify as a receiver does, with the public library; it reads the wall clock."""
    headers = {
        "webhook-id": "sub_a#39#1",
        "webhook-timestamp": str(now() if at is None else at),
        "webhook-signature": signed,
    }
    Webhook(secret.reveal()).verify(body, headers)


def signed(body: bytes, *secrets: Secret, at: int | None = None) -> str:
    timestamp = now() if at is None else at
    return signature.signatures(
        message_id="sub_a#39#1", timestamp=timestamp, body=body, secrets=secrets or (NEW,)
    )


def now() -> int:
    return int(datetime.now(UTC).timestamp())  # noqa: TID251  the library asks no other clock


@pytest.mark.parametrize(
    ("secret", "message_id", "timestamp", "body", "expected"),
    [
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1649367553,
            b'{"email":"test@example.com","username":"test_user"}',
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
    ],
    ids=["python and others", "rust"],
)
def test_the_published_vectors_come_out(
    secret: str, message_id: str, timestamp: int, body: bytes, expected: str
):
    made = signature.signatures(
        message_id=message_id, timestamp=timestamp, body=body, secrets=[Secret.parse(secret)]
    )

    assert made == expected


@given(st.dictionaries(st.text(UNICODE), st.text(UNICODE) | st.integers()))
def test_the_public_library_verifies_any_document_we_sign(document: Document):
    body = text_of(document).encode()

    verified(body, signed(body))


@given(st.binary(min_size=24, max_size=64))
def test_a_secret_of_any_allowed_length_signs(key: bytes):
    secret = Secret(key)

    verified(b"{}", signed(b"{}", secret), secret=secret)


def test_during_a_rotation_each_live_secret_verifies_the_newest_first():
    both = signed(b"{}", NEW, OLD)

    verified(b"{}", both, secret=NEW)
    verified(b"{}", both, secret=OLD)
    assert both.split(" ") == [signed(b"{}", NEW), signed(b"{}", OLD)]


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
