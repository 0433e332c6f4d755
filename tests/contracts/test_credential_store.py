"""Contract of the credential store: only live secrets are opened, and briefly."""

import traceback
from typing import Any

import boto3
import pytest

from lakehook.adapters.kms import OPEN_FOR_SECONDS, KmsCredentialStore, KmsEncryptor
from lakehook.adapters.signing_keys import CryptographyPrivateKey
from lakehook.domain.client_certificate import CertificateFacts, EncryptedClientCertificate
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.signing import EncryptedSecret, HmacSecret, SignatureAlgorithm
from lakehook.domain.subscription import Subscription
from lakehook.settings import StackOutputs
from tests.builders import a_subscription
from tests.fakes import NOON, FakeClock

OLD, NEW = HmacSecret(b"an old secret of 26 bytes!"), CryptographyPrivateKey.of_seed(b"s" * 32)


class CountingKms:
    """Counts what is decrypted, which is paid."""

    def __init__(self) -> None:
        self._kms: Any = boto3.client("kms")
        self.decrypted = 0

    def encrypt(self, **request: Any) -> Any:
        return self._kms.encrypt(**request)

    def decrypt(self, **request: Any) -> Any:
        self.decrypted += 1
        return self._kms.decrypt(**request)


class Vault:
    def __init__(self, key: str, clock: FakeClock) -> None:
        self.kms: Any = CountingKms()
        self.encryptor, self.credentials = (
            KmsEncryptor(self.kms, key),
            KmsCredentialStore(self.kms, key, clock),
        )

    def subscription(self, subscription_id: str = "sub_a", **changes: Any) -> Subscription:
        """Return a subscription in a rotation, whose old secret expires in a minute."""
        new = self.encryptor.encrypt(NEW.key, subscription_id=subscription_id)
        old = self.encryptor.encrypt(OLD.key, subscription_id=subscription_id)
        secrets = (
            EncryptedSecret(ciphertext=new, signing=SignatureAlgorithm.ED25519, public=NEW.public),
            EncryptedSecret(ciphertext=old, expires_at=int(NOON) + 60),
        )
        return a_subscription(id=subscription_id, **{"secrets": secrets, **changes})


@pytest.fixture
def vault(deployment: StackOutputs, clock: FakeClock) -> Vault:
    return Vault(deployment.secrets_key, clock)


def test_every_live_secret_is_opened_as_the_key_it_was_the_newest_first(vault: Vault):
    sealed = vault.encryptor.encrypt(b'{"authorization": "Bearer t0ken"}', subscription_id="sub_a")

    url = vault.encryptor.encrypt(b"https://ci.example/?key=1", subscription_id="sub_a")

    keys = vault.credentials.load(vault.subscription(encrypted_headers=sealed, encrypted_url=url))

    assert keys.secrets == (NEW, OLD)
    assert keys.headers == {"authorization": "Bearer t0ken"}
    assert keys.url == "https://ci.example/?key=1"
    assert keys.secrets[0].sign(b"x") == NEW.sign(b"x")


def test_a_client_certificate_is_opened_for_its_subscription_and_a_new_one_is_seen(vault: Vault):
    facts = CertificateFacts(subject="", fingerprint="", not_before=0, expires_at=1)

    def with_key(key: bytes, *, sealed_for: str = "sub_a") -> Subscription:
        certificate = EncryptedClientCertificate(
            certificates="of one;",
            encrypted_key=vault.encryptor.encrypt(key, subscription_id=sealed_for),
            facts=facts,
            created_at="",
        )
        return vault.subscription(client_certificate=certificate)

    opened = [vault.credentials.load(with_key(key)).client_certificate for key in (b"k1", b"k2")]

    assert [certificate and certificate.pem for certificate in opened] == [
        b"of one;k1",
        b"of one;k2",
    ]
    assert "k1" not in repr(opened)
    with pytest.raises(InfrastructureError):
        vault.credentials.load(with_key(b"k1", sealed_for="sub_b"))


def test_an_old_secret_ends_by_the_clock_though_nobody_writes_the_subscription(
    vault: Vault, clock: FakeClock
):
    subscription = vault.subscription()
    assert len(vault.credentials.load(subscription).secrets) == 2

    clock.sleep(59.9)
    just_before = vault.credentials.load(subscription)
    clock.sleep(0.1)
    at_the_end = vault.credentials.load(subscription)

    assert (len(just_before.secrets), at_the_end.secrets) == (2, (NEW,))


def test_an_open_credential_is_not_decrypted_again(vault: Vault):
    subscription = vault.subscription()

    for _ in range(3):
        vault.credentials.load(subscription)

    assert vault.kms.decrypted == 2


def test_no_credential_stays_open_for_longer_than_minutes(vault: Vault, clock: FakeClock):
    vault.credentials.load(vault.subscription("sub_unused", secrets=()))
    lasting = vault.subscription(secrets=vault.subscription().secrets[:1])
    vault.credentials.load(lasting)

    clock.sleep(OPEN_FOR_SECONDS)
    vault.credentials.load(lasting)

    assert list(vault.credentials._opened) == ["sub_a"]
    assert vault.kms.decrypted == 2


def test_a_rotation_is_seen_though_keys_are_open(vault: Vault):
    subscription = vault.subscription()
    vault.credentials.load(subscription)

    rotated = vault.credentials.load(vault.subscription(secrets=subscription.secrets[1:]))

    assert rotated.secrets == (OLD,)


def test_a_secret_of_another_subscription_does_not_open_and_the_error_shows_no_secret(vault: Vault):
    stolen = a_subscription(id="sub_thief", secrets=vault.subscription().secrets)

    with pytest.raises(InfrastructureError) as trouble:
        vault.credentials.load(stolen)

    trace = "".join(traceback.format_exception(trouble.value))
    assert "InvalidCiphertext" in trace
    assert OLD.reveal().removeprefix("whsec_") not in trace


@pytest.mark.parametrize("plaintext", [b"t0p-s3cret" * 500, ["t0p-s3cret\n"]])
def test_an_encryption_error_does_not_repeat_the_plaintext(vault: Vault, plaintext: Any):
    with pytest.raises(InfrastructureError) as trouble:
        vault.encryptor.encrypt(plaintext, subscription_id=None)  # type: ignore[arg-type]

    assert "t0p-s3cret" not in "".join(traceback.format_exception(trouble.value))


def test_a_credential_store_shows_no_key(vault: Vault):
    vault.credentials.load(vault.subscription())

    text = repr(vault.credentials) + repr(vault.credentials._opened)
    assert "SubscriptionCredentials(…)" in text
    assert "old secret" not in text
