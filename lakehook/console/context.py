"""Context of a page: the operations, the language, and how a command is written."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from flask import current_app, g

from lakehook.console.access import Access
from lakehook.console.rendering import Translator
from lakehook.domain.subscription import Language
from lakehook.operations import OperatorService
from lakehook.operations.trends import ShowTrends

EXTENSION = "lakehook"
DEFAULT_STACK = "Lakehook"
_PLAIN = re.compile(r"[\w.,:/@%+=-][\w.,:/@%+=#-]*", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class ConsoleOptions:
    read_only: bool = False
    language: Language = Language.ENGLISH
    stack: str = DEFAULT_STACK
    window: str = "24h"  # of the trends, one of ``WINDOWS``


@dataclass(kw_only=True)
class Console:
    """State that all requests share."""

    open_service: Callable[[], OperatorService]
    access: Access
    options: ConsoleOptions = field(default_factory=ConsoleOptions)
    _service: OperatorService | None = None
    _trends: ShowTrends | None = None  # kept when the service is opened again

    @property
    def service(self) -> OperatorService:
        if self._service is None:
            self._service = self.open_service()
            if self._trends:
                self._service.show_trends.continue_from(self._trends)
            self._trends = self._service.show_trends
        return self._service

    @property
    def now(self) -> float:
        """Time of the operations' clock; a page without the operations shows no time."""
        return self._service.clock.now() if self._service else 0.0

    def reopen(self) -> None:
        """Read the credentials again at the next request: an AWS session ends after some hours."""
        self._service = None


def console() -> Console:
    return cast("Console", current_app.extensions[EXTENSION])


def service() -> OperatorService:
    return console().service


def translator() -> Translator:
    """Return that of the request, in the language of its session."""
    return cast("Translator", g.translator)


def command_line(*words: str) -> str:
    """Format a command for a shell; an id needs no quotes."""
    stack = console().options.stack
    at = () if stack == DEFAULT_STACK else ("--stack", stack)
    return " ".join(("lakehook", *map(_quoted, (*words, *at))))


def _quoted(word: str) -> str:
    return word if _PLAIN.fullmatch(word) else shlex.quote(word)
