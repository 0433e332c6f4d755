import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.adapters.signing_keys import CryptographySigningKeys
from lakehook.domain.signing import (
    HmacSecret,
    SignatureAlgorithm,
    SigningKey,
    VerifyingKey,
    signatures,
)
from lakehook.domain.verification import (
    CapturedRequest,
    Reason,
    VerificationFailure,
    verify_request,
)
from tests.vectors import named, vectors

KEYS = CryptographySigningKeys()
SECRET = HmacSecret(b"s" * 32)
PRIVATE = KEYS.generate(SignatureAlgorithm.ED25519, b"p" * 32)
NOW = 1_767_268_800
BODY = '{"project":"湖","n":[1,2.5],"sequence":1}'.encode()


def capture_of(vector: Any) -> CapturedRequest:
    headers = {f"webhook-{name}": vector[name] for name in ("id", "timestamp", "signature")}
    given = {name: value for name, value in headers.items() if value is not None}
    return CapturedRequest(headers=given, body=vector["body"].encode())


def doubt_about(
    vector: Any, *, secret: str | None = None, late: float = 0
) -> VerificationFailure | None:
    now = float(vectors("signed")[0]["timestamp"]) + late
    key = KEYS.parse_verifying_key(secret or vector["secret"])
    return verify_request(capture_of(vector), key, now=now, tolerance_seconds=300)


def captured(
    body: bytes = BODY, *, sent: bytes = BODY, secrets: tuple[SigningKey, ...] = (SECRET,)
) -> CapturedRequest:
    signed = signatures(message_id="sub_a#39#1", timestamp=NOW, body=sent, secrets=secrets)
    headers = {
        "webhook-id": "sub_a#39#1",
        "webhook-timestamp": str(NOW),
        "webhook-signature": signed,
    }
    return CapturedRequest(headers=headers, body=body)


def doubt(capture: CapturedRequest, key: VerifyingKey = SECRET) -> VerificationFailure | None:
    return verify_request(capture, key, now=NOW, tolerance_seconds=300)


# --- the published vectors ---


@pytest.mark.parametrize("vector", vectors("signed"), ids=named)
def test_a_published_request_is_genuine_by_either_half_of_its_key(vector: Any):
    at = float(vector["timestamp"])
    halves = [vector["secret"], vector.get("public", vector["secret"])]

    for half in halves:
        key = KEYS.parse_verifying_key(half)
        assert verify_request(capture_of(vector), key, now=at, tolerance_seconds=300) is None


@pytest.mark.parametrize("vector", [*vectors("accepted"), *vectors("refused")], ids=named)
def test_what_may_not_differ_is_refused_with_its_reason_and_the_rest_accepted(vector: Any):
    changed = vectors("signed")[0] | vector["change"]

    found = doubt_about(changed, late=vector["change"].get("at", 0))

    assert (found and found.reason) == vector.get("reason")


# --- which key checks what ---


def test_each_of_several_keys_that_signed_verifies():
    other = HmacSecret(b"o" * 24)
    capture = captured(secrets=(PRIVATE, SECRET, other))

    for key in (SECRET, other, KEYS.parse_verifying_key(PRIVATE.reveal()), public_half()):
        assert doubt(capture, key) is None


def public_half() -> VerifyingKey:
    assert PRIVATE.public
    return KEYS.parse_verifying_key(PRIVATE.public)


@pytest.mark.parametrize(
    ("signer", "checker", "hint"),
    [
        (SECRET, public_half(), "it takes the hmac key of the subscription"),
        (PRIVATE, SECRET, "it takes the ed25519 key of the subscription"),
    ],
)
def test_a_key_of_the_other_kind_is_told_from_a_wrong_one(
    signer: SigningKey, checker: VerifyingKey, hint: str
):
    found = doubt(captured(secrets=(signer,)), checker)

    assert found
    assert (found.reason, found.hint) == (Reason.NO_KNOWN_VERSION, hint)


def test_another_public_key_verifies_nothing():
    other = KEYS.parse_verifying_key(KEYS.generate(SignatureAlgorithm.ED25519, b"o" * 32).reveal())

    found = doubt(captured(secrets=(PRIVATE,)), other)

    assert found
    assert (found.reason, found.hint) == (Reason.SIGNATURE_MISMATCH, "")


# --- what was done to the body ---


@pytest.mark.parametrize(
    ("sent", "came", "hint"),
    [
        (BODY, BODY + b"\n", "without the line break at its end"),
        (BODY, BODY + b"\r\n", "without the line break at its end"),
        (BODY, b" " + BODY, "without the spaces around it"),
        (BODY, b"\xef\xbb\xbf" + BODY, "without the byte order mark"),
        (BODY, json.dumps(json.loads(BODY)).encode(), "as compact JSON"),
        (BODY, json.dumps(json.loads(BODY), indent=4).encode(), "as compact JSON"),
        (b"a\r\nb", b"a\nb", "with CRLF for LF"),
        (b"a\nb", b"a\r\nb", "with LF for CRLF"),
        (b"a\n", b"a", "with a line break at its end"),
        (b'{"a": "\xc3\xa9"}', b'{"a":"\xc3\xa9"}', "as JSON with spaces"),
        (b'{"a":"\\u00e9"}', b'{"a":"\xc3\xa9"}', "as compact JSON in ASCII"),
        *((BODY, came, "") for came in (BODY + b"x", b"", b"\xff", b"[" * 100_000, b'"\\ud800"')),
    ],
    ids=lambda one: str(one)[:40],
)
def test_a_body_that_was_rewritten_is_told_from_one_that_was_forged(
    sent: bytes, came: bytes, hint: str
):
    found = doubt(captured(came, sent=sent))

    assert found
    assert found.reason is Reason.SIGNATURE_MISMATCH
    assert found.hint == (f"the body is not as it was sent: it verifies {hint}" if hint else "")


# --- nothing surprises it, and nothing forged gets by ---

texts = st.text(max_size=40) | st.from_regex(r"v1a?,[A-Za-z0-9+/]{0,8}=*( v1,)?", fullmatch=True)


@given(st.dictionaries(st.sampled_from(list(captured().headers)), texts), st.binary(max_size=20))
def test_whatever_came_nothing_but_the_signed_is_genuine(headers: dict[str, str], body: bytes):
    for key in (SECRET, public_half()):
        found = doubt(CapturedRequest(headers=headers, body=body), key)

        assert found
        assert "\n" not in found.detail
