"""A certificate authority of our own, with certificates for servers and clients."""

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    def __init__(
        self, folder: Path, name: str = "a test's authority", *, now: float | None = None
    ) -> None:
        """Make an authority whose certificates are valid now, since the clock checks them."""
        self._folder = folder
        self._now = datetime.now(UTC) if now is None else datetime.fromtimestamp(now, UTC)  # noqa: TID251
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        root = (
            self._certificate(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_SIGNS_CERTIFICATES, critical=True)
        )
        self.pem = _pem(root.sign(self._key, hashes.SHA256())).decode()
        self.path = folder / f"{name}.pem"
        self.path.write_text(self.pem)

    def context(
        self, *names: x509.GeneralName, clients_of: "Authority | None" = None, days: float = 1
    ) -> ssl.SSLContext:
        """TLS context of a server with these names, which admits only clients of an authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = self._certificate(x509.Name([]), key, days=days).add_extension(
            x509.SubjectAlternativeName(names), critical=True
        )
        path = self._folder / "server.pem"
        path.write_bytes(_pem(leaf.sign(self._key, hashes.SHA256())) + _key_pem(key))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        if clients_of:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients_of.path)
        return context

    def client(
        self,
        name: str,
        *,
        days: float = 1,
        usages: Sequence[x509.ObjectIdentifier] = (),
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> tuple[bytes, bytes]:
        """A client's certificate and key in PEM; with negative days, an expired one."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        leaf = self._certificate(_named(name), key, days=days)
        if usages:
            leaf = leaf.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        return _pem(leaf.sign(self._key, hashes.SHA256())), _key_pem(key)

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: float = 1
    ) -> x509.CertificateBuilder:
        return x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=self._now - timedelta(days=2),
            not_valid_after=self._now + timedelta(days=days),
            extensions=[self._key_identifier(key), self._issuer_identifier()],
        )

    def _key_identifier(
        self, key: ec.EllipticCurvePrivateKey
    ) -> x509.Extension[x509.ExtensionType]:
        """Key identifier of the subject; Python 3.13 requires both, as RFC 5280 does."""
        value = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        return x509.Extension(value.oid, critical=False, value=value)

    def _issuer_identifier(self) -> x509.Extension[x509.ExtensionType]:
        value = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return x509.Extension(value.oid, critical=False, value=value)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
