"""A telling: a story in a language, in parts that each channel writes in its own form."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Self

from lakehook.domain.chat.story import Failure, Story
from lakehook.domain.chat.words import Words, words_in
from lakehook.domain.event_fields import MAX_FAILED_TASKS
from lakehook.domain.instant import instant
from lakehook.domain.language import Language
from lakehook.domain.ping import Ping

_DAY, _HOUR, _MINUTE = 24 * 3600, 3600, 60
_BLUEPRINT = "blueprint:"

MAX_FAILURES = 3
"""Failed tasks that a message tells of, one a line."""


class Tone(Enum):
    """What a reader should make of it before reading."""

    PLAIN = "🔵"
    GOOD = "✅"
    BAD = "❌"
    DOUBTFUL = "⚠️"

    @property
    def mark(self) -> str:
        return self.value


_TONES = {
    "COMPLETED": Tone.GOOD,
    "FAILED": Tone.BAD,
    "PARTIAL": Tone.DOUBTFUL,
    "CANCELLED": Tone.DOUBTFUL,
    "STALLED": Tone.DOUBTFUL,
}


@dataclass(frozen=True, kw_only=True)
class Telling:
    tone: Tone
    headline: str
    facts: tuple[tuple[str, str], ...]  # what it is called, and what it is
    message: str = ""  # lines
    link: "Link | None" = None
    remarks: tuple[str, ...] = ()
    colon: str = ": "

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(f"{name}{self.colon}{value}" for name, value in self.facts)

    @classmethod
    def of(cls, story: Story, language: Language) -> Self:
        words = words_in(language)
        remarks = (
            (story.inferred, words.inferred),
            (story.late, words.late),
            (story.replayed, words.replayed),
        )
        return cls(
            tone=_TONES.get(story.state, Tone.PLAIN),
            headline=_headline(story, words),
            facts=tuple(_facts(story, words)),
            message="\n".join(_message(story, words)),
            link=Link(words.link, story.url) if story.url else None,
            remarks=tuple(remark for applies, remark in remarks if applies),
            colon=words.colon,
        )

    @classmethod
    def of_ping(cls, ping: Ping, language: Language) -> Self:
        words = words_in(language)
        return cls(
            tone=Tone.PLAIN,
            headline=words.greeting,
            facts=((words.labels["time"], _time(instant(ping.timestamp))),),
            message=words.greeted.format(ping.subscription_id),
            colon=words.colon,
        )


@dataclass(frozen=True)
class Link:
    text: str
    url: str  # without quotes, brackets or bars


def _headline(story: Story, words: Words) -> str:
    said = words.headline.format(what=_subject(story, words), state=words.states[story.state])
    if story.project:
        return words.in_project.format(project=story.project, what=said)
    return said[0].upper() + said[1:]


def _subject(story: Story, words: Words) -> str:
    pipeline = words.pipeline.format(story.pipeline)
    if story.task is None:
        return pipeline
    task = _named(story.task.id, story.task.plugin, words)
    return (words.task if task else words.unknown_task).format(task=task, pipeline=pipeline)


def _named(id_: str, name: str, words: Words) -> str:
    return (id_ + (words.brackets.format(name) if name else "")).strip()


def _message(story: Story, words: Words) -> Iterator[str]:
    """A stall is told by us, so it can be told in every language."""
    if story.stalled_in in words.states and story.seconds is not None:
        state, duration = words.states[story.stalled_in], _duration(story.seconds, words)
        said = words.stalled.format(state=state, duration=duration)
        yield said[0].upper() + said[1:]
    elif story.message:
        yield story.message
    yield from _failures(story.failures, words)


def _failures(failures: Sequence[Failure], words: Words) -> Iterator[str]:
    if failures:
        yield words.failed_tasks
    for failure in failures[:MAX_FAILURES]:
        task = _named(failure.task.id, failure.task.plugin, words)
        state = words.states.get(failure.state, "") if failure.state != "FAILED" else ""
        yield words.colon.join(part for part in (task, state, failure.message) if part)
    if len(failures) > MAX_FAILURES:
        are_all = len(failures) < MAX_FAILED_TASKS  # an event holds no more
        pattern = words.more if are_all else words.more_at_least
        yield pattern.format(len(failures) - MAX_FAILURES)


def _facts(story: Story, words: Words) -> Iterator[tuple[str, str]]:
    facts = {
        "project": story.project,
        "pipeline": _named(story.pipeline, story.name, words),
        "task": _named(story.task.id, story.task.plugin, words) if story.task else "",
        "state": words.states[story.state],
        "trigger": _trigger(story.trigger, words),
        "tasks": _task_count(story, words),
        "duration": "" if story.seconds is None else _duration(story.seconds, words),
        "time": _time(story.at),
    }
    yield from ((words.labels[name], said) for name, said in facts.items() if said)


def _task_count(story: Story, words: Words) -> str:
    """``finished`` of DevLake's counts the tasks of all runs, and those that failed too."""
    count = story.tasks
    if count is None:
        return ""
    if count.finished is None:
        return str(count.total)
    pattern = words.tasks if count.finished <= count.total else words.tasks_of_all_runs
    return pattern.format(total=count.total, finished=count.finished) + _failed(story, words)


def _failed(story: Story, words: Words) -> str:
    failed = sum(failure.state != "CANCELLED" for failure in story.failures)
    if not failed:
        return ""
    are_all = len(story.failures) < MAX_FAILED_TASKS
    return (words.failed if are_all else words.failed_at_least).format(failed)


def _trigger(trigger: str, words: Words) -> str:
    if trigger.startswith(_BLUEPRINT):
        return words.blueprint.format(trigger.removeprefix(_BLUEPRINT))
    return words.triggers.get(trigger, "")  # unknown: there is nothing to say


def _duration(seconds: int, words: Words) -> str:
    """Its two largest units: 1 h 5 min, 5 min 12 s, 0 s."""
    counts = (
        seconds // _DAY,
        seconds % _DAY // _HOUR,
        seconds % _HOUR // _MINUTE,
        seconds % _MINUTE,
    )
    told = [unit.format(count) for count, unit in zip(counts, words.units, strict=True)]
    first = next((place for place, count in enumerate(counts) if count), len(counts) - 1)
    shown = [told[place] for place in range(first, min(first + 2, len(told))) if counts[place]]
    return " ".join(shown) or told[-1]


def _time(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="seconds")
