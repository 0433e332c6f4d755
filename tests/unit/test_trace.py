"""Traces of producers reach the subscriber, if they have the form of W3C."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.domain.trace_context import Trace

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"


def test_an_attempt_belongs_to_the_producers_trace_and_is_a_span_of_its_own():
    trace = Trace.read(PARENT)

    assert trace
    first, second = trace.parent(b"\x01" * 32), trace.parent(b"\x02" * 32)
    assert first == f"00-{TRACE}-0101010101010101-01"
    assert second == f"00-{TRACE}-0202020202020202-01"


@pytest.mark.parametrize(
    ("header", "flags"),
    [
        (PARENT, 1),
        (f"00-{TRACE}-{SPAN}-00", 0),
        (f"00-{TRACE}-{SPAN}-03", 3),  # random, as level 2 has it
        (f"00-{TRACE}-{SPAN}-fd", 1),  # flags that nobody knows yet are not passed on
        (f"cc-{TRACE}-{SPAN}-01", 1),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", 1),
    ],
)
def test_a_trace_is_read(header: str, flags: int):
    assert Trace.read(header) == Trace(TRACE, flags)


@pytest.mark.parametrize(
    "value",
    [
        *(None, 39, {}, "", f" {PARENT}", f"{PARENT}\n", f"ff-{TRACE}-{SPAN}-01"),
        *(f"00-{TRACE}-{SPAN}-01-more", f"00-{TRACE}-{SPAN}-01-", f"cc-{TRACE}-{SPAN}-01.more"),
        *(f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE.upper()}-{SPAN}-01"),
        *(f"00-{TRACE[1:]}-{SPAN}-01", f"00-{TRACE}-{SPAN}", f"00-{TRACE}-{SPAN}-1"),
        *(f"cc-{TRACE}-{SPAN}-01-a\r\nx-evil: 1", f"cc-{TRACE}-{SPAN}-01-\x00"),
        f"cc-{TRACE}-{SPAN}-01-{201 * 'x'}",  # servers refuse headers of some KiB
    ],
)
def test_an_invalid_trace_is_none(value: object):
    assert Trace.read(value) is None


@given(st.binary(min_size=32, max_size=32), st.text())
def test_the_header_that_is_sent_can_always_be_read(chance: bytes, text: str):
    trace = Trace.read(text) or Trace(TRACE, 1)

    header = trace.parent(chance)

    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]", header)
    assert Trace.read(header) == trace
    assert Trace.read(trace.parent(bytes(32))) == trace
