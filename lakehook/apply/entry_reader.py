"""Reads an entry of a file; all that is wrong with it is told at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from lakehook.apply import readers
from lakehook.apply.entry import Entry
from lakehook.apply.keys import KEYS, KINDS, NAMES, PAUSED, SECRET, SIGNING, TEMPLATE
from lakehook.apply.manuscript import Proofreader, Reveal
from lakehook.domain.channel import Channel, Seal, shown_by
from lakehook.domain.channels import channel_of, checked_channel
from lakehook.domain.destination import Destination
from lakehook.domain.errors import BadSubscription
from lakehook.domain.header import checked_headers
from lakehook.domain.subscription import Subscription, checked_signing
from lakehook.domain.template import Template
from lakehook.subscribe import SecretWish, Subscribe, Terms, pace_of
from lakehook.subscribe.terms import agreed, channel_in
from lakehook.subscribe.wording import worded


@dataclass(frozen=True, kw_only=True)
class EntryReader:
    proofreader: Proofreader
    reveal: Reveal
    subscribe: Subscribe
    bearers: Mapping[str, Sequence[Subscription]]  # those in force, by name
    index: int
    written: Mapping[str, Any]

    def __call__(self) -> Entry | None:
        """The entry; nothing if anything is wrong with it, of which the proofreader knows."""
        faults = len(self.proofreader.faults)
        self._refuse_names()
        said = self._said()
        existing = self._existing()
        channel = self._channel(said, existing)
        fields = self._agreed(said, channel) if channel else {}
        wish = self._wish(said, existing, channel) if channel else SecretWish()
        paused = self._one(PAUSED, readers.flag)
        if len(self.proofreader.faults) > faults:
            return None
        return Entry(
            wanted=Subscription(id="", **fields),
            said=said,
            is_credential=fields["endpoint"].url != said["url"],
            paused=paused,
            wish=wish,
            existing=existing,
        )

    @property
    def _name(self) -> str:
        name = self.written.get("name")
        return name if isinstance(name, str) else f"subscriptions[{self.index}]"

    def _blame(self, key: str, why: str) -> None:
        path = ("subscriptions", self.index, key)
        self.proofreader.blame(*path, what=f"{key} of {self._name}", why=why)

    def _tried(self, key: str, read: Callable[[], Any]) -> Any:
        path = ("subscriptions", self.index, key)
        return self.proofreader.tried(*path, what=f"{key} of {self._name}", read=read)

    def _one(self, key: str, read: Callable[[Any], Any]) -> Any:
        value = self.written.get(key)
        return None if value is None else self._tried(key, lambda: read(value))

    def _refuse_names(self) -> None:
        for key in (one for one in self.written if one not in NAMES):
            near = get_close_matches(key, NAMES, n=1)
            meant = f"did you mean {near[0]}?" if near else f"none of {', '.join(NAMES)}"
            self._blame(key, f"no such key; {meant}")
        for key in (one for one in ("name", "url") if self.written.get(one) is None):
            self._blame(key, "is missing")

    def _said(self) -> dict[str, Any]:
        read = {key.name: self._one(key.name, self._reader(key.read)) for key in KEYS}
        return {name: value for name, value in read.items() if value is not None}

    def _reader(self, read: Callable[[Any, Reveal], Any]) -> Callable[[Any], Any]:
        return lambda value: read(value, self.reveal)

    def _existing(self) -> Subscription | None:
        bearers = self.bearers.get(self._name, ())
        if len(bearers) > 1:
            ids = ", ".join(one.id for one in bearers)
            self._blame("name", f"{len(bearers)} subscriptions bear it: {ids}; rename all but one")
        return bearers[0] if bearers else None

    def _channel(self, said: Mapping[str, Any], existing: Subscription | None) -> Channel | None:
        kinds = {kind: said[kind] for kind in KINDS if kind in said}
        if "channel" in kinds and not self._tried(
            "channel", lambda: checked_channel(kinds["channel"])
        ):
            return None
        channel: Channel | None = self._tried("format", lambda: channel_in(Terms(**kinds)))
        if channel and existing and channel is not channel_of(existing):
            self._blame(
                "channel" if "channel" in kinds else "format",
                f"a subscription keeps its own, and this one is {existing.channel},"
                f" {existing.format}; give the new one another name",
            )
        return channel

    def _agreed(self, said: Mapping[str, Any], channel: Channel) -> dict[str, Any]:
        """The fields of a subscription, each term by itself."""
        fields: dict[str, Any] = {}
        for name, value in said.items():
            fields |= self._tried(name, self._agreeing(Terms(**{name: value}), channel)) or {}
        if "template" in fields:
            fields["template"] = self._template(said, channel)
        return fields

    def _template(self, said: Mapping[str, Any], channel: Channel) -> Template | None:
        """Its parts, of which each was looked at alone, as one."""
        terms = Terms(**{name: said[name] for name in TEMPLATE if name in said})
        try:
            template: Template | None = self._worded(terms, channel)["template"]
        except BadSubscription:  # for a part, which was blamed
            return None
        return template

    def _worded(self, terms: Terms, channel: Channel) -> dict[str, Any]:
        return worded(terms, channel, self.subscribe.typesetter)

    def _agreeing(self, terms: Terms, channel: Channel) -> Callable[[], dict[str, Any]]:
        return lambda: self._fields(terms, channel)

    def _fields(self, terms: Terms, channel: Channel) -> dict[str, Any]:
        if terms.headers is not None:
            return {"header_names": tuple(checked_headers(terms.headers))}
        fields = agreed(terms, channel, self.subscribe.judge) | self._worded(terms, channel)
        if terms.url is not None:
            return self._addressed(fields["endpoint"], channel)
        return fields

    def _addressed(self, destination: Destination, channel: Channel) -> dict[str, Any]:
        url, shown = destination.url, shown_by(channel, destination)
        if isinstance(self.written["url"], str) and url != shown:
            raise BadSubscription(
                "url: it looks like a credential, and nothing secret stands in this file;"
                f" {readers.INSTEAD}"
            )
        return {"endpoint": replace(destination, url=shown), "paced_by": pace_of(url, channel)}

    def _wish(
        self, said: Mapping[str, Any], existing: Subscription | None, channel: Channel
    ) -> SecretWish:
        """Of a new one. The secret of one that is there is not touched, nor looked for."""
        signing = self._one(SIGNING, lambda value: checked_signing(readers.text(value)))
        if existing:
            if signing and (channel.seal is not Seal.STANDARD or signing != existing.signing):
                self._blame(SIGNING, "another one takes lakehook subscriptions rotate-secret")
            return SecretWish()
        brought = self._one(SECRET, self._reader(readers.secret))
        wish = SecretWish(signing=signing, brought=brought)
        kinds = Terms(**{kind: said.get(kind) for kind in KINDS})
        self._tried(SECRET, lambda: self.subscribe.secret_for(channel, kinds, wish))
        return wish
