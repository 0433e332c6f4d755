"""A stack of fakes, and the operator's command over it; a module may define its own stack."""

import pytest

from tests.fakes_ops import FakeStack
from tests.terminal import Terminal


@pytest.fixture
def stack() -> FakeStack:
    return FakeStack()


@pytest.fixture
def terminal(stack: FakeStack, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(stack, capsys)
