"""How signing secrets follow one another: the newest signs, and older ones for a while yet."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from lakehook.domain.errors import BadSubscription
from lakehook.domain.rfc_3339 import rfc_3339
from lakehook.domain.secret import Signing

MOST_LIVE = 10
LONGEST_OVERLAP_SECONDS = 30 * 24 * 3600.0


@dataclass(frozen=True, kw_only=True)
class SealedSecret:
    """A secret as it is stored: a ciphertext that only the sender's key opens."""

    sealed: bytes
    signing: Signing = Signing.HMAC
    public: str | None = None  # of ed25519, the half that is none
    created_at: str = ""
    ends_at: int | None = None  # unix seconds; none while it is the newest

    def is_live(self, now: float) -> bool:
        return self.ends_at is None or now < self.ends_at


def live(secrets: Sequence[SealedSecret], now: float) -> tuple[SealedSecret, ...]:
    return tuple(one for one in secrets if one.is_live(now))


def succeeded(
    secrets: Sequence[SealedSecret], new: SealedSecret, *, now: float, overlap_seconds: float
) -> tuple[SealedSecret, ...]:
    """The secrets when a new one takes over: the one it replaces signs on for the overlap.

    Those that were replaced before keep the end they were told, for a receiver may count on it.
    Without any overlap every one of them ends at once: so a secret that leaked is put out.
    """
    if not overlap_seconds:
        return (new,)
    ends_at = ceil(now + overlap_seconds)
    older = tuple(
        one if one.ends_at is not None else replace(one, ends_at=ends_at)
        for one in live(secrets, now)
    )
    _refuse_too_many(older)
    return (new, *older)


def _refuse_too_many(older: Sequence[SealedSecret]) -> None:
    if len(older) < MOST_LIVE:
        return
    next_end = min(one.ends_at for one in older if one.ends_at is not None)
    raise BadSubscription(
        f"secret: {len(older)} sign already, at most {MOST_LIVE}; the next ends at"
        f" {rfc_3339(next_end)}, and an overlap of 0 ends all"
    )
