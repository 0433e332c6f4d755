"""Input of strangers: some of each kind, and each that once found a defect."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz.targets import TARGETS, Target, event_message, http_answer, liquid_template

_HEAD = b"HTTP/1.1 200 OK\r\n"
_CHUNKED = _HEAD + b"transfer-encoding: chunked\r\n\r\n"
FOUND = (
    (http_answer, _CHUNKED + b"0_2\r\nab\r\n0\r\n\r\n"),
    (http_answer, _CHUNKED + b"+2\r\nab\r\n0\r\n\r\n"),
    (http_answer, _CHUNKED + b"0x2\r\nab\r\n0\r\n\r\n"),
    (http_answer, _CHUNKED + b"-1\r\n"),
    (http_answer, _CHUNKED + b"2\r\nabXX0\r\n\r\n"),
    (http_answer, _HEAD + b"transfer-encoding: chunked \r\n\r\n2\r\nab\r\n0\r\n\r\n"),
    (http_answer, b"HTTP/1.1 2_0 OK\r\ncontent-length: 0\r\n\r\n"),
    (http_answer, b"HTTP/1.1 +200 OK\r\ncontent-length: 0\r\n\r\n"),
    (http_answer, _HEAD + b"content-length: 0_2\r\n\r\nab"),
    (liquid_template, "\x00"),
    (liquid_template, "ü"),
    (event_message, "[" * 10_000),
)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.check.__name__)
def test_random_input_keeps_the_invariants(target: Target):
    @settings(
        derandomize=True, max_examples=60, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(target.inputs)
    def check(written: object) -> None:
        target.check(written)

    check()


@pytest.mark.parametrize(("check", "written"), FOUND)
def test_input_that_once_failed_keeps_the_invariants(check: Callable[[Any], None], written: Any):
    check(written)
