"""Processes are killed outright."""

from collections.abc import Collection
from contextlib import suppress

import pytest

from local.fifo.message import SqsError
from local.installation import LocalLakehook
from local.runtime_api import InvocationFailure
from local.triggers import EventSourceMapping


@pytest.fixture
def soon_visible_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Return a killed process' messages to their queue at once, not after half a minute.

    A short visibility timeout would do that as well, but end on a busy machine for processes that
    live: a message that is received ever more often has to wait for minutes.
    """

    def give_back(
        mapping: EventSourceMapping, receipts: Collection[str], _failure: InvocationFailure
    ) -> None:
        with mapping._source._queue.model() as model:
            for receipt in receipts:
                with suppress(SqsError):  # the process had acknowledged it
                    model.change_visibility(receipt, 0)

    monkeypatch.setattr(EventSourceMapping, "_leave_in_flight", give_back)


def kill(lakehook: LocalLakehook, *handlers: str) -> int:
    """SIGKILL every process of these functions, and start a new one of each; how many died."""
    functions = [
        function
        for function in lakehook.functions.values()
        if function._spec.handler.startswith(handlers)
    ]
    processes = [process for function in functions for process in list(function._environments)]
    for process in processes:
        process.kill()
    for function in functions:
        function.start()
    return len(processes)
