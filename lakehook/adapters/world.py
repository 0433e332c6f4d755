"""Time and chance, as the world has them."""

import random
import secrets
import time


class WallClock:
    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class FairDice:
    def chance(self) -> float:
        return random.random()  # noqa: S311  it spreads retries, it guards nothing

    def token(self) -> str:
        return secrets.token_hex(12)

    def key(self) -> bytes:
        return secrets.token_bytes(32)
