"""``lakehook subscriptions rotate-secret``, and ``set-`` and ``remove-client-certificate``.

After a rotation the old secret signs, too, for a while; a client certificate replaces the old one.
A new secret is printed before it is used, or else its subscription is removed: standard output may
be closed, full, or unable to encode a name, and a person may press Ctrl-C.
"""

import errno
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import current_thread, main_thread
from types import TracebackType
from typing import Self

from lakehook.cli.context import CommandService
from lakehook.cli.inputs import read_pem, read_secret, require_single_stdin
from lakehook.cli.options import (
    CertificateFile,
    CommandCall,
    CommandGroup,
    Id,
    KeyFile,
    Overlap,
    SecretFile,
    SigningName,
    examples,
)
from lakehook.cli.output import SECRETS, Output, Table, print_result
from lakehook.domain.errors import Conflict, InfrastructureError, LakehookError
from lakehook.domain.signing import MAX_OVERLAP_SECONDS
from lakehook.domain.subscription import Subscription
from lakehook.domain.time import parse_duration
from lakehook.operations.views.subscriptions import (
    CreatedSubscriptionView,
    RotatedSecretView,
    SubscriptionDetailView,
)
from lakehook.subscriptions.secrets import Rotated

app = CommandGroup()


@app.command(
    epilog=examples(
        "lakehook subscriptions rotate-secret ci",
        "lakehook subscriptions rotate-secret ci --overlap 7d --signing ed25519",
        "lakehook subscriptions rotate-secret ci --overlap 0 --secret-file - < secret.txt",
    )
)
def rotate_secret(
    subscription: Id,
    *,
    overlap: Overlap = "24h",
    signing: SigningName = None,
    secret_file: SecretFile = None,
    call: CommandCall,
) -> None:
    """Sign with a new secret from now on, and with the old one, too, until the overlap is over.

    Prints the new secret once, before it is used; for ed25519 the public key instead. After a later
    failure, the secret that was shown may not sign.
    """
    seconds = parse_duration(overlap, what="overlap", longest=MAX_OVERLAP_SECONDS)
    provided = read_secret(secret_file)
    service = call.service
    target = service.find_subscription(subscription)
    shown: list[RotatedSecretView] = []

    def show(rotated: Rotated) -> None:
        view = RotatedSecretView.from_rotation(rotated, provided=provided)
        with confirmed_output():
            print_created(call.output, view, "effective_at", tables={"secrets": SECRETS})
        shown.append(view)

    try:
        service.rotate_secret(
            target, overlap_seconds=seconds, signing=signing, provided=provided, show=show
        )
    except OutputFailed as error:
        raise OutputFailed(f"{error}; nothing has changed") from None
    except (Conflict, InfrastructureError) as error:
        if shown:
            raise type(error)(f"{error}; {_may_not_sign(target)}") from None
        raise


@app.command(
    epilog=examples(
        "lakehook subscriptions set-client-certificate ci --certificate client.pem --key key.pem"
    )
)
def set_client_certificate(
    subscription: Id, *, certificate: CertificateFile, key: KeyFile, call: CommandCall
) -> None:
    """Present a client certificate to the receiver, in place of the one before (mTLS).

    The key is encrypted and never shown. To one that does not ask for it, it is not presented.
    """
    require_single_stdin(certificate, key)
    pem = read_pem(certificate, what="certificate"), read_pem(key, what="key")
    service = call.service
    changed = service.set_client_certificate(
        service.find_subscription(subscription), certificate=pem[0], key=pem[1]
    )
    view = SubscriptionDetailView.from_subscription(changed)
    note = f"{view.name} presents it within seconds; lakehook subscriptions test tries it"
    print_result(call.output, view, shown=("client_certificate",), note=note)


@app.command(epilog=examples("lakehook subscriptions remove-client-certificate ci"))
def remove_client_certificate(subscription: Id, *, call: CommandCall) -> None:
    """Present no client certificate any longer; its key is deleted."""
    service = call.service
    changed = service.remove_client_certificate(service.find_subscription(subscription))
    view = SubscriptionDetailView.from_subscription(changed)
    print_result(call.output, view, shown=(), note=f"{view.name} presents no client certificate")


def _may_not_sign(subscription: Subscription) -> str:
    return (
        "the secret above signs only if it is the first that this shows:"
        f" lakehook subscriptions show {subscription.id}"
    )


def print_created(
    output: Output,
    view: CreatedSubscriptionView,
    *more: str,
    tables: Mapping[str, Table] | None = None,
) -> None:
    """Print a subscription with its new secret; people are shown what they have to know."""
    names = ("subscription_id", "name", "url", "state", "secret", "public_key", "replay_id")
    shown = [name for name in names if getattr(view, name) is not None]
    note = "Keep the secret: it is never shown again." if view.secret else ""
    print_result(output, view, shown=(*shown, *more), tables=tables, note=note)


class OutputFailed(LakehookError):
    """Standard output did not accept what was written to it."""


@contextmanager
def confirmed_output() -> Iterator[None]:
    """Ensure that everything printed inside was written; else raise ``OutputFailed``."""
    if sys.stdout is None:  # Python's value if the shell has closed it
        raise OutputFailed(f"standard output: {os.strerror(errno.EBADF)}")
    try:
        yield
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        _discard_output()
        raise OutputFailed(
            f"standard output: {getattr(error, 'strerror', None) or error}"
        ) from None


def _discard_output() -> None:
    """Discard its buffer, which would fail again at exit, and change the exit code."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@contextmanager
def deferred_interrupt() -> Iterator[None]:
    """Defer Ctrl-C to the end of the block; pressed twice, it acts at once."""
    if current_thread() is not main_thread():
        yield
        return
    pressed = False

    def note(*_: object) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


@dataclass
class NewSecrets:
    """Removes subscriptions whose new secret was not shown, as nobody could read it again."""

    service: CommandService
    _unshown: list[Subscription] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def add(self, subscription: Subscription) -> None:
        self._unshown.append(subscription)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Print the secrets inside this block."""
        with confirmed_output():
            yield
        self._unshown.clear()

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        outcome = [self._remove(subscription) for subscription in self._unshown]
        if outcome and isinstance(error, OutputFailed):
            raise OutputFailed(f"{error}; {'; '.join(outcome)}") from None

    def _remove(self, subscription: Subscription) -> str:
        name = f"{subscription.name} ({subscription.id})"
        try:
            self.service.remove_subscription(subscription.id, discard_waiting=True)
        except LakehookError as error:
            return (
                f"{name} has a secret that was not shown ({error});"
                f" lakehook subscriptions rotate-secret {subscription.id} shows another"
            )
        return f"{name}, whose secret could not be shown, is removed again"
