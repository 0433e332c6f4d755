"""Lakehook: webhooks for pipeline events, at least once and in order.

A producer imports the names that it needs from here; each is loaded on first use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakehook.domain.errors import PublishError
    from lakehook.domain.event import Event, EventType
    from lakehook.producer import Publisher, SpooledPublisher

__all__ = ["Event", "EventType", "PublishError", "Publisher", "SpooledPublisher", "__version__"]
__version__ = "0.1.0"

_MODULES = {
    "Event": "lakehook.domain.event",
    "EventType": "lakehook.domain.event",
    "PublishError": "lakehook.domain.errors",
    "Publisher": "lakehook.publisher",
    "SpooledPublisher": "lakehook.producer",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module  # noqa: PLC0415  functions start without it

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return __all__
