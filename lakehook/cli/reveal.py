"""Secrets that are shown once: printed before they are used, or else their subscription is removed.

Standard output may be closed, full, or unable to encode a name, and a person may press Ctrl-C.
"""

import errno
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import current_thread, main_thread
from types import TracebackType
from typing import Self

from lakehook.cli.context import CommandService
from lakehook.domain.errors import LakehookError
from lakehook.domain.subscription import Subscription


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
