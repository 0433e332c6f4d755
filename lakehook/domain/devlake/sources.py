"""Sources: the DevLakes that share one Lakehook, each with a path, and maybe an API and a UI.

CloudFormation validates the parameters with the same patterns.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import SplitResult, urlsplit

from lakehook.domain.errors import InvalidInput, InvalidSubscription
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


_MAX_CHARACTERS = 2048
_PRINTED = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class ApiAddress:
    """Address of DevLake's API, chosen by the operator, so any network is allowed.

    The headers are credentials.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, url: str, header_lines: Sequence[str] = ()) -> Self:
        """Parse a URL and headers.

        ``InvalidInput`` repeats neither, since a URL may hold a password.
        """
        from lakehook.domain.headers import parse_headers  # noqa: PLC0415  not for the ingress

        try:
            return cls(_validated(url), parse_headers(header_lines))
        except InvalidSubscription as error:
            raise InvalidInput(str(error)) from None


def _validated(url: str) -> str:
    parts = _split(url)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidInput("devlake: not a URL such as http://devlake:8080 or https://host/api")
    if "@" in parts.netloc:
        raise InvalidInput("devlake: credentials go into --header-file, not into the URL")
    if "?" in url or "#" in url:
        raise InvalidInput("devlake: the URL ends before the first ? or #")
    return url.rstrip("/")


def _split(url: str) -> SplitResult | None:
    if len(url) > _MAX_CHARACTERS or not _PRINTED.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:
        return None
    return parts if has_port else None
