import subprocess
import sys
from pathlib import Path

import pytest
from botocore.utils import get_environ_proxies

from lakehook.cli.bootstrap import session


@pytest.fixture
def _nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.mark.usefixtures("_nothing_configured")
@pytest.mark.parametrize(
    ("variable", "value", "region", "has_credentials"),
    [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566", "us-east-1", True),
        ("AWS_ENDPOINT_URL", "", None, False),
        ("AWS_REGION", "eu-west-1", "eu-west-1", False),
    ],
)
def test_only_an_endpoint_url_has_a_default_region_and_credentials(
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    region: str | None,
    *,
    has_credentials: bool,
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv(variable, value)

    boto_session = session()

    assert boto_session.region_name == region
    assert bool(boto_session.get_credentials()) is has_credentials


def test_a_configured_session_stays_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")

    local = session()

    credentials = local.get_credentials()
    assert local.region_name == "eu-central-1"
    assert credentials
    assert credentials.access_key == "anyone"


def test_no_proxy_leads_to_a_laptops_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "git.example")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")

    session()

    assert get_environ_proxies("http://127.0.0.1:4566/") == {}
    assert get_environ_proxies("http://devlake.example/")
    assert get_environ_proxies("http://git.example/") == {}


def test_help_does_not_wait_for_boto3():
    script = "import sys, lakehook.cli.command; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert not {"boto3", "requests"} & set(loaded.stdout.split())
