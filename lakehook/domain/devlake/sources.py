"""Sources: the DevLakes that share one Lakehook, each with its path, and maybe an API and a UI.

CloudFormation's parameters are validated by the same patterns that parse them here.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from lakehook.domain.errors import InvalidInput
from lakehook.domain.json_document import parse_json_object

NONE = "-"
"""How a setting says that there is no URL."""

URL = r"https?://[!$->A-\[\]-~]{1,1000}"
"""Without a query, a fragment or credentials, and without a character that JSON would escape."""

NAME = r"(?!AWS|default(?![A-Za-z0-9_-]))[A-Za-z0-9][A-Za-z0-9_-]{0,31}"
"""The default source has none. AWS's staging labels of a secret begin with AWS."""

_SPACE = r"[ \t\r\n]*"
_URLS = rf'{_SPACE}"(api_url|ui_url)"{_SPACE}:{_SPACE}"{URL}"{_SPACE}'
_SOURCE = rf'{_SPACE}"{NAME}"{_SPACE}:{_SPACE}\{{({_SPACE}|{_URLS}(,{_URLS})*)\}}{_SPACE}'
SOURCES = rf"\{{({_SPACE}|{_SOURCE}(,{_SOURCE})*)\}}"
"""``{"staging": {"api_url": "https://…", "ui_url": "https://…"}, "production": {}}``."""

NO_SOURCES = "{}"

_EXAMPLE = '{"staging": {"api_url": "https://devlake.example/api", "ui_url": "https://…"}}'


@dataclass(frozen=True)
class DevLakeSource:
    name: str | None = None  # none is the default source
    api_url: str | None = None
    ui_url: str | None = None

    @property
    def path(self) -> str:
        """What its ``NOTIFICATION_ENDPOINT`` has behind the host."""
        return f"/{self.name or ''}"

    def pipeline_url(self, pipeline_id: object) -> str | None:
        """The page of a pipeline in the config UI, as it is since v0.21.

        https://github.com/apache/incubator-devlake/blob/main/config-ui/src/app/router.tsx
        """
        if self.ui_url is None or type(pipeline_id) is not int:  # the oldest notices name a task
            return None
        return f"{self.ui_url}/advanced/pipeline/{pipeline_id}"


DEFAULT_SOURCE = DevLakeSource()


@dataclass(frozen=True)
class DevLakeSources:
    """The default source, and those that are declared."""

    _by_name: Mapping[str | None, DevLakeSource]

    @classmethod
    def parse(cls, api_url: str, ui_url: str, sources_json: str) -> Self:
        """``InvalidInput`` says what is wrong.

        No URL is repeated, since one may hold a password.
        """
        # Most have one DevLake, and their cold start need not wait for the pattern's compilation.
        if sources_json != NO_SOURCES and not re.fullmatch(SOURCES, sources_json):
            raise InvalidInput(
                "devlake sources: not an object of sources, each with api_url, ui_url or neither;"
                f" write {_EXAMPLE}; a name has 1 to 32 letters, digits or -_, and is not default"
            )
        default = DevLakeSource(None, _url("devlake API", api_url), _url("devlake UI", ui_url))
        sources = {default.name: default}
        for name, urls in parse_json_object(sources_json).items():
            api, ui = (_trimmed(urls.get(field)) for field in ("api_url", "ui_url"))
            sources[name] = DevLakeSource(name, api, ui)
        return cls(sources)

    def get(self, name: str | None) -> DevLakeSource | None:
        return self._by_name.get(name)

    def __iter__(self) -> Iterator[DevLakeSource]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)


def is_source_name(text: str) -> bool:
    return re.fullmatch(NAME, text) is not None


def _url(what: str, text: str) -> str | None:
    if text == NONE:
        return None
    if not re.fullmatch(URL, text):
        raise InvalidInput(
            f"{what}: not a URL such as https://devlake.example/api, without credentials,"
            " a query or a fragment"
        )
    return _trimmed(text)


def _trimmed(url: str | None) -> str | None:
    return url.rstrip("/") if url else None
