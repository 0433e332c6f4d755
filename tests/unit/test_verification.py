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
    present = {name: value for name, value in headers.items() if value is not None}
    return CapturedRequest(headers=present, body=vector["body"].encode())


def failure_of_vector(
    vector: Any, *, secret: str | None = None, late: float = 0
) -> VerificationFailure | None:
    now = float(vectors("signed")[0]["timestamp"]) + late
    key = KEYS.parse_verifying_key(secret or vector["secret"])
    return verify_request(capture_of(vector), key, now=now, tolerance_seconds=300)


def captured(
    body: bytes = BODY, *, signed_body: bytes = BODY, secrets: tuple[SigningKey, ...] = (SECRET,)
) -> CapturedRequest:
    signed = signatures(message_id="sub_a#39#1", timestamp=NOW, body=signed_body, secrets=secrets)
    headers = {
        "webhook-id": "sub_a#39#1",
        "webhook-timestamp": str(NOW),
        "webhook-signature": signed,
    }
    return CapturedRequest(headers=headers, body=body)


def failure_of(capture: CapturedRequest, key: VerifyingKey = SECRET) -> VerificationFailure | None:
    return verify_request(capture, key, now=NOW, tolerance_seconds=300)


# --- the published vectors ---


@pytest.mark.parametrize("vector", vectors("signed"), ids=named)
def test_a_published_request_is_genuine_by_either_half_of_its_key(vector: Any):
    at = float(vector["timestamp"])
    keys = [vector["secret"], vector.get("public", vector["secret"])]

    for key_text in keys:
        key = KEYS.parse_verifying_key(key_text)
        assert verify_request(capture_of(vector), key, now=at, tolerance_seconds=300) is None


@pytest.mark.parametrize("vector", [*vectors("accepted"), *vectors("refused")], ids=named)
def test_changes_are_refused_with_their_reason_or_accepted(vector: Any):
    changed = vectors("signed")[0] | vector["change"]

    failure = failure_of_vector(changed, late=vector["change"].get("at", 0))

    assert (failure and failure.reason) == vector.get("reason")


# --- keys ---


def test_each_of_several_keys_that_signed_verifies():
    other = HmacSecret(b"o" * 24)
    capture = captured(secrets=(PRIVATE, SECRET, other))

    for key in (SECRET, other, KEYS.parse_verifying_key(PRIVATE.reveal()), public_half()):
        assert failure_of(capture, key) is None


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
def test_a_key_of_the_other_kind_gets_a_hint(signer: SigningKey, checker: VerifyingKey, hint: str):
    failure = failure_of(captured(secrets=(signer,)), checker)

    assert failure
    assert (failure.reason, failure.hint) == (Reason.NO_KNOWN_VERSION, hint)


def test_another_public_key_verifies_nothing():
    other_key = KEYS.parse_verifying_key(
        KEYS.generate(SignatureAlgorithm.ED25519, b"o" * 32).reveal()
    )

    failure = failure_of(captured(secrets=(PRIVATE,)), other_key)

    assert failure
    assert (failure.reason, failure.hint) == (Reason.SIGNATURE_MISMATCH, "")


# --- rewritten bodies ---


@pytest.mark.parametrize(
    ("sent", "received", "hint"),
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
        *(
            (BODY, received, "")
            for received in (BODY + b"x", b"", b"\xff", b"[" * 100_000, b'"\\ud800"')
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_rewritten_body_gets_a_hint_and_a_forged_one_none(
    sent: bytes, received: bytes, hint: str
):
    failure = failure_of(captured(received, signed_body=sent))

    assert failure
    assert failure.reason is Reason.SIGNATURE_MISMATCH
    assert failure.hint == (f"the body is not as it was sent: it verifies {hint}" if hint else "")


# --- nothing surprises it, and nothing forged gets by ---

texts = st.text(max_size=40) | st.from_regex(r"v1a?,[A-Za-z0-9+/]{0,8}=*( v1,)?", fullmatch=True)


@given(st.dictionaries(st.sampled_from(list(captured().headers)), texts), st.binary(max_size=20))
def test_any_request_but_the_signed_one_is_refused(headers: dict[str, str], body: bytes):
    for key in (SECRET, public_half()):
        failure = failure_of(CapturedRequest(headers=headers, body=body), key)

        assert failure
        assert "\n" not in failure.detail
