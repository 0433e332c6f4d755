"""TLS contexts: which authorities are trusted, and the client certificate that is presented.

A context is built once for each CA bundle and client certificate. Loading the public authorities
takes longer than a handshake, and the standard library cannot share them between contexts.
"""

import os
import ssl
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from tempfile import NamedTemporaryFile
from threading import Lock
from typing import IO, cast

from urllib3.util.ssl_ import create_urllib3_context

from lakehook.domain.client_certificate import ClientCertificate
from lakehook.domain.errors import InvalidInput

MAX_CONTEXTS = 50
"""With 0.7 MB for each, they fit into the function's memory."""

TlsKey = tuple[str, str]
"""Identity of a context: digests of the CA bundle and of the client certificate with its key."""

# The reasons of OpenSSL that tell what an operator must change.
_VERIFICATION = {
    10: "the receiver's certificate has expired",  # X509_V_ERR_CERT_HAS_EXPIRED
    18: "the receiver's certificate is signed by itself, and is not in the CA bundle",
    19: "the receiver's certificate is signed by an authority that is neither public nor in the"
    " CA bundle",
    20: "the receiver's certificate is signed by an authority that is neither public nor in the"
    " CA bundle, or the receiver does not send its intermediate certificates",
}
_VERIFICATION[21] = _VERIFICATION[20]  # X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE
_ALERTS = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the receiver asked for a client certificate",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the receiver refused the handshake: it may ask for a client"
    " certificate, or supports none of the ciphers",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the receiver refused the client certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the receiver says that the client certificate has expired",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "the receiver says that the client certificate is revoked",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the receiver refused the client certificate",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "the receiver refused the kind of client certificate",
    "TLSV1_ALERT_ACCESS_DENIED": "the receiver does not let the client certificate in",
    "TLSV1_ALERT_UNKNOWN_CA": "the receiver does not know the authority of the client certificate",
    "KEY_VALUES_MISMATCH": "the client certificate has another key",
}


@dataclass(frozen=True)
class TlsContext:
    context: ssl.SSLContext
    key: TlsKey
    knows_authorities: bool
    """Whether all authorities are known: false while the stage's CA bundle could not be read."""


class TlsContexts:
    def __init__(
        self, public_authorities: str, ca_bundle: Callable[[], str | None] | None = None
    ) -> None:
        """``public_authorities`` is a file, ``ca_bundle`` returns the bundle in force."""
        self._public_authorities = public_authorities
        self._ca_bundle = ca_bundle or (lambda: "")
        self._contexts: OrderedDict[TlsKey, ssl.SSLContext] = OrderedDict()
        self._lock = Lock()

    def context_for(self, certificate: ClientCertificate | None) -> TlsContext:
        bundle = self._ca_bundle()
        key = _digest(bundle or ""), certificate.digest if certificate else ""
        with self._lock:
            context = self._contexts.get(key)
            if context is None:
                context = self._contexts[key] = self._build(bundle, certificate)
            self._contexts.move_to_end(key)
            if len(self._contexts) > MAX_CONTEXTS:
                self._contexts.popitem(last=False)
        return TlsContext(context, key, knows_authorities=bundle is not None)

    def _build(self, bundle: str | None, certificate: ClientCertificate | None) -> ssl.SSLContext:
        context = create_urllib3_context()
        context.load_verify_locations(self._public_authorities)
        if bundle:
            context.load_verify_locations(cadata=bundle)
        if certificate:
            _present(certificate, context)
        return context


def check_authorities(bundle: str) -> None:
    """Raise ``InvalidInput`` unless the text is certificates in PEM, all of which can be read."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=bundle)
    except (ssl.SSLError, TypeError, ValueError):
        raise InvalidInput("not one or more certificates in PEM") from None


def check_client_certificate(certificate: ClientCertificate) -> None:
    """Raise ``InvalidInput`` unless OpenSSL accepts the certificate with its key."""
    try:
        _present(certificate, create_urllib3_context())
    except ssl.SSLError as error:
        reason = (error.reason or "").replace("_", " ").lower()
        words = {"key values mismatch": "it is not that of the certificate, which must come first"}
        raise InvalidInput(f"key: {words.get(reason, reason)}") from None


def _present(certificate: ClientCertificate, context: ssl.SSLContext) -> None:
    with _private_file(certificate.pem) as path:
        context.load_cert_chain(path)


def describe_tls_error(error: ssl.SSLError) -> str | None:
    """Describe in words what an operator can change; None if it is nothing that is known."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFICATION.get(error.verify_code)
    return _ALERTS.get(error.reason or "")


def is_unknown_authority(error: BaseException) -> bool:
    return isinstance(error, ssl.SSLCertVerificationError) and error.verify_code in (18, 19, 20, 21)


@contextmanager
def _private_file(content: bytes) -> Iterator[str]:
    """Yield the path of a file for OpenSSL, which reads certificates from nothing else."""
    with _open_private_file() as file:
        file.write(content)
        file.flush()
        yield file.name if isinstance(file.name, str) else f"/proc/self/fd/{file.name}"


def _open_private_file() -> IO[bytes]:
    """Open a file in memory, where the system has such; else one that only its owner can read."""
    with suppress(AttributeError, OSError):
        return os.fdopen(os.memfd_create("client-certificate"), "wb")
    return cast("IO[bytes]", NamedTemporaryFile())


@lru_cache(maxsize=2)  # asked for each request
def _digest(bundle: str) -> str:
    return sha256(bundle.encode()).hexdigest()
