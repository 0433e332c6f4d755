"""Client certificates as operators bring them: checked, and reduced to one form in PEM."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lakehook.adapters.http.tls import check_client_certificate
from lakehook.domain.client_certificate import CertificateFacts, ClientCertificate
from lakehook.domain.errors import InvalidInput
from lakehook.domain.text import single_line
from lakehook.ports.outbound import ParsedClientCertificate

if TYPE_CHECKING:
    from cryptography import x509

MAX_KEY_BYTES = 4096
"""https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html"""

MAX_CERTIFICATES_BYTES = 16 * 1024
"""Of an item, which fan-out reads with all others."""

MAX_SUBJECT_CHARACTERS = 200


def parse_client_certificate(certificates: str, key: str) -> ParsedClientCertificate:
    """Parse both; the sender's own library must accept them together."""
    chain, key_pem = _parse_certificates(certificates), _parse_key(key)
    pem = "".join(_pem(certificate) for certificate in chain)
    if len(pem) > MAX_CERTIFICATES_BYTES:
        raise InvalidInput(f"certificate: more than {MAX_CERTIFICATES_BYTES} bytes in PEM")
    if len(key_pem) > MAX_KEY_BYTES:
        raise InvalidInput(
            f"key: more than the {MAX_KEY_BYTES} bytes that KMS encrypts; an elliptic curve, or RSA"
            " of at most 4096 bits, has fewer"
        )
    _check_purpose(chain[0])
    certificate = ClientCertificate(pem.encode(), key_pem)
    check_client_certificate(certificate)
    return ParsedClientCertificate(pem, key_pem, _facts(chain[0]))


def _parse_certificates(text: str) -> Sequence["x509.Certificate"]:
    from cryptography import x509  # noqa: PLC0415  as in ``signing_keys``

    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        raise InvalidInput("certificate: not one or more certificates in PEM") from None


def _parse_key(text: str) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    try:
        key = serialization.load_pem_private_key(text.encode(), password=None)
    except TypeError:
        raise InvalidInput(
            "key: it is encrypted; openssl pkey -in FILE decrypts it, and Lakehook encrypts it anew"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidInput("key: not a private key in PEM") from None
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _check_purpose(certificate: "x509.Certificate") -> None:
    from cryptography import x509  # noqa: PLC0415
    from cryptography.x509.oid import ExtendedKeyUsageOID as Usage  # noqa: PLC0415

    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    except ValueError:
        raise InvalidInput("certificate: its extensions cannot be read") from None
    if not {Usage.CLIENT_AUTH, Usage.ANY_EXTENDED_KEY_USAGE} & set(usage):
        raise InvalidInput(
            "certificate: its extended key usage does not include the authentication of clients"
        )


def _facts(certificate: "x509.Certificate") -> CertificateFacts:
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

    return CertificateFacts(
        subject=single_line(certificate.subject.rfc4514_string(), MAX_SUBJECT_CHARACTERS),
        fingerprint=certificate.fingerprint(SHA256()).hex(),
        not_before=certificate.not_valid_before_utc.timestamp(),
        expires_at=certificate.not_valid_after_utc.timestamp(),
    )


def _pem(certificate: "x509.Certificate") -> str:
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

    return certificate.public_bytes(Encoding.PEM).decode()
