"""Sources: the DevLakes that share one Lakehook, each with a path, and maybe an API and a UI.

CloudFormation validates the parameters with the same patterns.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from lakehook.domain.errors import InvalidInput
from lakehook.domain.json_document import parse_json_object

NONE = "-"
"""Value of a setting without a URL."""

URL = r"https?://[!$->A-\[\]-~]{1,1000}"
"""No query, fragment or credentials, and no character that JSON escapes."""

NAME = r"(?!AWS|default(?![A-Za-z0-9_-]))[A-Za-z0-9][A-Za-z0-9_-]{0,31}"
"""The default source has no name. AWS reserves staging labels that begin with AWS."""

_SPACE = r"[ \t\r\n]*"
_URLS = rf'{_SPACE}"(api_url|ui_url)"{_SPACE}:{_SPACE}"{URL}"{_SPACE}'
_SOURCE = rf'{_SPACE}"{NAME}"{_SPACE}:{_SPACE}\{{({_SPACE}|{_URLS}(,{_URLS})*)\}}{_SPACE}'
SOURCES = rf"\{{({_SPACE}|{_SOURCE}(,{_SOURCE})*)\}}"
"""``{"staging": {"api_url": "https://…", "ui_url": "https://…"}, "production": {}}``."""

NO_SOURCES = "{}"

_EXAMPLE = '{"staging": {"api_url": "https://devlake.example/api", "ui_url": "https://…"}}'


@dataclass(frozen=True)
class DevLakeSource:
    name: str | None = None  # None: the default source
    api_url: str | None = None
    ui_url: str | None = None

    @property
    def path(self) -> str:
        """Path of its ``NOTIFICATION_ENDPOINT``."""
        return f"/{self.name or ''}"

    def pipeline_url(self, pipeline_id: object) -> str | None:
        """Return a pipeline's page in the config UI, as since v0.21.

        https://github.com/apache/incubator-devlake/blob/main/config-ui/src/app/router.tsx
        """
        if self.ui_url is None or type(pipeline_id) is not int:  # the oldest form names a task
            return None
        return f"{self.ui_url}/advanced/pipeline/{pipeline_id}"


DEFAULT_SOURCE = DevLakeSource()


@dataclass(frozen=True)
class DevLakeSources:
    """The default source and the declared ones."""

    _by_name: Mapping[str | None, DevLakeSource]

    @classmethod
    def parse(cls, api_url: str, ui_url: str, sources_json: str) -> Self:
        """Parse the settings; ``InvalidInput`` names the wrong one.

        No URL is repeated, since one may hold a password.
        """
        # Most deployments have one DevLake, so a cold start avoids compiling the pattern.
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
