"""Views: the JSON of subscriptions, deliveries, pipelines, replays and previews.

A view holds no secret, no header's value and no query's value.
"""

from dataclasses import asdict, dataclass
from typing import Any

from lakehook.domain.attempt import Attempt
from lakehook.domain.channels import channel_for
from lakehook.domain.channels.base import SignatureScheme
from lakehook.domain.event import EventType
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.ping import PingResult
from lakehook.domain.pipeline_key import split_pipeline_key
from lakehook.domain.replay import Replay, ReplayCriteria
from lakehook.domain.signing import EncryptedSecret, SignatureAlgorithm, SigningKey
from lakehook.domain.status import subscription_state
from lakehook.domain.subscription import Format, Subscription
from lakehook.domain.template import Template
from lakehook.domain.time import format_rfc3339
from lakehook.ports.stores import AcceptedEvent, SkippedEvent
from lakehook.queries import Explanation, LaneReport, SubscriberProgress, UnfinishedPipeline
from lakehook.replay import ReplayCount
from lakehook.subscriptions.lifecycle import SubscriptionBacklog
from lakehook.subscriptions.preview import EventMatch, Preview
from lakehook.subscriptions.secrets import Rotated


@dataclass(frozen=True)
class PingReport:
    """What came of a question, and how the subscription stands after it."""

    subscription: Subscription
    result: PingResult | None = None
    waited_seconds: float | None = None  # none: it was broken off

    @property
    def facts(self) -> dict[str, Any]:
        attempt = self.result.attempt if self.result else None
        return subscription_view(self.subscription) | {
            "outcome": attempt and str(attempt.outcome),
            "status": attempt and attempt.status,
            "milliseconds": attempt and attempt.milliseconds,
            "answer": attempt and (attempt.excerpt or None),
            "hint": self._hint,
        }

    @property
    def is_taken(self) -> bool:
        """By the endpoint, and one that was pending has echoed its challenge."""
        taken = self.result is not None and self.result.attempt.outcome.is_success
        return taken and not self.subscription.is_pending

    @property
    def _hint(self) -> str | None:
        if self.waited_seconds is None:
            return "it was broken off; try again: lakehook subscriptions test ID"
        if self.result is None:
            return f"nothing within {self.waited_seconds:g} s: does the delivery function run?"
        if self.subscription.is_pending and self.result.attempt.outcome.is_success:
            return "the answer is not the challenge; try again: lakehook subscriptions test ID"
        return None


def dead_letter_view(record: DeliveryRecord) -> dict[str, Any]:
    last = record.attempts_log[-1] if record.attempts_log else None
    return {
        "delivery_id": f"{record.lane}#{record.sequence}",
        "subscription_id": record.lane.subscription_id,
        "pipeline_id": record.lane.pipeline_id,
        "source": record.lane.source,
        "sequence": record.sequence,
        "event_id": record.event_id,
        "event_type": record.event_type,
        "status": str(record.status),
        "reason": record.reason or None,
        "attempts": record.attempts,
        "last_status": last.last_status if last else None,
        "last_attempt_at": format_rfc3339(last.at) if last else None,
    }


def delivery_view(record: DeliveryRecord) -> dict[str, Any]:
    return {**dead_letter_view(record), "changed_at": format_rfc3339(record.changed_at)}


def explanation_view(explained: Explanation) -> dict[str, Any]:
    """One delivery, and what happens next; the attempts beside it are a list of their own."""
    at = explained.next.at
    return {
        **delivery_view(explained.record),
        "next": explained.next.description,
        "next_at": format_rfc3339(at) if at is not None else None,
    }


def attempt_view(attempt: Attempt) -> dict[str, Any]:
    return {
        "at": format_rfc3339(attempt.at),
        "outcome": str(attempt.outcome),
        "status": attempt.status,
        "milliseconds": attempt.milliseconds,
        "answer": attempt.excerpt or None,
    }


def lane_view(report: LaneReport) -> dict[str, Any]:
    held = report.held
    return {
        "subscription_id": held.lane.subscription_id,
        "pipeline_id": held.lane.pipeline_id,
        "source": held.lane.source,
        "head": held.head,
        "state": report.state,
        "attempts": report.attempts,
        "held_since": format_rfc3339(held.held_since),
        "due_at": format_rfc3339(held.due_at),
        "waiting_behind": report.waiting_behind,
    }


def match_view(tried: EventMatch) -> dict[str, Any]:
    return {
        "pipeline_id": tried.event.pipeline_id,
        "source": tried.event.source,
        "event_type": str(tried.event.type),
        "event_id": tried.event.id,
        "matches": tried.reason is None,
        "reason": tried.reason,
    }


def pipeline_facts(key: str) -> dict[str, Any]:
    source, pipeline_id = split_pipeline_key(key)
    return {"pipeline_id": pipeline_id, "source": source}


def event_view(accepted: AcceptedEvent) -> dict[str, Any]:
    event = accepted.sequenced.event
    return {
        "sequence": accepted.sequenced.sequence,
        "event_type": str(event.type),
        "timestamp": event.document["timestamp"],
        "accepted_at": format_rfc3339(accepted.at),
        "event_id": event.id,
        "inferred": event.is_inferred,
    }


def skipped_view(one: SkippedEvent) -> dict[str, Any]:
    return {
        "event_type": str(one.event.type),
        "timestamp": one.event.at,
        "accepted_at": format_rfc3339(one.at),
        "event_id": one.event.id,
        "reason": str(one.reason),
    }


def pipeline_view(one: UnfinishedPipeline) -> dict[str, Any]:
    label, round_ = one.pipeline.info, one.pipeline.run
    return {
        **pipeline_facts(one.pipeline.key),
        "state": str(round_.state),
        "since": format_rfc3339(one.since),
        "seconds": int(one.seconds),
        "round": round_.number,
        "project_name": label.project_name if label else None,
        "stalled": round_.stalled,
    }


def progress_view(progress: SubscriberProgress) -> dict[str, Any]:
    return {
        "subscription_id": progress.subscription.id,
        "name": progress.subscription.name,
        "state": str(subscription_state(progress.subscription)),
        "last_delivered": progress.last_delivered,
        "waiting": progress.waiting,
        "dead": progress.dead,
    }


def preview_view(previewed: Preview) -> dict[str, Any]:
    return {
        "subject": previewed.subject,
        "headers": previewed.headers,
        "body": previewed.body,
        "html": previewed.html,
        "warnings": preview_warnings(previewed),
    }


def preview_warnings(previewed: Preview) -> list[str]:
    return [f"{name[:100]}: this event has no such field" for name in previewed.missing_fields]


def replay_view(one: Replay) -> dict[str, Any]:
    terms = one.criteria
    return {
        "replay_id": one.id,
        "subscription_id": one.subscription_id,
        "state": str(one.state),
        "reason": one.reason or None,
        "since": format_rfc3339(terms.since),
        "until": _time(terms.until),
        "event_types": [str(event_type) for event_type in terms.event_types],
        "status": str(terms.status),
        "rate": str(terms.rate),
        "started_at": format_rfc3339(one.started_at),
        "ended_at": _time(one.ended_at),
        "matched": one.matched,
        "sent": one.sent,
        "waiting": one.waiting,
        "failed": one.failed,
    }


def replay_count_view(
    count: ReplayCount, terms: ReplayCriteria, subscription: Subscription
) -> dict[str, Any]:
    return {
        "subscription_id": subscription.id,
        "since": format_rfc3339(terms.since),
        "until": _time(terms.until),
        "deliveries": count.deliveries,
        "pipelines": count.pipelines,
        "waiting": count.waiting,
    }


def event_type_view(counted: tuple[str, int]) -> dict[str, Any]:
    event_type, deliveries = counted
    return {"event_type": str(event_type), "deliveries": deliveries}


def _time(at: float | None) -> str | None:
    return None if at is None else format_rfc3339(at)


def subscription_view(one: Subscription) -> dict[str, Any]:
    return {
        "subscription_id": one.id,
        "name": one.name,
        "url": one.endpoint.display_url,
        "channel": one.channel,
        "format": str(one.format),
        "language": str(one.language) if channel_for(one).is_localized else None,
        "event_types": [
            str(event_type) for event_type in EventType if one.accepts_type(event_type)
        ],
        "pattern": one.pattern,
        "signing": _signing(one),
        "public_key": one.public_key,
        "deadline_seconds": one.deadline_seconds,
        "ordering": str(one.ordering),
        "retry_schedule": str(one.retry_schedule) if one.retry_schedule else "default",
        "rate": str(one.rate) if one.rate else None,
        "headers": list(one.header_names),
        "template": _template(one.template),
        "state": str(subscription_state(one)),
        "paused_at": one.paused_at,
        "disabled_reason": one.disabled_reason,
    }


def subscription_detail_view(one: Subscription) -> dict[str, Any]:
    return subscription_view(one) | {"created_at": one.created_at, "removed_at": one.removed_at}


def rotation_view(rotated: Rotated, *, told: str | None) -> dict[str, Any]:
    in_force_at = format_rfc3339(rotated.effective_at)
    return subscription_view(rotated.subscription) | {"secret": told, "effective_at": in_force_at}


def removal_view(tombstone: Subscription, backlog: SubscriptionBacklog) -> dict[str, Any]:
    return {
        "subscription_id": tombstone.id,
        "name": tombstone.name,
        "removed_at": tombstone.removed_at,
        "discarded": asdict(backlog),
    }


def secret_view(one: EncryptedSecret) -> dict[str, Any]:
    return {
        "signing": str(one.signing),
        "created_at": one.created_at or None,
        "expires_at": None if one.expires_at is None else format_rfc3339(one.expires_at),
        "public_key": one.public,
    }


def secret_to_reveal(secret: SigningKey | None, provided: str | None) -> str | None:
    """The secret to show once: a new shared one, never a private key or a provided one."""
    if secret is None or provided is not None or secret.signing is not SignatureAlgorithm.HMAC:
        return None
    return secret.reveal()


def _template(template: Template | None) -> dict[str, Any] | None:
    if template is None:
        return None
    return {
        "body": template.body,
        "subject": template.subject,
        "headers": dict(template.headers),
    }


def _signing(one: Subscription) -> str:
    seals = {
        SignatureScheme.STANDARD_WEBHOOKS: str(one.signing),
        SignatureScheme.DEVLAKE: str(Format.DEVLAKE),
        SignatureScheme.NONE: "none",
    }
    return seals[channel_for(one).signature_scheme]
