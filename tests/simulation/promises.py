"""Promises about one lane: each yields what breaks it."""

from collections import deque
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.simulation.case import LaneCase
from tests.simulation.history import Entry, Post
from tests.simulation.lives import Paid, Progress, Step
from tests.simulation.rules import (
    FINAL,
    MAX_CRASHES,
    MAX_JITTER,
    MILLISECOND,
    QUEUE_SECONDS,
    hint_of,
)

if TYPE_CHECKING:
    from lakehook.domain.lane import DeliveryRecord

SETTLED_SECONDS = 60.0  # what was under way when the pause began, however late its calls are
LATE_SECONDS = 120.0  # of the clock, which ticks once a minute, and of the queue
ANSWERS = {"delivered": "200", "aborted": "abort-message"}  # that led to each recorded status


def in_order(case: LaneCase) -> Iterator[str]:
    """Each request is sent after all earlier deliveries are final, or dead under ``skip``."""
    progress = Progress(case.skips, done=set(case.crashed))
    entries = deque(case.history.entries)
    for post in case.history.posts:
        while entries and entries[0].number < post.began:
            progress.note(entries.popleft().record)
        for earlier in progress.left_before(post.sequence):
            if post.replayed or not case.is_about_to_be_replayed(earlier, at=post.began):
                status = case.status(earlier, at=post.began)
                yield f"#{post.sequence} was sent when #{earlier} was {status}"


def first_arrivals(case: LaneCase) -> Iterator[str]:
    highest = 0
    for sequence in dict.fromkeys(post.sequence for post in case.history.posts if not post.late):
        if sequence < highest and sequence not in case.crashed:
            yield f"#{sequence} first came after #{highest}"
        highest = max(highest, sequence)


def nothing_lost(case: LaneCase) -> Iterator[str]:
    yield from (f"#{sequence} is lost" for sequence in _missing(case))
    waits_for_an_operator = case.is_blocked
    for sequence, record in sorted(case.records.items()):
        if record.status == "dead":
            waits_for_an_operator |= not case.skips
        if record.status == "waiting" and not waits_for_an_operator:
            yield f"#{sequence} waits for nobody: {record}"
        elif not _is_true(case, record):
            yield f"#{sequence} is said to be {record.status}, and is not"


def _missing(case: LaneCase) -> set[int]:
    if case.is_removed:  # and wants nothing of what comes after
        return set()
    return set(range(1, case.events + 1)) - case.records.keys() - case.crashed


def _is_true(case: LaneCase, record: "DeliveryRecord") -> bool:
    """A delivered one was taken by its receiver, a dead one has a letter on the queue."""
    match str(record.status):
        case "dead":
            return record.sequence in case.letters
        case "discarded":
            return case.is_removed or record.reason == "discarded by operator"
        case "waiting":
            return True
        case status:
            answers = {post.answer_text for post in case.posts(record.sequence)}
            return ANSWERS[status] in answers


def says_what_happened(case: LaneCase) -> Iterator[str]:
    """Each request is about the event of its sequence, as derived from what was published."""
    if case.reports is None:
        return
    for post in case.history.posts:
        if post.event not in case.reports[post.sequence - 1 : post.sequence]:
            yield f"#{post.sequence} was sent as {post.event}"


def signed_afresh(case: LaneCase) -> Iterator[str]:
    for post in case.history.posts:
        if not post.is_signed:
            yield f"#{post.sequence} was not signed in the second in which it was sent"


def truly_recorded(case: LaneCase) -> Iterator[str]:
    """An attempt is recorded only of a request that was sent then, and with what came of it."""
    for sequence in case.records:
        for step in case.life(sequence):
            record = step.entry.record
            if record.attempts_log and case.request_of(step.entry) is None:
                yield f"#{sequence}: no request was sent at {record.attempts_log[-1].at}"
            if step.post and not _is_status_of(step.post.answer_text, str(record.status)):
                yield f"#{sequence}: {record.status} after the answer {step.post.answer_text}"


def _is_status_of(answer: str, status: str) -> bool:
    """Tell whether the answer leads to the status, and each final answer to a final one."""
    return ANSWERS[status] == answer if status in ANSWERS else answer not in ANSWERS.values()


def not_after_success(case: LaneCase) -> Iterator[str]:
    for post in case.history.posts:
        latest = case.latest(post.sequence, at=post.began)
        if latest is None or _was_announced(case, post, latest):
            continue
        if latest.record.status in (*FINAL, "dead"):
            yield f"#{post.sequence} was sent although recorded {latest.record.status}"
    for before, after in case.steps():
        if before.record.status in FINAL and not (after.record.status in FINAL or after.replayed):
            yield f"#{after.record.sequence} was recorded {after.record.status} after its success"


def _was_announced(case: LaneCase, post: Post, success: Entry) -> bool:
    """Tell whether a frozen worker recorded its success after the request was announced."""
    before = case.latest(post.sequence, at=success.number)
    if before is None or not before.record.attempts_started or before.by is success.by:
        return False
    return not any(success.number < other.began < post.began for other in case.posts(post.sequence))


def known_by_its_id(case: LaneCase) -> Iterator[str]:
    for post in case.history.posts:
        if post.id != f"{case.name}#{post.sequence}":
            yield f"#{post.sequence} was sent as {post.id}"
    for sequence in case.records:
        bodies = {(post.late, post.replayed, post.body) for post in case.posts(sequence)}
        kinds = {(late, replayed) for late, replayed, _ in bodies}
        if len(bodies) > len(kinds):
            yield f"#{sequence} was sent in {len(bodies)} versions"


def one_at_a_time(case: LaneCase) -> Iterator[str]:
    for earlier, later in pairwise(case.history.posts):
        if earlier.ended is None or later.began < earlier.ended:
            yield f"#{earlier.sequence} was open when #{later.sequence} was sent"


def budgets(case: LaneCase) -> Iterator[str]:
    """A delivery dies of its last attempt, neither sooner nor later, or because it crashes."""
    for sequence in case.records:
        for step in case.life(sequence):
            if step.has_failed and step.spent >= case.subscriber.budget:
                yield f"#{sequence} goes on after {step.spent} attempts"
            if step.entry.record.status != "dead":
                continue
            if step.entry.record.reason == "crashed":
                yield from _crash(case, step)
            else:
                yield from _death(case, step)


def _death(case: LaneCase, step: Step) -> Iterator[str]:
    budget = case.subscriber.budget
    if step.spent != budget:
        yield f"#{step.entry.record.sequence} died after {step.spent} attempts, not {budget}"


def _crash(case: LaneCase, step: Step) -> Iterator[str]:
    """A crash takes three announcements, each by a worker that died or recorded no outcome."""
    sequence = step.entry.record.sequence
    entries = [e for e in case.entries(sequence) if step.began <= e.number <= step.entry.number]
    announcements = [pair for pair in pairwise(entries) if pair[0].record.attempts_started]
    crashes = sum(_may_have_crashed(case, announced, after) for announced, after in announcements)
    if crashes < MAX_CRASHES:
        yield f"#{sequence} is held to crash, and {crashes} of its workers did"


def _may_have_crashed(case: LaneCase, attempt_entry: Entry, after: Entry) -> bool:
    worker, sequence = attempt_entry.by, attempt_entry.record.sequence
    began = any(attempt_entry.number < post.began < after.number for post in case.posts(sequence))
    assert worker
    return began or worker.is_dead or worker.is_zombie or worker.wrote_in_vain


def one_budget_a_redrive(case: LaneCase) -> Iterator[str]:
    """A dead letter comes to life by a redrive of its own, not of an earlier death, or a replay."""
    for sequence in case.records:
        redrives = [redrive for redrive in case.history.redrives if redrive.sequence == sequence]
        for before, after in pairwise(case.entries(sequence)):
            statuses = (before.record.status, after.record.status)
            if statuses != ("dead", "waiting") or after.replayed:
                continue
            good = ("", str(before.record.attempts))
            matching = (r for r in redrives if r.number <= after.number and r.attempts in good)
            if redrive := next(matching, None):
                redrives.remove(redrive)
            else:
                yield f"#{sequence} was revived without a redrive of its own"


def redrives_revive(case: LaneCase) -> Iterator[str]:
    """A dead letter that goes back is tried again, unless it is older than the present one."""
    for redriven in case.history.redrives:
        latest = case.latest(redriven.sequence, at=redriven.number)
        if latest is None or latest.record.status != "dead":
            continue
        is_present = redriven.attempts in ("", str(latest.record.attempts))
        if is_present and latest is case.entries(redriven.sequence)[-1]:
            yield f"#{redriven.sequence} was redriven, and is as dead as before"


def late_is_said(case: LaneCase) -> Iterator[str]:
    """A delivery that comes after a later one is marked late, and a replay is marked as one.

    What was quarantined may yet be sent by a worker that was frozen, like any that comes too late.
    No delivery is marked without a reason.
    """
    highest = 0
    for post in case.history.posts:
        is_excused = post.late or post.replayed or post.sequence in case.crashed
        if post.sequence < highest and not is_excused:
            yield f"#{post.sequence} came after #{highest}, and does not say that it is late"
        if post.late and not _was_redriven(case, post):
            yield f"#{post.sequence} says that it is late, and was not redriven"
        if post.replayed and not _was_replayed(case, post):
            yield f"#{post.sequence} says that it is replayed, and was not"
        if not post.replayed:
            highest = max(highest, post.sequence)


def _was_redriven(case: LaneCase, post: Post) -> bool:
    redrives = case.history.redrives
    return any(
        redrive.sequence == post.sequence and redrive.number < post.began for redrive in redrives
    )


def _was_replayed(case: LaneCase, post: Post) -> bool:
    return any(
        replay.record.sequence == post.sequence and replay.number < post.began
        for replay in case.replays
    )


def waits(case: LaneCase) -> Iterator[str]:
    """An attempt comes no sooner than schedule and receiver allow, unless the lane was resumed."""
    for sequence in case.records:
        for step in case.life(sequence):
            if not step.has_failed:
                continue
            began = (post for post in case.posts(sequence) if post.began > step.entry.number)
            if following := next(began, None):
                yield from _too_early(case, step, following)


def _too_early(case: LaneCase, step: Step, following: Post) -> Iterator[str]:
    sequence, failed = following.sequence, step.post
    if case.has_revived(sequence, since=step.entry.number, until=following.began):
        return  # by an operator, who wants it at once
    assert failed
    waited, hint = following.began_at - failed.ended_at, _hint(failed)
    if waited < hint - MILLISECOND:
        yield f"#{sequence} was sent again after {waited:.3f} s, asked to wait {hint:g} s"
    resumed_early = case.was_resumed_early(since=step.entry.number, until=following.began)
    if resumed_early or step.paid is None:
        return
    waited, delay = following.sent_at - step.paid.post.answered_at, _delay(case, step.spent)
    if waited < delay - MILLISECOND:
        yield f"#{sequence} was sent again after {waited:.3f} s, not {delay:g} s"


def no_idle_wait(case: LaneCase) -> Iterator[str]:
    """A failed delivery is tried again soon after its time, where nothing prevents it."""
    if not case.is_undisturbed:
        return
    for sequence in case.records:
        for step in case.life(sequence):
            began = (post for post in case.posts(sequence) if post.began > step.entry.number)
            if step.post and step.has_failed and (following := next(began, None)):
                delay = max(_delay(case, step.spent) * (1 + MAX_JITTER), _hint(step.post))
                waited = following.sent_at - step.post.answered_at
                if waited > delay + LATE_SECONDS:
                    yield f"#{sequence} was sent again {waited:.0f} s later"


def _delay(case: LaneCase, spent: int) -> float:
    delays = case.subscriber.delays
    return delays[spent - 1] if 0 < spent <= len(delays) else 0.0


def _hint(post: Post) -> float:
    return hint_of(post.answer, at=post.ended_at)


def charged_when_due(case: LaneCase) -> Iterator[str]:
    """An attempt before its delivery's own time costs nothing, and any other costs one."""
    for sequence in case.records:
        for step in case.life(sequence):
            if step.post and step.entry.record.status in ("waiting", "dead"):
                yield from _wrongly_charged(case, step, step.post)


def _wrongly_charged(case: LaneCase, step: Step, post: Post) -> Iterator[str]:
    if post.answer_text == "410":  # all waits for an operator, and begins where it was
        if step.entry.was_charged:
            yield f"#{post.sequence} paid for an attempt at a receiver that is gone"
        return
    soonest, latest = _own_time(case, step.before, step.spent_before)
    if step.entry.was_charged and post.sent_at < soonest:
        yield f"#{post.sequence} paid for an attempt {soonest - post.sent_at:.3f} s before its time"
    if not step.entry.was_charged and post.sent_at > latest:
        yield f"#{post.sequence} was tried for nothing although its time had come"


def _own_time(case: LaneCase, paid: Paid | None, spent: int) -> tuple[float, float]:
    """Return the interval in which the delivery's next attempt is due, by schedule and hint."""
    if paid is None:
        return 0.0, 0.0
    delay, hint = _delay(case, spent), _hint(paid.post)
    soonest = max(paid.post.answered_at + delay, paid.post.ended_at + hint)
    latest = paid.at + max(delay * (1 + MAX_JITTER), hint)
    return soonest - QUEUE_SECONDS - MILLISECOND, latest + MILLISECOND


def not_while_blocked(case: LaneCase) -> Iterator[str]:
    """Nothing is sent during a pause, or after the receiver has asked for no more."""
    for post in case.history.posts:
        for begins, ends in case.blocked:
            if begins + SETTLED_SECONDS < post.began_at < ends:
                after = post.began_at - begins
                yield f"#{post.sequence} was sent {after:.0f} s after all was to wait"


def no_needless_repeat(case: LaneCase) -> Iterator[str]:
    """Every request in a lane that no fault has touched is one recorded attempt.

    A replay that takes the lane from a worker leaves one unrecorded.
    """
    if case.is_tainted:
        return
    replays = len({replay.record.replayed_by for replay in case.replays})
    for sequence, record in case.records.items():
        unrecorded = len(case.posts(sequence)) - record.attempts
        if not 0 <= unrecorded <= replays:
            yield f"#{sequence}: {len(case.posts(sequence))} requests, {record.attempts} recorded"


def replayed_as_a_whole(case: LaneCase) -> Iterator[str]:
    """A replay of everything has sent, once each, the deliveries that were final when it began."""
    for replay, began in case.whole_replays.items():
        for sequence in case.records:
            status = case.status(sequence, at=began)
            times = sum(
                entry.replayed and entry.record.replayed_by == replay
                for entry in case.entries(sequence)
            )
            if status in FINAL and times != 1:
                yield f"#{sequence} was replayed {times} times by {replay}"


PROMISES = (
    in_order,
    first_arrivals,
    nothing_lost,
    says_what_happened,
    signed_afresh,
    truly_recorded,
    not_after_success,
    known_by_its_id,
    one_at_a_time,
    budgets,
    one_budget_a_redrive,
    redrives_revive,
    late_is_said,
    waits,
    no_idle_wait,
    charged_when_due,
    not_while_blocked,
    no_needless_repeat,
    replayed_as_a_whole,
)
