"""Python examples of docs/receivers.md, which are run unchanged."""

import base64
import re
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature

from lakehook.adapters.signing_keys import CryptographySigningKeys
from lakehook.domain.channels.webhook import request_headers
from lakehook.domain.signing import SignatureAlgorithm
from local.function import ROOT

PAGE = (ROOT / "docs" / "receivers.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def block(part: str) -> str:
    (example,) = (text for text in BLOCKS if part in text)
    return example


def test_a_sample_verifies_by_the_public_library_at_its_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT / "docs" / "examples" / "deliveries")
    variables: dict[str, Any] = {}

    exec(block("PIPELINE_FAILED.json"), variables)

    assert variables["event"]["event_type"] == "PIPELINE_FAILED"


def test_an_ed25519_signature_is_checked_by_the_public_key():
    key = CryptographySigningKeys().generate(SignatureAlgorithm.ED25519, bytes(range(32)))
    body = b'{"event_type":"PING"}'
    headers = request_headers(message_id="a#39#1", at=0.0, body=body, secrets=[key])

    variables = {"public_key": key.public, "headers": headers, "body": body}
    exec(block("Ed25519PublicKey"), variables)

    forged = headers | {"webhook-signature": f"v1a,{base64.b64encode(bytes(64)).decode()}"}
    with pytest.raises(InvalidSignature):
        exec(block("Ed25519PublicKey"), variables | {"headers": forged})
