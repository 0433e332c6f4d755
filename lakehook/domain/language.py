"""The languages in which a channel speaks to people."""

from enum import StrEnum

from lakehook.domain.errors import BadSubscription


class Language(StrEnum):
    ENGLISH = "en"
    CHINESE = "zh"


def checked_language(name: str) -> Language:
    if name not in tuple(Language):
        raise BadSubscription(f"language: {name[:40]!a} is none of {', '.join(Language)}")
    return Language(name)
