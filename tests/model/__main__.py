# ruff: noqa: T201  it prints for people
"""``make model``: searches every state of the model, world by world, and counts them."""

import sys
from pathlib import Path

from tests.model.spin import NO_SPIN, is_installed, search
from tests.model.writes import modelled

TRAIL = Path("model-trail.txt")
NO_OPERATOR = ("REDRIVES=0", "DISCARDS=0")
NO_FAULT = ("CRASHES=0", "COPIES=0")
WORLDS = {
    "strict, 2 events: a crash, a frozen worker, a copy": ("EVENTS=2", *NO_OPERATOR),
    "strict, 2 events: a frozen worker, a redrive": ("EVENTS=2", *NO_FAULT, "DISCARDS=0"),
    "strict, 2 events: a frozen worker, a discard": ("EVENTS=2", *NO_FAULT, "REDRIVES=0"),
    "skip, 2 events: a crash, a frozen worker, a copy": ("EVENTS=2", "SKIP=1", *NO_OPERATOR),
    "skip, 2 events: a frozen worker, a redrive": ("EVENTS=2", "SKIP=1", *NO_FAULT, "DISCARDS=0"),
    "skip, 2 events: a frozen worker, a discard": ("EVENTS=2", "SKIP=1", *NO_FAULT, "REDRIVES=0"),
    "strict, 3 events: a frozen worker": ("EVENTS=3", *NO_FAULT, *NO_OPERATOR),
    "strict, 2 events: an endpoint that is down": (
        "EVENTS=2",
        "BREAKER=1",
        "ZOMBIES=0",
        *NO_FAULT,
        *NO_OPERATOR,
    ),
}


def main() -> int:
    if not is_installed():
        print(NO_SPIN)
        return 2
    table, written = modelled(), set[int]()
    for name, bounds in WORLDS.items():
        searched = search(table, bounds, is_large=True)
        print(f"{searched.states:12,} states {searched.seconds:6.1f} s  {name}", flush=True)
        if not searched.is_clean:
            TRAIL.write_text(searched.trail)
            print(f"a promise is broken, or a write is unknown: {TRAIL} has the steps")
            return 1
        written |= searched.rows
    for number in set(range(len(table))) - written:
        print("in no world the model writes", *table[number])
    return 0


if __name__ == "__main__":
    sys.exit(main())
