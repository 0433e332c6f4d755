"""What is to become of a message once it has been looked at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Done:
    """It has done its work and may go."""


@dataclass(frozen=True)
class Again:
    """It must come back, after so many seconds and not sooner."""

    after_seconds: float = 0.0


Disposition = Done | Again
