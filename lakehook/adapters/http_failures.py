"""What a failed exchange is called: one table from the libraries' exceptions to our outcomes."""

import ssl
from collections.abc import Iterator

from urllib3 import exceptions as urllib3

from lakehook.domain.outcome import Outcome

# The first match along the chain of causes, outermost first, row by row, gives the name.
_NAMES: tuple[tuple[type[BaseException], Outcome], ...] = (
    (ConnectionRefusedError, Outcome.REFUSED),
    (urllib3.NewConnectionError, Outcome.REFUSED),  # to urllib3 a kind of timeout
    (urllib3.TimeoutError, Outcome.TIMED_OUT),
    (TimeoutError, Outcome.TIMED_OUT),
    (ssl.SSLError, Outcome.TLS_FAILED),
)


def outcome_of(error: BaseException) -> Outcome:
    causes = list(_causes(error))
    for kind, outcome in _NAMES:
        if any(isinstance(cause, kind) for cause in causes):
            return outcome
    return Outcome.DISCONNECTED


def detail_of(error: BaseException) -> str:
    """What the system said at bottom, if it did: urllib3's own words would show the URL."""
    said = [cause for cause in _causes(error) if isinstance(cause, OSError) and cause.strerror]
    return str(said[-1].strerror) if said else type(error).__name__


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        reason = getattr(error, "reason", None)
        inner = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        error = (
            (reason if isinstance(reason, BaseException) else None)
            or inner
            or (error.__cause__ or error.__context__)
        )
