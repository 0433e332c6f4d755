"""Parser of a file of subscriptions; all errors are reported at once, each with its line."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, TypeVar

from lakehook.domain.channels import CHANNELS, parse_channel, parse_channel_or_format
from lakehook.domain.channels.base import Channel, SignatureScheme, display_url_for
from lakehook.domain.destination import Destination
from lakehook.domain.errors import InvalidInput, InvalidSubscription
from lakehook.domain.headers import parse_headers
from lakehook.domain.subscription import Subscription, parse_signing
from lakehook.domain.template import Template
from lakehook.subscriptions import values
from lakehook.subscriptions.apply import fields as readers
from lakehook.subscriptions.apply.fields import (
    FIELDS,
    KINDS,
    NAMES,
    PAUSED,
    SECRET,
    SIGNING,
    TEMPLATE,
    DesiredSubscription,
    SecretResolver,
)
from lakehook.subscriptions.subscribe import (
    SecretRequest,
    Subscribe,
    SubscriptionFields,
    rate_limit_key_for,
    reject_certificate_elsewhere,
    validate_fields,
    validate_template,
)

Part = str | int
T = TypeVar("T")

MAX_NAMED = 200  # characters of an error's place


class InvalidFile(InvalidInput):
    """A file with errors; a line for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    name: str
    document: Any = field(repr=False)
    lines: Mapping[tuple[Part, ...], int] = field(repr=False)

    def line(self, *path: Part) -> int:
        """Return the line; for a missing value, that of its parent."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


@dataclass(frozen=True)
class ValidationErrors:
    """Collector of errors, so that all of them are reported at once."""

    source: SourceFile
    problems: list[tuple[int, str]] = field(default_factory=list)  # with their lines

    def add(self, *path: Part, what: str, why: str) -> None:
        what = (what if what.isprintable() else ascii(what))[:MAX_NAMED]
        self.problems.append((self.source.line(*path), f"{what}: {why}"))

    def collect(self, *path: Part, what: str, read: Callable[[], T]) -> T | None:
        """Return what ``read`` returns; record an error, described by ``what``, and return None."""
        try:
            return read()
        except InvalidInput as error:
            self.add(*path, what=what, why=str(error).partition(": ")[2] or str(error))
        return None

    def raise_if_any(self) -> None:
        if self.problems:
            name = self.source.name
            raise InvalidFile([f"{name}:{line}: {fault}" for line, fault in sorted(self.problems)])


ROOT = "subscriptions"


@dataclass(frozen=True, kw_only=True)
class EntryParser:
    errors: ValidationErrors
    reveal: SecretResolver
    subscribe: Subscribe
    by_name: Mapping[str, Sequence[Subscription]]  # the present ones, by name
    index: int
    written: Mapping[str, Any]

    def __call__(self) -> DesiredSubscription | None:
        """Return the entry, or None if it has errors, which are collected."""
        faults = len(self.errors.problems)
        self._reject_names()
        raw = self._raw()
        existing = self._existing()
        channel_name = self._channel(raw, existing)
        fields, request = dict[str, Any](), SecretRequest()
        if channel_name:
            fields = self._validated(raw, CHANNELS[channel_name]) | {"channel": channel_name}
            request = self._secret_request(existing, channel_name)
            self._reject_certificate_elsewhere(existing, fields)
        paused = self._one(PAUSED, values.flag)
        if len(self.errors.problems) > faults:
            return None
        return DesiredSubscription(
            desired=Subscription(id="", **fields),
            raw=raw,
            is_credential=fields["endpoint"].url != raw["url"],
            paused=paused,
            secret_request=request,
            existing=existing,
        )

    @property
    def _name(self) -> str:
        name = self.written.get("name")
        return name if isinstance(name, str) else f"subscriptions[{self.index}]"

    def _reject_certificate_elsewhere(
        self, existing: Subscription | None, fields: Mapping[str, Any]
    ) -> None:
        if existing and (endpoint := fields.get("endpoint")):
            self._try("url", lambda: reject_certificate_elsewhere(existing, endpoint))

    def _error(self, key: str, why: str) -> None:
        path = ("subscriptions", self.index, key)
        self.errors.add(*path, what=f"{key} of {self._name}", why=why)

    def _try(self, key: str, read: Callable[[], Any]) -> Any:
        path = ("subscriptions", self.index, key)
        return self.errors.collect(*path, what=f"{key} of {self._name}", read=read)

    def _one(self, key: str, read: Callable[[Any], Any]) -> Any:
        value = self.written.get(key)
        return None if value is None else self._try(key, lambda: read(value))

    def _reject_names(self) -> None:
        for key in (name for name in self.written if name not in NAMES):
            near = get_close_matches(key, NAMES, n=1)
            meant = f"did you mean {near[0]}?" if near else f"none of {', '.join(NAMES)}"
            self._error(key, f"no such key; {meant}")
        for key in (name for name in ("name", "url") if self.written.get(name) is None):
            self._error(key, "is missing")

    def _raw(self) -> dict[str, Any]:
        read = {key.name: self._one(key.name, self._reader(key.read)) for key in FIELDS}
        return {name: value for name, value in read.items() if value is not None}

    def _reader(self, read: Callable[[Any, SecretResolver], Any]) -> Callable[[Any], Any]:
        return lambda value: read(value, self.reveal)

    def _existing(self) -> Subscription | None:
        bearers = self.by_name.get(self._name, ())
        if len(bearers) > 1:
            ids = ", ".join(bearer.id for bearer in bearers)
            self._error(
                "name", f"{len(bearers)} subscriptions have this name: {ids}; rename all but one"
            )
        return bearers[0] if bearers else None

    def _channel(self, entry: Mapping[str, Any], existing: Subscription | None) -> str | None:
        kinds = {kind: entry[kind] for kind in KINDS if kind in entry}
        if "channel" in kinds and not self._try("channel", lambda: parse_channel(kinds["channel"])):
            return None
        name: str | None = self._try(
            "format", lambda: parse_channel_or_format(entry.get("channel"), entry.get("format"))
        )
        if name and existing and name != existing.channel:
            self._error(
                "channel" if "channel" in kinds else "format",
                f"a subscription keeps its own, and this one is {existing.channel};"
                " give the new one another name",
            )
        return name

    def _validated(self, entry: Mapping[str, Any], channel: Channel) -> dict[str, Any]:
        """Validate the fields one by one."""
        fields: dict[str, Any] = {}
        for name, value in entry.items():
            fields |= (
                self._try(name, self._checked_with(SubscriptionFields(**{name: value}), channel))
                or {}
            )
        if "template" in fields:
            fields["template"] = self._template(entry, channel)
        return fields

    def _template(self, entry: Mapping[str, Any], channel: Channel) -> Template | None:
        """Validate the parts of the template together, after each one alone."""
        requested = SubscriptionFields(**{name: entry[name] for name in TEMPLATE if name in entry})
        try:
            template: Template | None = self._with_template(requested, channel)["template"]
        except InvalidSubscription:  # of a part, whose error is recorded already
            return None
        return template

    def _with_template(self, requested: SubscriptionFields, channel: Channel) -> dict[str, Any]:
        return validate_template(requested, channel, self.subscribe.renderer)

    def _checked_with(
        self, requested: SubscriptionFields, channel: Channel
    ) -> Callable[[], dict[str, Any]]:
        return lambda: self._fields(requested, channel)

    def _fields(self, requested: SubscriptionFields, channel: Channel) -> dict[str, Any]:
        if requested.headers is not None:
            return {"header_names": tuple(parse_headers(requested.headers))}
        fields = validate_fields(
            requested, channel, self.subscribe.validate_endpoint
        ) | self._with_template(requested, channel)
        if requested.url is not None:
            return self._check_destination(fields["endpoint"], channel)
        return fields

    def _check_destination(self, destination: Destination, channel: Channel) -> dict[str, Any]:
        url, shown = destination.url, display_url_for(channel, destination)
        if isinstance(self.written["url"], str) and url != shown:
            raise InvalidSubscription(
                "url: it looks like a credential, and this file must not contain secrets;"
                f" {readers.INSTEAD}"
            )
        return {
            "endpoint": replace(destination, url=shown),
            "rate_limit_key": rate_limit_key_for(url, channel),
        }

    def _secret_request(self, existing: Subscription | None, channel_name: str) -> SecretRequest:
        """Return the request of a new subscription's secret; an existing one is not touched."""
        signing = self._one(SIGNING, lambda value: parse_signing(values.text(value)))
        if existing:
            if signing and (
                CHANNELS[channel_name].signature_scheme is not SignatureScheme.STANDARD_WEBHOOKS
                or signing != existing.signing
            ):
                self._error(SIGNING, "another one takes lakehook subscriptions rotate-secret")
            return SecretRequest()
        provided = self._one(SECRET, self._reader(readers.secret))
        request = SecretRequest(signing=signing, provided=provided)
        self._try(SECRET, lambda: self.subscribe.secret_for(channel_name, request))
        return request


@dataclass(frozen=True)
class ParseEntries:
    subscribe: Subscribe
    reveal: SecretResolver

    def __call__(
        self, source: SourceFile, in_force: Sequence[Subscription]
    ) -> Sequence[DesiredSubscription]:
        """Parse all entries, or raise ``InvalidFile`` with all of their errors."""
        errors = ValidationErrors(source)
        written = list(_entries_in(errors))
        _reject_duplicates(written, errors)
        bearers: dict[str, list[Subscription]] = defaultdict(list)
        for subscription in in_force:
            bearers[subscription.name].append(subscription)
        entries = [
            self._read(errors, bearers, index, subscription) for index, subscription in written
        ]
        errors.raise_if_any()
        return [entry for entry in entries if entry]

    def _read(
        self,
        errors: ValidationErrors,
        bearers: Mapping[str, Sequence[Subscription]],
        index: int,
        written: Mapping[str, Any],
    ) -> DesiredSubscription | None:
        return EntryParser(
            errors=errors,
            reveal=self.reveal,
            subscribe=self.subscribe,
            by_name=bearers,
            index=index,
            written=written,
        )()


def _entries_in(errors: ValidationErrors) -> Iterator[tuple[int, Mapping[str, Any]]]:
    document = errors.source.document
    if not isinstance(document, dict) or not isinstance(document.get(ROOT), list):
        errors.add(what=ROOT, why="expected a list of mappings under this key")
        return
    for key in (name for name in document if name != ROOT):
        errors.add(key, what=key, why=f"no such key; {ROOT} is the only one")
    for index, entry in enumerate(document[ROOT]):
        if isinstance(entry, dict):
            yield index, entry
        else:
            errors.add(ROOT, index, what=f"{ROOT}[{index}]", why="is not a mapping")


def _reject_duplicates(
    written: Sequence[tuple[int, Mapping[str, Any]]], errors: ValidationErrors
) -> None:
    names = Counter(entry["name"] for _, entry in written if isinstance(entry.get("name"), str))
    for name in (name for name, count in names.items() if count > 1):
        *_, last = (index for index, entry in written if entry.get("name") == name)
        errors.add(
            ROOT, last, "name", what=f"name of {name}", why=f"{names[name]} entries have this name"
        )
