"""The system's clock and random numbers."""

import random
import secrets
import time


class SystemClock:
    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))


class SystemRandom:
    def fraction(self) -> float:
        return random.random()  # noqa: S311  it spreads retries, it guards nothing

    def new_id(self) -> str:
        return secrets.token_hex(12)

    def random_bytes(self) -> bytes:
        return secrets.token_bytes(32)
