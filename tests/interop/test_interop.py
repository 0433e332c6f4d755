"""Signatures are verified by the libraries that receivers use, in Python and JavaScript."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import standardwebhooks
import svix.webhooks

from lakehook.adapters.signing_keys import CryptographySigningKeys
from lakehook.domain.channels.webhook import render, request_headers
from lakehook.domain.signing import HmacSecret, SignatureAlgorithm, SigningKey
from tests.builders import a_delivery
from tests.interop.node import node

GENUINE, NO_MATCH = "genuine", "No matching signature found"
OLD, NEW, LONGEST = HmacSecret(b"\xfb" * 24), HmacSecret(b"\xff" * 32), HmacSecret(bytes(range(64)))
STRANGE = HmacSecret(b"s" * 32)
PRIVATE = CryptographySigningKeys().generate(SignatureAlgorithm.ED25519, b"p" * 32)
OTHER_PRIVATE = CryptographySigningKeys().generate(SignatureAlgorithm.ED25519, b"o" * 32)
BODY = render(a_delivery(project_name="数据湖 🌊 é \u2028 \\", data={"n": [1, 1.5, -0.0]}))


@dataclass(frozen=True)
class Case:
    name: str
    key: str
    signers: tuple[SigningKey, ...]
    verdict: str = GENUINE
    body: bytes = BODY

    @property
    def headers(self) -> Mapping[str, str]:
        now = datetime.now(UTC).timestamp()  # noqa: TID251  the libraries ask no other clock
        return request_headers(message_id="sub_a#39#1", at=now, body=BODY, secrets=self.signers)


HMAC = [
    Case("of 24 bytes", OLD.reveal(), (OLD,)),
    Case("of 32 bytes", NEW.reveal(), (NEW,)),
    Case("of 64 bytes", LONGEST.reveal(), (LONGEST,)),
    Case("the new one in a rotation", NEW.reveal(), (NEW, OLD)),
    Case("the old one in a rotation", OLD.reveal(), (NEW, OLD)),
    Case("the old one in a change to ed25519", OLD.reveal(), (PRIVATE, OLD)),
    Case("the new one in a change from ed25519", NEW.reveal(), (NEW, PRIVATE)),
    Case("one of ten", OLD.reveal(), (*[NEW, PRIVATE, LONGEST] * 3, OLD)),
    Case("another secret", STRANGE.reveal(), (NEW, OLD), NO_MATCH),
    Case("another body", NEW.reveal(), (NEW,), NO_MATCH, BODY.replace(b"39", b"40", 1)),
    Case("the other kind alone", OLD.reveal(), (PRIVATE,), NO_MATCH),
]
ED25519 = [
    Case("the public half", str(PRIVATE.public), (PRIVATE,)),
    Case("in a change from hmac", str(PRIVATE.public), (PRIVATE, OLD)),
    Case("in a rotation", str(PRIVATE.public), (OTHER_PRIVATE, PRIVATE)),
    Case("another public half", str(OTHER_PRIVATE.public), (PRIVATE,), NO_MATCH),
    Case("another body", str(PRIVATE.public), (PRIVATE,), NO_MATCH, BODY + b" "),
]

Verify = Callable[[str, bytes, dict[str, str]], None]


def by_standardwebhooks(key: str, body: bytes, headers: dict[str, str]) -> None:
    standardwebhooks.Webhook(key).verify(body, headers)


def by_svix(key: str, body: bytes, headers: dict[str, str]) -> None:
    svix.webhooks.Webhook(key).verify(body, headers)


@pytest.mark.parametrize("case", HMAC, ids=lambda case: case.name)
@pytest.mark.parametrize(
    ("verify", "refusal"),
    [
        (by_standardwebhooks, standardwebhooks.WebhookVerificationError),
        (by_svix, svix.webhooks.WebhookVerificationError),
    ],
    ids=["standardwebhooks", "svix"],
)
def test_the_public_libraries_of_python_verify_what_we_sign(
    verify: Verify, refusal: type[Exception], case: Case
):
    if case.verdict == GENUINE:
        verify(case.key, case.body, dict(case.headers))
    else:
        with pytest.raises(refusal, match=case.verdict):
            verify(case.key, case.body, dict(case.headers))


def test_the_public_library_of_javascript_and_the_crypto_of_node_verify_what_we_sign():
    cases = HMAC + ED25519

    requests = [
        {"key": case.key, "headers": dict(case.headers), "body": case.body.decode()}
        for case in cases
    ]
    verdicts = json.loads(node("verify.mjs", stdin=json.dumps(requests)))

    verdict_by_case = dict(zip((case.name for case in cases), verdicts, strict=True))
    assert verdict_by_case == {case.name: case.verdict for case in cases}
