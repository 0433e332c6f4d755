import pytest

from tests.deployment import deployment, mocked, provisioned
from tests.fakes import FakeClock

__all__ = ["deployment", "mocked", "provisioned"]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
