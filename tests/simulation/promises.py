"""The promises about one lane: each tells what breaks it."""

from collections import deque
from collections.abc import Iterator
from itertools import pairwise

from lakehook.domain.attempt import Attempt
from lakehook.domain.lane import MAX_UNFINISHED_ATTEMPTS, DeliveryRecord, DeliveryStatus
from lakehook.domain.retry import JITTER, MAX_RETRY_AFTER_SECONDS
from lakehook.domain.subscription import Ordering
from tests.simulation.case import LaneCase
from tests.simulation.history import Entry, Post
from tests.simulation.lives import Progress, Step

SETTLED_SECONDS = 60.0  # what was under way when the pause began, however late its calls are
LATE_SECONDS = 120.0  # of the clock, which ticks once a minute, and of the queue
MILLISECOND = 0.001  # what an attempt's duration is rounded to


def in_order(case: LaneCase) -> Iterator[str]:
    """Whatever is sent, all before it is done with; under ``skip`` a dead letter is, too."""
    progress = Progress(case.ordering is Ordering.SKIP, done=set(case.crashed))
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
        if record.status is DeliveryStatus.DEAD:
            waits_for_an_operator |= case.ordering is Ordering.STRICT
        if record.status is DeliveryStatus.WAITING and not waits_for_an_operator:
            yield f"#{sequence} waits for nobody: {record}"
        elif not _is_true(case, record):
            yield f"#{sequence} is said to be {record.status}, and is not"


def _missing(case: LaneCase) -> set[int]:
    if case.is_removed:  # and wants nothing of what comes after
        return set()
    return set(range(1, case.events + 1)) - case.records.keys() - case.crashed


def _is_true(case: LaneCase, record: DeliveryRecord) -> bool:
    """A delivered one was taken by its receiver, a dead one has a letter on the queue."""
    said = {post.said for post in case.posts(record.sequence)}
    match record.status:
        case DeliveryStatus.DEAD:
            return record.sequence in case.letters
        case DeliveryStatus.DELIVERED:
            return "200" in said
        case DeliveryStatus.ABORTED:
            return "abort-message" in said
        case DeliveryStatus.DISCARDED:
            return case.is_removed or record.reason == "discarded by operator"
        case DeliveryStatus.WAITING:
            return True


def not_after_success(case: LaneCase) -> Iterator[str]:
    for post in case.history.posts:
        latest = case.latest(post.sequence, at=post.began)
        if latest and latest.record.status.is_final and not _was_announced(case, post, latest):
            yield f"#{post.sequence} was sent although recorded {latest.record.status}"
    for before, after in case.steps():
        if before.record.status.is_final and not (after.record.status.is_final or after.replayed):
            yield f"#{after.record.sequence} was recorded {after.record.status} after its success"


def _was_announced(case: LaneCase, post: Post, success: Entry) -> bool:
    """Whether the request was announced when a frozen worker woke, and recorded its success."""
    before = case.latest(post.sequence, at=success.number)
    if before is None or not before.record.attempts_started or before.by is success.by:
        return False
    return not any(success.number < one.began < post.began for one in case.posts(post.sequence))


def known_by_its_id(case: LaneCase) -> Iterator[str]:
    for post in case.history.posts:
        if post.id != f"{case.name}#{post.sequence}":
            yield f"#{post.sequence} was sent as {post.id}"
    for sequence in case.records:
        for replayed in (False, True):
            posts = [one for one in case.posts(sequence) if one.replayed is replayed]
            bodies = {one.body for one in posts if not one.late}
            if len(bodies) > 1:
                yield f"#{sequence} was sent in {len(bodies)} versions"


def one_at_a_time(case: LaneCase) -> Iterator[str]:
    for earlier, later in pairwise(case.history.posts):
        if earlier.ended is None or later.began < earlier.ended:
            yield f"#{earlier.sequence} was open when #{later.sequence} was sent"


def budgets(case: LaneCase) -> Iterator[str]:
    """A delivery dies of its last attempt, neither sooner nor later, or because it crashes."""
    for sequence in case.records:
        for step in case.life(sequence):
            if step.entry.record.status is not DeliveryStatus.DEAD:
                continue
            if step.entry.record.reason == "crashed":
                yield from _crash(case, step)
            else:
                yield from _death(case, step)


def _death(case: LaneCase, step: Step) -> Iterator[str]:
    budget, spent = case.subscriber.budget, step.spent
    renewed = case.has_revived(since=step.began, until=step.entry.number)
    if spent < budget or (spent > budget and not renewed):
        yield f"#{step.entry.record.sequence} died after {spent} attempts, not {budget}"


def _crash(case: LaneCase, step: Step) -> Iterator[str]:
    """It takes three announcements, each by a worker that died, or never told what came of it."""
    sequence = step.entry.record.sequence
    known = [e for e in case.entries(sequence) if step.began <= e.number <= step.entry.number]
    announced = [one for one in pairwise(known) if one[0].record.attempts_started]
    guilty = [here for here, after in announced if _came_to_grief(case, here, after)]
    if len(guilty) < MAX_UNFINISHED_ATTEMPTS:
        yield f"#{sequence} is held to crash, and {len(guilty)} of its workers did"


def _came_to_grief(case: LaneCase, announced: Entry, after: Entry) -> bool:
    worker, sequence = announced.by, announced.record.sequence
    began = any(announced.number < post.began < after.number for post in case.posts(sequence))
    assert worker
    return began or worker.is_dead or worker.is_zombie or worker.wrote_in_vain


def one_budget_a_redrive(case: LaneCase) -> Iterator[str]:
    """A dead letter comes to life by a redrive of its own, or by a replay."""
    for sequence in case.records:
        revivals = sum(
            before.record.status is DeliveryStatus.DEAD
            and after.record.status is DeliveryStatus.WAITING
            and not after.replayed
            for before, after in pairwise(case.entries(sequence))
        )
        redrives = sum(one.sequence == sequence for one in case.history.redrives)
        if revivals > redrives:
            yield f"#{sequence} was revived {revivals} times by {redrives} redrives"


def redrives_revive(case: LaneCase) -> Iterator[str]:
    """A dead letter that goes back is tried again, unless it is older than the present one."""
    for redriven in case.history.redrives:
        latest = case.latest(redriven.sequence, at=redriven.number)
        if latest is None or latest.record.status is not DeliveryStatus.DEAD:
            continue
        is_present = redriven.attempts in ("", str(latest.record.attempts))
        if is_present and latest is case.entries(redriven.sequence)[-1]:
            yield f"#{redriven.sequence} was redriven, and is as dead as before"


def late_is_said(case: LaneCase) -> Iterator[str]:
    """Whoever gets a delivery after a later one is told so; a replay says that it is one.

    What was quarantined may yet be sent by a worker that was frozen, like any that comes too late.
    """
    highest = 0
    for post in case.history.posts:
        is_excused = post.late or post.replayed or post.sequence in case.crashed
        if post.sequence < highest and not is_excused:
            yield f"#{post.sequence} came after #{highest}, and does not say that it is late"
        if not post.replayed:
            highest = max(highest, post.sequence)


def waits(case: LaneCase) -> Iterator[str]:
    """No attempt sooner than the schedule and the receiver allow, unless somebody woke the lane."""
    for sequence in case.records:
        for step in case.life(sequence):
            if not step.has_failed:
                continue
            began = (post for post in case.posts(sequence) if post.began > step.entry.number)
            if following := next(began, None):
                yield from _too_early(case, step, following)


def _too_early(case: LaneCase, step: Step, following: Post) -> Iterator[str]:
    if case.has_revived(since=step.began, until=following.began):
        return  # by an operator, who wants it at once
    last = step.entry.record.attempts_log[-1]
    waited, hint = _waited(last, following), min(last.retry_after or 0.0, MAX_RETRY_AFTER_SECONDS)
    if waited < hint - MILLISECOND:
        yield f"#{following.sequence} was sent again after {waited:.3f} s, asked to wait {hint:g} s"
    woken = case.was_woken(since=step.entry.number, until=following.began)
    if woken or step.paid is None:
        return
    waited, delay = _waited(step.paid.attempts_log[-1], following), _delay(case, step)
    if waited < delay - MILLISECOND:
        yield f"#{following.sequence} was sent again after {waited:.3f} s, not {delay:g} s"


def no_idle_wait(case: LaneCase) -> Iterator[str]:
    """What has failed is tried again soon after its time, where nothing keeps it from that."""
    if not case.is_undisturbed:
        return
    for sequence in case.records:
        for step in case.life(sequence):
            began = (post for post in case.posts(sequence) if post.began > step.entry.number)
            if step.has_failed and (following := next(began, None)):
                last = step.entry.record.attempts_log[-1]
                delay = max(_delay(case, step) * (1 + JITTER), last.retry_after or 0.0)
                if _waited(last, following) > delay + LATE_SECONDS:
                    yield f"#{sequence} was sent again {_waited(last, following):.0f} s later"


def _waited(last: Attempt, following: Post) -> float:
    return following.began_at - last.at - last.milliseconds / 1000


def _delay(case: LaneCase, step: Step) -> float:
    delays = case.subscriber.delays
    return delays[step.spent - 1] if 0 < step.spent <= len(delays) else 0.0


def free_of_charge(case: LaneCase) -> Iterator[str]:
    """Only an attempt that came before its time costs nothing."""
    for sequence in case.records:
        for before, step in pairwise(case.life(sequence)):
            if not (step.entry.was_free and before.paid and step.entry.record.attempts_log):
                continue
            if case.has_revived(since=step.began, until=step.entry.number):
                continue  # what a letter overtakes begins its budget anew
            last, attempt = before.paid.attempts_log[-1], step.entry.record.attempts_log[-1]
            longest = max(_delay(case, before) * (1 + JITTER), last.retry_after or 0.0)
            if attempt.at > last.at + last.milliseconds / 1000 + longest:
                yield f"#{sequence} was tried for nothing although its time had come"


def not_while_blocked(case: LaneCase) -> Iterator[str]:
    """Neither by a pause, nor after the receiver has asked for no more."""
    for post in case.history.posts:
        for begins, ends in case.blocked:
            if begins + SETTLED_SECONDS < post.began_at < ends:
                after = post.began_at - begins
                yield f"#{post.sequence} was sent {after:.0f} s after all was to wait"


def no_needless_repeat(case: LaneCase) -> Iterator[str]:
    """In a lane that no fault has touched, every request is one recorded attempt.

    A replay that takes the lane from a worker leaves one unrecorded.
    """
    if case.is_tainted:
        return
    taken = len({replay.record.replayed_by for replay in case.replays})
    for sequence, record in case.records.items():
        unrecorded = len(case.posts(sequence)) - record.attempts
        if not 0 <= unrecorded <= taken:
            yield f"#{sequence}: {len(case.posts(sequence))} requests, {record.attempts} recorded"


def replayed_as_a_whole(case: LaneCase) -> Iterator[str]:
    """What had been done with when a replay of everything began, it has sent, each once."""
    for replay, began in case.whole_replays.items():
        for sequence in case.records:
            status = case.status(sequence, at=began)
            times = sum(
                entry.replayed and entry.record.replayed_by == replay
                for entry in case.entries(sequence)
            )
            if status and status.is_final and times != 1:
                yield f"#{sequence} was replayed {times} times by {replay}"


PROMISES = (
    in_order,
    first_arrivals,
    nothing_lost,
    not_after_success,
    known_by_its_id,
    one_at_a_time,
    budgets,
    one_budget_a_redrive,
    redrives_revive,
    late_is_said,
    waits,
    no_idle_wait,
    free_of_charge,
    not_while_blocked,
    no_needless_repeat,
    replayed_as_a_whole,
)
