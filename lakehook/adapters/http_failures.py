"""What a failed exchange is called: one table from the library's exceptions to our outcomes."""

from ssl import SSLError

from lakehook.adapters.http_connection import Unreachable
from lakehook.domain.outcome import Outcome

_NAMES: tuple[tuple[type[BaseException], Outcome], ...] = (
    (ConnectionRefusedError, Outcome.REFUSED),
    (Unreachable, Outcome.REFUSED),
    (TimeoutError, Outcome.TIMED_OUT),
    (SSLError, Outcome.TLS_FAILED),
)


def outcome_of(error: BaseException) -> Outcome:
    return next(
        (outcome for kind, outcome in _NAMES if isinstance(error, kind)), Outcome.DISCONNECTED
    )


def detail_of(error: BaseException) -> str:
    """What the system said, if it did: the library's own words might show what was sent."""
    said = error.strerror if isinstance(error, OSError) else None
    return said or type(error).__name__
