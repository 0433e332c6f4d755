"""How long ago something was, in a process that may have been frozen since."""

from time import monotonic, time


class Moment:
    def __init__(self) -> None:
        self._by_monotonic, self._by_wall = monotonic(), time()

    @property
    def age_seconds(self) -> float:
        """By the clock that shows more: one may stand still in a frozen Lambda."""
        return max(monotonic() - self._by_monotonic, abs(time() - self._by_wall))
