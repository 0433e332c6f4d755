"""Subscriptions: their items, and a cache that one small item invalidates."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.dynamodb.items import (
    Item,
    from_item,
    get_item,
    read_pages,
    retry_conflicts,
    to_item,
)
from lakehook.domain.client_certificate import CertificateFacts, EncryptedClientCertificate
from lakehook.domain.destination import Destination, parse_destination
from lakehook.domain.errors import Conflict, InfrastructureError, NameTaken
from lakehook.domain.event import EventType
from lakehook.domain.rate_limit import Rate
from lakehook.domain.retry import RetrySchedule
from lakehook.domain.signing import EncryptedSecret, SignatureAlgorithm
from lakehook.domain.subscription import WEBHOOK, Language, Ordering, Subscription
from lakehook.domain.template import Template
from lakehook.domain.time import format_rfc3339
from lakehook.ports.system import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONCEALED = "…"
FORM = 2
"""In form 1 ``sealed_secrets`` was a list of ciphertexts of HMAC keys that never expired."""
STATE_ATTRIBUTES = ("version", "paused_at", "disabled_reason", "disabled_at", "pending_since")
"""Attributes that ``save_state`` writes: a role may be limited to these."""
GENERATION_KEY = to_item({"id": "generation"})


MAX_CLAIMS = 10  # of a name, while others write


class _GenerationChanged(Exception):
    """A subscription has been written since all were read."""


@dataclass
class DynamoSubscriptions:
    """Subscriptions with a cache that is valid for ``fresh_for_seconds`` without a check.

    Zero checks at every read: a change then takes effect as soon as it is written.
    """

    dynamodb: "DynamoDBClient"
    table: str
    clock: Clock
    fresh_for_seconds: float = 0.0
    _generation: int | None = None
    _asked_at: float = float("-inf")
    _known: Mapping[str, Subscription] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def all(self) -> Sequence[Subscription]:
        with self._lock:
            self._refresh()
            return list(self._known.values())

    def all_of_generation(self, items: Sequence[Item]) -> Sequence[Subscription]:
        """Return all by the generation's item, which the caller has read consistently."""
        with self._lock:
            self._load(_generation_of(*items))
            return list(self._known.values())

    def find(self, subscription_id: str, *, fresh: bool = False) -> Subscription | None:
        with self._lock:
            if fresh or subscription_id not in self._known:
                self._asked_at = float("-inf")
            self._refresh()
            return self._known.get(subscription_id)

    def save(self, subscription: Subscription, *, claim_name: bool = False) -> Subscription:
        saved = replace(subscription, version=subscription.version + 1)
        put: Any = {
            "TableName": self.table,
            "Item": subscription_to_item(saved),
            "ConditionExpression": "attribute_not_exists(id) OR version = :read",
            "ExpressionAttributeValues": to_item({":read": subscription.version}),
        }
        if not claim_name:
            self._write({"Put": put}, subscription, {})
            return saved
        for _ in range(MAX_CLAIMS):
            with suppress(_GenerationChanged):
                self._write({"Put": put}, subscription, self._claim(subscription))
                return saved
        raise InfrastructureError(f"{self.table}: it is being written all the time; try again")

    def save_state(self, subscription: Subscription) -> Subscription:
        saved = replace(subscription, version=subscription.version + 1)
        values = {name: getattr(saved, name) for name in STATE_ATTRIBUTES}
        present = [f"{name} = :{name}" for name, value in values.items() if value is not None]
        absent = [name for name, value in values.items() if value is None]
        update: Any = {
            "TableName": self.table,
            "Key": to_item({"id": subscription.id}),
            "UpdateExpression": f"SET {', '.join(present)}"
            + (f" REMOVE {', '.join(absent)}" if absent else ""),
            "ConditionExpression": "version = :read",
            "ExpressionAttributeValues": to_item(
                {":read": subscription.version}
                | {f":{name}": value for name, value in values.items() if value is not None}
            ),
        }
        self._write({"Update": update}, subscription, {})
        return saved

    def _claim(self, subscription: Subscription) -> Item:
        """A condition on the generation in which no other subscription has the name."""
        with self._lock:
            self._asked_at = float("-inf")
            self._refresh()
            known, generation = list(self._known.values()), self._generation
        owners = [s.id for s in known if s.name == subscription.name and not s.removed_at]
        if owners and owners != [subscription.id]:
            raise NameTaken(f"name: {subscription.name!a} is taken by {', '.join(owners)}")
        if not generation:
            return {"ConditionExpression": "attribute_not_exists(generation)"}
        return {"ConditionExpression": "generation = :read", "read": generation}

    def _write(self, write: Any, subscription: Subscription, claim: Item) -> None:
        with translate_aws_errors():
            try:
                self._transact([write, {"Update": self._bump(**claim)}])
            except self.dynamodb.exceptions.TransactionCanceledException as error:
                _translate_conflict(error, subscription)
                raise

    def disable(self, subscription_id: str, reason: str) -> None:
        """Disable until an operator enables it; the first reason is kept."""
        update = {
            "TableName": self.table,
            "Key": to_item({"id": subscription_id}),
            "UpdateExpression": "SET disabled_reason = if_not_exists(disabled_reason, :reason),"
            " disabled_at = if_not_exists(disabled_at, :now) ADD version :one",
            "ConditionExpression": "attribute_exists(id)",
            "ExpressionAttributeValues": to_item(
                {":reason": reason, ":now": format_rfc3339(self.clock.now()), ":one": 1}
            ),
        }
        with translate_aws_errors():
            self._transact([{"Update": update}, {"Update": self._bump()}])
        with self._lock:
            self._asked_at = float("-inf")

    def _transact(self, actions: list[Any]) -> None:
        """Write a transaction; each one updates the generation, so concurrent changes conflict."""
        retry_conflicts(
            lambda: self.dynamodb.transact_write_items(TransactItems=actions), self.clock
        )

    def _bump(self, *, read: int | None = None, **condition: str) -> Any:
        return {
            "TableName": self.table,
            "Key": GENERATION_KEY,
            "UpdateExpression": "ADD generation :one",
            "ExpressionAttributeValues": to_item({":one": 1, ":read": read}),
            **condition,
        }

    def _refresh(self) -> None:
        now = self.clock.now()
        if 0 <= now - self._asked_at < self.fresh_for_seconds:  # not if the clock was set back
            return
        self._load(self._read_generation())
        self._asked_at = now

    def _load(self, generation: int) -> None:
        if generation != self._generation:
            self._known = {value.id: value for value in self._scan()}
            self._generation = generation

    def _read_generation(self) -> int:
        return _generation_of(get_item(self.dynamodb, self.table, GENERATION_KEY) or {})

    def _scan(self) -> list[Subscription]:
        items = read_pages(self.dynamodb.scan, TableName=self.table, ConsistentRead=True)
        return [
            subscription_from_item(item) for item in items if item["id"] != GENERATION_KEY["id"]
        ]


def _generation_of(item: Mapping[str, Any] = MappingProxyType({})) -> int:
    return int(from_item(item).get("generation", 0))


def subscription_to_item(subscription: Subscription) -> Item:
    return to_item(
        {
            "id": subscription.id,
            "form": FORM,
            "name": subscription.name,
            "url": subscription.endpoint.url,
            "event_types": [str(event_type) for event_type in subscription.event_types],
            "pattern": subscription.pattern,
            "success_if": subscription.success_if,
            "channel": subscription.channel,
            "language": str(subscription.language),
            "time_zone": subscription.time_zone or None,
            "ordering": str(subscription.ordering),
            "retry_schedule": subscription.retry_schedule and str(subscription.retry_schedule),
            "rate": subscription.rate and str(subscription.rate),
            "rate_limit_key": subscription.rate_limit_key,
            "template": subscription.template and _written(subscription.template),
            "paused_at": subscription.paused_at,
            "disabled_reason": subscription.disabled_reason,
            "disabled_at": subscription.disabled_at,
            "pending_since": subscription.pending_since,
            "deadline_ms": round(subscription.deadline_seconds * 1000),
            **_encrypted_values(subscription),
            "created_at": subscription.created_at,
            "version": subscription.version,
            "removed_at": subscription.removed_at,
        }
    )


def _encrypted_values(subscription: Subscription) -> dict[str, Any]:
    return {
        "secrets": [_stored(secret) for secret in subscription.secrets],
        "header_names": list(subscription.header_names),
        "encrypted_headers": subscription.encrypted_headers,
        "encrypted_url": subscription.encrypted_url,
        "client_certificate": subscription.client_certificate
        and _client_certificate_to_item(subscription.client_certificate),
    }


def subscription_from_item(item: Item) -> Subscription:
    values = from_item(item)
    return Subscription(
        id=values["id"],
        name=values["name"],
        endpoint=_destination(values["url"]),
        event_types=tuple(EventType(value) for value in values["event_types"]),
        deadline_seconds=values["deadline_ms"] / 1000,
        pattern=values.get("pattern"),
        success_if=values.get("success_if"),
        channel=values.get("channel", WEBHOOK),
        language=Language(values.get("language", Language.ENGLISH)),
        time_zone=values.get("time_zone") or "",
        ordering=Ordering(values.get("ordering", Ordering.STRICT)),
        retry_schedule=RetrySchedule.parse(schedule)
        if (schedule := values.get("retry_schedule"))
        else None,
        rate=Rate.parse(rate) if (rate := values.get("rate")) else None,
        rate_limit_key=values.get("rate_limit_key", ""),
        template=_template(values.get("template")),
        paused_at=values.get("paused_at"),
        disabled_reason=values.get("disabled_reason"),
        disabled_at=values.get("disabled_at"),
        pending_since=values.get("pending_since"),
        secrets=_secrets(values),
        header_names=tuple(values["header_names"]),
        encrypted_headers=values.get("encrypted_headers"),
        encrypted_url=values.get("encrypted_url"),
        client_certificate=_client_certificate_from_item(values.get("client_certificate")),
        created_at=values["created_at"],
        removed_at=values.get("removed_at"),
        version=values["version"],
    )


def _destination(url: str) -> Destination:
    """Parse a destination; a displayed URL contains characters that a real one may not."""
    return replace(parse_destination(url.replace(CONCEALED, "-")), url=url)


def _written(template: Template) -> dict[str, Any]:
    return {
        "body": template.body,
        "subject": template.subject,
        "headers": [list(header) for header in template.headers],
    }


def _template(stored: Mapping[str, Any] | None) -> Template | None:
    if stored is None:
        return None
    headers = tuple((name, text) for name, text in stored["headers"])
    return Template(body=stored.get("body"), subject=stored.get("subject"), headers=headers)


def _stored(secret: EncryptedSecret) -> dict[str, Any]:
    return {
        "ciphertext": secret.ciphertext,
        "signing": str(secret.signing),
        "public": secret.public,
        "created_at": secret.created_at,
        "expires_at": secret.expires_at,
    }


def _client_certificate_to_item(certificate: EncryptedClientCertificate) -> dict[str, Any]:
    facts = certificate.facts
    return {
        "certificates": certificate.certificates,
        "encrypted_key": certificate.encrypted_key,
        "subject": facts.subject,
        "fingerprint": facts.fingerprint,
        "not_before": int(facts.not_before),
        "expires_at": int(facts.expires_at),
        "created_at": certificate.created_at,
    }


def _client_certificate_from_item(
    stored: Mapping[str, Any] | None,
) -> EncryptedClientCertificate | None:
    if stored is None:
        return None
    return EncryptedClientCertificate(
        certificates=stored["certificates"],
        encrypted_key=stored["encrypted_key"],
        facts=CertificateFacts(
            subject=stored["subject"],
            fingerprint=stored["fingerprint"],
            not_before=stored["not_before"],
            expires_at=stored["expires_at"],
        ),
        created_at=stored["created_at"],
    )


def _secrets(values: Mapping[str, Any]) -> tuple[EncryptedSecret, ...]:
    if values.get("form") == 1:
        return tuple(EncryptedSecret(ciphertext=value) for value in values["sealed_secrets"])
    return tuple(_secret(value) for value in values["secrets"])


def _secret(stored: Mapping[str, Any]) -> EncryptedSecret:
    return EncryptedSecret(
        ciphertext=stored["ciphertext"],
        signing=SignatureAlgorithm(stored["signing"]),
        public=stored["public"],
        created_at=stored["created_at"],
        expires_at=stored["expires_at"],
    )


def _translate_conflict(error: ClientError, subscription: Subscription) -> None:
    reasons: Any = error.response.get("CancellationReasons", [{}])
    if reasons[0].get("Code") == "ConditionalCheckFailed":
        raise Conflict(
            f"{subscription.id} was changed since it was read; check it and try again"
        ) from None
    if reasons[-1].get("Code") == "ConditionalCheckFailed":
        raise _GenerationChanged from None
