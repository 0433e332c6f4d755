"""A telling: a story in a language, in parts that each channel writes in its own form."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Self

from lakehook.domain.chat.story import Story, Task
from lakehook.domain.chat.words import Words, words_in
from lakehook.domain.instant import instant
from lakehook.domain.language import Language
from lakehook.domain.ping import Ping

_DAY, _HOUR, _MINUTE = 24 * 3600, 3600, 60
_BLUEPRINT = "blueprint:"


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
            message=_message(story, words),
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


def _headline(story: Story, words: Words) -> str:
    said = words.headline.format(what=_subject(story, words), state=words.states[story.state])
    if story.project:
        return words.in_project.format(project=story.project, what=said)
    return said[0].upper() + said[1:]


def _subject(story: Story, words: Words) -> str:
    pipeline = words.pipeline.format(story.pipeline)
    if story.task is None:
        return pipeline
    task = _named(story.task, words)
    return (words.task if task else words.unknown_task).format(task=task, pipeline=pipeline)


def _named(task: Task, words: Words) -> str:
    plugin = words.brackets.format(task.plugin) if task.plugin else ""
    return (task.id + plugin).strip()


def _message(story: Story, words: Words) -> str:
    """A stall is told by us, so it can be told in every language."""
    if story.stalled_in not in words.states or story.seconds is None:
        return story.message
    state, duration = words.states[story.stalled_in], _duration(story.seconds, words)
    said = words.stalled.format(state=state, duration=duration)
    return said[0].upper() + said[1:]


def _facts(story: Story, words: Words) -> Iterator[tuple[str, str]]:
    facts = {
        "project": story.project,
        "pipeline": story.pipeline,
        "task": _named(story.task, words) if story.task else "",
        "state": words.states[story.state],
        "trigger": _trigger(story.trigger, words),
        "duration": "" if story.seconds is None else _duration(story.seconds, words),
        "time": _time(story.at),
    }
    yield from ((words.labels[name], said) for name, said in facts.items() if said)


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
