"""What is told of a pipeline: what it has said, who has heard of it, and that it has not ended."""

from typing import Any

from lakehook.domain.pipeline_key import split_pipeline_key
from lakehook.domain.rfc_3339 import rfc_3339
from lakehook.domain.standing import standing_of
from lakehook.list_pipelines import Unended
from lakehook.ports.history import Accepted, SetAside
from lakehook.tell_pipeline import Place


def pipeline_facts(key: str) -> dict[str, Any]:
    source, pipeline_id = split_pipeline_key(key)
    return {"pipeline_id": pipeline_id, "source": source}


def event_facts(accepted: Accepted) -> dict[str, Any]:
    event = accepted.numbered.event
    return {
        "sequence": accepted.numbered.sequence,
        "event_type": str(event.type),
        "timestamp": event.document["timestamp"],
        "accepted_at": rfc_3339(accepted.at),
        "event_id": event.id,
        "inferred": event.is_inferred,
    }


def unsent_facts(one: SetAside) -> dict[str, Any]:
    return {
        "event_type": str(one.event.type),
        "timestamp": one.event.at,
        "accepted_at": rfc_3339(one.at),
        "event_id": one.event.id,
        "because": str(one.fate),
    }


def unended_facts(one: Unended) -> dict[str, Any]:
    label, round_ = one.pipeline.label, one.pipeline.round
    return {
        **pipeline_facts(one.pipeline.key),
        "state": str(round_.stage),
        "since": rfc_3339(one.since),
        "seconds": int(one.seconds),
        "round": round_.number,
        "project_name": label.project_name if label else None,
        "stall_told": round_.stalled,
    }


def place_facts(place: Place) -> dict[str, Any]:
    return {
        "subscription_id": place.subscription.id,
        "name": place.subscription.name,
        "state": str(standing_of(place.subscription)),
        "last_delivered": place.last_delivered,
        "waiting": place.waiting,
        "dead": place.dead,
    }
