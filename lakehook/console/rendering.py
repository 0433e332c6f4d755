"""Text on a page: cleaned, escaped, translated, and with readable times.

Every value that a template writes passes ``finalize``: untrusted text cannot move, hide or run
anything. A sentence is looked up by its English form; in sentences of the operations, the variable
parts are carried over.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup, escape

from lakehook.domain.json_document import Document
from lakehook.domain.subscription import Language
from lakehook.domain.text import on_one_line
from lakehook.domain.time import parse_rfc3339

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+00:00)")
_FIELD = re.compile(r"\{(\w+)\}")
_LIQUID = re.compile(r"(\{\{.*?\}\}|\{%.*?%\})", re.DOTALL)
NOTHING = "\N{EN DASH}"
_UNITS = (("d", 2 * 86_400, 86_400), ("h", 2 * 3600, 3600), ("min", 120, 60))


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return Chinese by English: ``pages`` for the console's texts, ``operations`` for theirs."""
    text = (files("lakehook.console") / "messages.zh.json").read_text(encoding="utf-8")
    loaded: Mapping[str, Mapping[str, str]] = json.loads(text)
    return loaded


@cache
def _sentences() -> Sequence[tuple[re.Pattern[str], str]]:
    """Return patterns of sentences with variable parts, the most specific first."""
    entries = [
        (text, translated) for text, translated in catalogue()["operations"].items() if "{" in text
    ]
    entries.sort(key=lambda entry: -len(_FIELD.sub("", entry[0])))
    return [(re.compile(_pattern(text), re.DOTALL), translated) for text, translated in entries]


def _pattern(text: str) -> str:
    """Build a pattern of its fixed words, and anything between them."""
    parts = _FIELD.split(text)
    return "".join(
        f"(?P<{part}>.+?)" if index % 2 else re.escape(part) for index, part in enumerate(parts)
    )


@dataclass(frozen=True)
class Translator:
    language: Language

    def __call__(self, text: str, **values: Any) -> str:
        """Translate a sentence of the console, and fill in its values."""
        if self.language is Language.CHINESE:
            text = catalogue()["pages"].get(text, text)
        return text.format(**values)

    def plural(self, one: str, many: str, number: int, **values: Any) -> str:
        """Translate a sentence with a number; Chinese has one form for all numbers."""
        is_one = number == 1 and self.language is Language.ENGLISH
        return self(one if is_one else many, n=f"{number:,}", **values)

    def of(self, text: str | None) -> str:
        """Translate a text of the operations; unknown ones are returned unchanged."""
        if not text or self.language is not Language.CHINESE:
            return text or ""
        return catalogue()["operations"].get(text) or self._matched(text)

    def _matched(self, text: str) -> str:
        for pattern, chinese_text in _sentences():
            if match := pattern.fullmatch(text):
                places = {name: self.of(value) for name, value in match.groupdict().items()}
                return chinese_text.format(**places)
        return text

    def ago(self, at: str | None, *, now: float) -> Markup | str:
        """Format ``18 min ago`` or ``in 40 s``, with the exact time as its title."""
        if not at:
            return NOTHING
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            at, at, self._distance(now - parse_rfc3339(at).timestamp())
        )

    def _distance(self, seconds: float) -> str:
        if -1 < seconds < 1:
            return self("just now")
        span = self.span(abs(seconds))
        return self("{span} ago", span=span) if seconds > 0 else self("in {span}", span=span)

    def sentence(self, text: str | None) -> Markup:
        """Translate a sentence of the operations, and shorten its times; titles are exact."""
        parts = _TIME.split(on_one_line(self.of(text)))
        return Markup("").join(
            Markup('<time datetime="{}" title="{}">{}Z</time>').format(part, part, part[11:19])
            if index % 2
            else part
            for index, part in enumerate(parts)
        )

    def span(self, seconds: float) -> str:
        for unit, least, size in _UNITS:
            if seconds >= least:
                return self("{n} " + unit, n=int(seconds // size))
        return self("{n} s", n=int(seconds))


def finalize(value: Any) -> Any:
    """Clean a template's value; markup of the console is unchanged."""
    if value is None:
        return ""
    return on_one_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def lines(text: str | None) -> Markup:
    """Clean and escape each line of a text."""
    return Markup("\n").join(escape(on_one_line(line)) for line in (text or "").split("\n"))


def written(text: str | None, entered: str) -> str:
    """Return a field's text; as it was, if the field still shows that.

    A field shows invisible characters as escapes, which must not be taken for its text.
    """
    shown = "\n".join(map(on_one_line, (text or "").split("\n")))
    entered = entered.replace("\r\n", "\n").strip()
    return (text or "") if entered == shown.strip() else entered


def pretty(document: Document | Any) -> Markup:
    return lines(json.dumps(document, indent=2, ensure_ascii=False, default=str))


def pretty_text(text: str | None) -> Markup:
    """Format a body: JSON is indented, anything else is unchanged."""
    try:
        return pretty(json.loads(text or ""))
    except ValueError:
        return lines(text)


def liquid(text: str | None) -> Markup:
    """Format a template, with its computed parts highlighted."""
    parts = _LIQUID.split(text or "")
    marked = (
        Markup('<span class="liquid">{}</span>').format(lines(part)) if index % 2 else lines(part)
        for index, part in enumerate(parts)
    )
    return Markup("").join(marked)
