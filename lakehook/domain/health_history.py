"""History of a subscription's health, from its recorded changes: a span for each state.

The scheduler records a change when it looks, every few minutes, so a shorter trouble is not in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lakehook.domain.status import HealthState


@dataclass(frozen=True, kw_only=True)
class HealthChange:
    at: float
    subscription_id: str
    before: HealthState
    after: HealthState


@dataclass(frozen=True, kw_only=True)
class HealthSpan:
    health: HealthState
    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


def health_spans(
    changes: Sequence[HealthChange],
    *,
    start: float,
    end: float,
    present: HealthState,
    since: float | None,
) -> list[HealthSpan]:
    """Return the spans between ``start`` and ``end``, from its changes in the order of time.

    ``present`` and ``since`` are as of ``end``: the last change may not be recorded yet. Before its
    first change a subscription was ok.
    """
    recorded = [change for change in changes if start < change.at <= end]
    earlier = [change for change in changes if change.at <= start]
    first = recorded[0].before if recorded else None
    state = earlier[-1].after if earlier else first or HealthState.OK
    steps = [(start, state), *((change.at, change.after) for change in recorded)]
    last_at, last = steps[-1]
    if last is not present:
        steps.append((min(max(last_at, since or end), end), present))
    ends = [at for at, _ in steps[1:]] + [end]
    spans = [
        HealthSpan(health=health, start=at, end=until)
        for (at, health), until in zip(steps, ends, strict=True)
        if until > at
    ]
    return _joined(spans)


def _joined(spans: Sequence[HealthSpan]) -> list[HealthSpan]:
    joined: list[HealthSpan] = []
    for span in spans:
        is_same = bool(joined) and joined[-1].health is span.health
        start = joined.pop().start if is_same else span.start
        joined.append(HealthSpan(health=span.health, start=start, end=span.end))
    return joined
