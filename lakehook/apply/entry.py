"""An entry of a file: what one subscription shall be."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lakehook.apply.keys import KEYS
from lakehook.domain.subscription import Subscription
from lakehook.subscribe import SecretWish, Terms


@dataclass(frozen=True, kw_only=True)
class Entry:
    wanted: Subscription  # as it would stand, were it new, less what is sealed
    said: Mapping[str, Any] = field(repr=False)  # by the keys of terms; may hold credentials
    is_credential: bool  # its URL
    paused: bool | None  # nothing: as it is
    wish: SecretWish  # of a new one
    existing: Subscription | None

    @property
    def name(self) -> str:
        return self.wanted.name

    @property
    def new_terms(self) -> Terms:
        return Terms(**self.said)

    def terms(self, names: Iterable[str]) -> Terms:
        """These terms alone; where the file says nothing of one, as it usually is."""
        usual = {key.name: key.usual for key in KEYS}
        return Terms(**{name: self.said.get(name, usual[name]) for name in names})
