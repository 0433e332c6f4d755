import pytest

from tests.deployment import deployment, mocked
from tests.fakes import FakeClock

__all__ = ["deployment", "mocked"]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
