from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehook.adapters.http.client import HttpTransport
from tests.deployment import deployment, mocked, provisioned
from tests.integration.authority import Authority
from tests.integration.posting import LOOPBACK

__all__ = ["deployment", "mocked", "provisioned"]

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture
def receiver() -> Iterator[HttpTransport]:
    receiver = HttpTransport(LOOPBACK)
    yield receiver
    receiver.close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
