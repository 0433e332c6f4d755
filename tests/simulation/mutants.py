# ruff: noqa: T201  it prints for people
"""``make soak-mutants``: takes one guard after another out of a copy, and plays histories with it.

A guard whose absence nobody notices guards nothing, or the simulation is blind.
"""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
FOLDERS = ("lakehook", "functions", "local", "tests")
NOT_PLAYED = shutil.ignore_patterns("node_modules")
DELIVERIES = "15000"


@dataclass(frozen=True)
class Mutant:
    guard: str  # that is taken out
    file: str
    before: str
    after: str


MUTANTS = (
    Mutant(
        "a delivered record is not sent again",
        "lakehook/delivery/lane_processor.py",
        "if record.status is not DeliveryStatus.WAITING:",
        "if False:",
    ),
    Mutant(
        "no attempt outlasts the receipt of its message",
        "lakehook/delivery/batch.py",
        "return lambda: min(remaining(), until - self.clock.now())",
        "return remaining",
    ),
    Mutant(
        "what comes to a held lane waits",
        "lakehook/delivery/lane_processor.py",
        "return self._resume() if record else self._append(self._lane.record, message)",
        "return self._resume() if record else self._attempt_now(message, record)",
    ),
    Mutant(
        "a retry waits until it is due",
        "lakehook/delivery/lane_processor.py",
        "if token != held.due_token and not held.is_due(now):",
        "if False:",
    ),
    Mutant(
        "only a redrive revives a dead letter",
        "lakehook/delivery/attempt_handler.py",
        "return self._skip_dead()\n        self._stop_if_out_of_time()\n        with",
        "pass\n        self._stop_if_out_of_time()\n        with",
    ),
    Mutant(
        "no attempt goes out before its place has come",
        "lakehook/delivery/rate_limiter.py",
        "if rate is None:",
        "if True:",
    ),
    Mutant(
        "no probe goes before the receiver wished",
        "lakehook/delivery/scheduler.py",
        "return not lane.head_is_dead and lane.retry_after_until <= self.clock.now()",
        "return not lane.head_is_dead",
    ),
    Mutant(
        "an attempt that may outlive its worker does not begin",
        "lakehook/delivery/sender.py",
        "if self.clock.now() + subscription.deadline_seconds > ends_before:",
        "if False:",
    ),
    Mutant(
        "trouble of our own convicts nobody",
        "lakehook/delivery/attempt_handler.py",
        "            self._undo_attempt_start(record)\n",
        "",
    ),
    Mutant(
        "what is paused is not sent",
        "lakehook/delivery/lane_processor.py",
        "return not (subscription.is_blocked or self._endpoint",
        "return not (self._endpoint",
    ),
    Mutant(
        "what was removed is discarded, and nothing else",
        "lakehook/delivery/lane_processor.py",
        "return subscription if subscription and subscription.removed_at is None else None",
        "return None",
    ),
    Mutant(
        "a lane that waits without a time of its own is found though its resume was lost",
        "lakehook/delivery/scheduler.py",
        "for number, held in enumerate(resumed):",
        "for number, held in enumerate(resumed[:0]):",
    ),
    Mutant(
        "what is replayed goes before the head",
        "lakehook/domain/lane.py",
        "if lowest > self.head:",
        "if True:",
    ),
    Mutant(
        "a dead delivery has a letter on the queue",
        "lakehook/delivery/attempt_handler.py",
        "self.dependencies.dead_letters.send(record, "
        "endpoint=self.subscription.endpoint.display_url)",
        "pass",
    ),
    Mutant(
        "the newest event is sent again when it is repeated",
        "lakehook/domain/pipeline.py",
        "return sequenced.sequence == self.sequence",
        "return False",
    ),
    Mutant(
        "an event that a counter has no room for has an item before the counter forgets it",
        "lakehook/adapters/dynamodb/journal.py",
        "self._put([item for write in writes for item in write.displaced])",
        "dict[str, InfrastructureError]()",
    ),
    Mutant(
        "a counter is written by whoever has read it last",
        "lakehook/adapters/dynamodb/journal_items.py",
        "        return {VERSION: pipeline.version}\n",
        "        return {}\n",
    ),
    Mutant(
        "a repeat of an event that its pipeline's counter has is known",
        "lakehook/adapters/dynamodb/journal.py",
        "    if recent := pipeline.find_recent(event):\n",
        "    if recent := ():\n",
    ),
    Mutant(
        "what follows a failure in its group comes again with it",
        "lakehook/ingestion/fan_out.py",
        "if message.group not in stopped]",
        "]",
    ),
    Mutant(
        "a run that is resumed is one run",
        "lakehook/domain/pipeline.py",
        "if self.state is not PipelineState.ENDED:",
        "if self.state is PipelineState.CREATED:",
    ),
    Mutant(
        "a run that is resumed is not ended by an end of its earlier beginning",
        "lakehook/domain/pipeline.py",
        "replace(self, began_at=event.began_at)",
        "self",
    ),
    Mutant(
        "a page of a replay that was not enqueued whole is read again",
        "lakehook/replay/worker.py",
        "cursor = page.cursor if is_whole else replay.cursor",
        "cursor = page.cursor",
    ),
    Mutant(
        "a replay does not end with a last page of which the rate left something",
        "lakehook/replay/worker.py",
        "if is_whole and not page.cursor:",
        "if not page.cursor:",
    ),
    Mutant(
        "a pause blocks what is held as well as what is new",
        "lakehook/domain/subscription.py",
        "return self.paused_at is not None or self.disabled_reason is not None",
        "return self.disabled_reason is not None",
    ),
    Mutant(
        "a redrive is good for one budget, however often its message returns",
        "lakehook/domain/queue_message.py",
        "            and self.attempts_at_death in (None, record.attempts)\n",
        "",
    ),
    Mutant(
        "a redriven letter is late where others have gone by",
        "lakehook/delivery/lane_processor.py",
        "dead.redriven(late=late)",
        "dead.redriven(late=False)",
    ),
    Mutant(
        "a second death within five minutes has a letter of its own",
        "lakehook/adapters/sqs/dead_letters.py",
        "deduplication_id(record.id, record.attempts, record.version)",
        "deduplication_id(record.id)",
    ),
    Mutant(
        "what waits behind a discarded letter goes on",
        "lakehook/dead_letters.py",
        "return held.advanced_to(following.sequence, now=self.clock.now()) if following else None",
        "return None",
    ),
    Mutant(
        "what was inferred is sent again with the event that it was inferred from",
        "lakehook/ingestion/fan_out.py",
        "return loaded.recorded\n",
        "return loaded.recorded[-1:]\n",
    ),
    Mutant(
        "no retry goes before the receiver wished",
        "lakehook/domain/retry.py",
        "return max(delay, min(retry_after or 0.0, MAX_RETRY_AFTER_SECONDS))",
        "return delay",
    ),
    Mutant(
        "a probe that comes before its delivery's own time costs it no attempt",
        "lakehook/delivery/attempt_handler.py",
        "if held.is_before_retry(attempt.at):",
        "if False:",
    ),
    Mutant(
        "a probe that answers slowly is charged by the time it was sent at",
        "lakehook/delivery/attempt_handler.py",
        "if held.is_before_retry(attempt.at):",
        "if held.is_before_retry(now):",
    ),
    Mutant(
        "an attempt at its own time costs one",
        "lakehook/domain/lane.py",
        "return time < self.retry_at - 1",
        "return time < self.retry_at + 60",
    ),
    Mutant(
        "an operator's resume waits as long as the receiver wished",
        "lakehook/subscriptions/lifecycle.py",
        "until = max(first + resumed / LANES_A_SECOND, held.retry_after_until)",
        "until = first + resumed / LANES_A_SECOND",
    ),
    Mutant(
        "two crashes do not condemn a delivery",
        "lakehook/domain/lane.py",
        "MAX_UNFINISHED_ATTEMPTS = 3",
        "MAX_UNFINISHED_ATTEMPTS = 2",
    ),
    Mutant(
        "jitter only adds to a delay",
        "lakehook/domain/retry.py",
        "* (1 + JITTER * random)",
        "* (1 - JITTER * random)",
    ),
    Mutant(
        "a run without a beginning of its own follows the end before it",
        "lakehook/domain/pipeline.py",
        "        return is_later(event.at, self.changed_at)\n",
        "        return False\n",
    ),
    Mutant(
        "each attempt is signed anew",
        "lakehook/domain/channels/webhook.py",
        "timestamp = int(at)",
        "timestamp = int(at) // 60 * 60",
    ),
    Mutant(
        "one probe at a time tries an endpoint that is down",
        "lakehook/domain/circuit_breaker.py",
        "if self.due_at is None or self.due_at > now:",
        "if self.due_at is None:",
    ),
    Mutant(
        "an event that fan-out has done is not suspected any more",
        "lakehook/ingestion/fan_out.py",
        "        self._save_outcome(message)\n",
        "",
    ),
    Mutant(
        "what follows a failure alone in its group is not tried",
        "lakehook/ingestion/fan_out.py",
        "is_stopped = message.group in {failed.group for failed in again}",
        "is_stopped = False",
    ),
)


def main() -> int:
    survivors = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        played = pool.map(_is_caught, (*MUTANTS, None))
        for mutant in MUTANTS:
            caught = next(played)
            survivors += not caught
            print(f"{'caught' if caught else 'ALIVE':8} {mutant.guard}", flush=True)
        assert not next(played), "a promise is broken with every guard in its place"
    return 1 if survivors else 0


def _is_caught(mutant: Mutant | None) -> bool:
    with TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in FOLDERS:
            shutil.copytree(ROOT / name, copy / name, ignore=NOT_PLAYED)
        if mutant:
            _mutate(copy / mutant.file, mutant)
        command = [sys.executable, "-m", "tests.simulation", "--deliveries", DELIVERIES]
        played = subprocess.run(
            command,
            cwd=copy,
            env={"PYTHONPATH": folder},
            capture_output=True,
            text=True,
            check=False,
        )
        return played.returncode == 1 and "breaks a promise" in played.stdout


def _mutate(file: Path, mutant: Mutant) -> None:
    text = file.read_text()
    assert text.count(mutant.before) == 1, f"{mutant.file} has changed: {mutant.before}"
    file.write_text(text.replace(mutant.before, mutant.after))


if __name__ == "__main__":
    sys.exit(main())
