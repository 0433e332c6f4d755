"""Export: the subscriptions as a file that ``apply`` would find unchanged."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakehook.apply.keys import KEYS, PAUSED, SIGNING
from lakehook.apply.reading import ROOT
from lakehook.domain.channel import Seal
from lakehook.domain.channels import channel_of
from lakehook.domain.errors import BadSubscription
from lakehook.domain.subscription import Subscription

SEALABLE = ("url", "headers")

_NO_NAME = re.compile(r"[^A-Z0-9]+")


@dataclass
class Export:
    """What is sealed can't be read: a variable of the environment stands for it."""

    variables: dict[str, str] = field(default_factory=dict)  # name, and what it stands for

    def __call__(self, subscriptions: Sequence[Subscription]) -> dict[str, Any]:
        """As one document, with what differs from the usual; the variables are filled in."""
        _refuse_twins(subscriptions)
        return {ROOT: [_less_nothing(self._entry(one)) for one in subscriptions]}

    def _entry(self, one: Subscription) -> Iterator[tuple[str, Any]]:
        usual = Subscription(id="", name="", endpoint=one.endpoint, channel=one.channel)
        for key in KEYS:
            now = key.now(one)
            if key.name in SEALABLE or now != key.now(usual):
                yield key.name, self._written(key.name, now, one)
        yield PAUSED, True if one.paused_at else None
        has_choice = channel_of(one).seal is Seal.STANDARD
        yield SIGNING, str(one.signing) if has_choice and one.public_key else None

    def _written(self, key: str, now: Any, one: Subscription) -> Any:
        if key == "headers":
            return {name: self._variable("HEADER", one, name) for name in now} or None
        if key == "url" and _is_credential(one):
            return self._variable("URL", one)
        return now

    def _variable(self, kind: str, one: Subscription, header: str = "") -> dict[str, str]:
        parts = (_NO_NAME.sub("_", part.upper()).strip("_") for part in (one.name, header))
        base = "_".join(("LAKEHOOK", kind, *filter(None, parts)))
        tries = (base, *(f"{base}_{number}" for number in range(2, len(self.variables) + 3)))
        name = next(name for name in tries if name not in self.variables)
        self.variables[name] = f"header {header} of {one.name}" if header else f"URL of {one.name}"
        return {"env": name}


def _less_nothing(pairs: Iterator[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in pairs if value is not None}


def _refuse_twins(subscriptions: Sequence[Subscription]) -> None:
    ids: dict[str, list[str]] = {}
    for one in subscriptions:
        ids.setdefault(one.name, []).append(one.id)
    for name, bearers in ids.items():
        if len(bearers) > 1:
            raise BadSubscription(
                f"name: {len(bearers)} subscriptions bear {name!a}: {', '.join(bearers)};"
                " rename all but one"
            )


def _is_credential(one: Subscription) -> bool:
    return one.sealed_url is not None or one.endpoint.url != one.endpoint.shown
