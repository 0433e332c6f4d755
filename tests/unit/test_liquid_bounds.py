"""Expensive templates: each is stopped, at the same place on every machine."""

import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from lakehook.adapters.liquid import LiquidRenderer
from lakehook.domain.errors import InvalidSubscription, TemplateFailed
from lakehook.domain.template import MAX_TEMPLATE_BYTES, Template

CPU_SECONDS = 10.0  # a runaway takes minutes, and a busy machine less than this
MEMORY_BYTES = 64 * 1024 * 1024

EVENT = {  # 128 KiB in all, as large as an event may be
    "s": "x" * 40_000,
    "zh": "湖" * 8_000,
    "n": 9**60,
    "rows": [{"name": f"n{i}", "v": i} for i in range(1500)],
    "nest": [[i] for i in range(4_000)],
}
LOOP, END = "{%for i in (1..9999)%}", "{%endfor%}"


def fill(unit: str, before: str = "", after: str = "") -> str:
    room = MAX_TEMPLATE_BYTES - len(before) - len(after)
    return before + unit * (room // len(unit)) + after


HOSTILE = {
    "loops in loops": LOOP * 5 + "x" + END * 5,
    "empty loops in loops": LOOP * 20 + END * 20,
    "loops in a row": fill(LOOP + "x" + END),
    "a long range": "{%for i in (1..999999999)%}x{%endfor%}",
    "a long range turned round": "{%for i in (1..999999999) reversed%}x{%endfor%}",
    "much text in a loop": LOOP + "x" * 16_000 + END,
    "much logic in a loop": fill(" or 2", LOOP + "{%case 1%}{%when 2", "%}{%endcase%}" + END),
    "many fields in a loop": fill("{{i}}", LOOP, END),
    "doubling": "{%assign a=s%}" + "{%assign a=a|append:a%}" * 30,
    "doubling in a chain": fill("|append:s", "{{s", "}}"),
    "doubling by capture": "{%assign a=s%}" + "{%capture a%}{{a}}{{a}}{%endcapture%}" * 30,
    "doubling a list": "{%assign a=nest%}" + "{%assign a=a|concat:a%}" * 30,
    "squaring": "{%assign a=n%}" + "{%assign a=a|times:a%}" * 30,
    "replacing each by all": "{{s|replace:'x',s}}",
    "replacing nothing by all": "{{s|replace:'',s}}",
    "joining by all": "{{s|slice:0,9000|split:''|join:s}}",
    "splitting": fill("{%assign a=zh|split:''%}"),
    "encoding": fill("|url_encode", "{{zh", "}}"),
    "escaping": fill("|escape", "{{'<>'", "}}"),
    "sorting": fill("{%assign a=rows|sort_natural:'name'%}"),
    "looking for the same": fill("{%assign a=nest|uniq%}"),
    "mapping": fill("{%assign a=rows|map:'name'%}"),
    "as JSON": fill("{%assign a=rows|json%}"),
    "writing": fill("{%capture a%}{{rows}}{%endcapture%}"),
    "keeping": "".join(f"{{%assign a{i}=s|append:{i}%}}" for i in range(600)),
    "looking into text": LOOP + "{%if s contains 'xxxxxxxxxxy'%}{%endif%}" + END,
    "looking into a list": LOOP + "{%if rows contains 'x'%}{%endif%}" + END,
    "comparing": LOOP + "{%if nest==rows or nest==nest%}{%endif%}" + END,
    "counting on": LOOP + "{%increment a%}" + END,
    "open braces": fill("{{", "{%comment%}", "{%endcomment%}"),
    "closed, then open braces": fill("}}{{", "{%comment%}", "{%endcomment%}"),
    "spaces": fill("{{" + " " * 190 + "x}}"),
    "brackets": fill("(", "{{", "}}"),
    "a deep path": fill("[0]", "{{nest", "}}"),
    "paths in paths": "{{" + "n[" * 2000 + "n" + "]" * 2000 + "}}",
    "a long condition": fill(" and n", "{%if n", "%}{%endif%}"),
}


GREEDY = {
    *("a long range turned round", "doubling", "doubling in a chain", "doubling by capture"),
    *("doubling a list", "squaring", "replacing each by all", "joining by all", "splitting"),
    *("escaping", "writing", "keeping"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_template_that_would_do_or_keep_too_much_is_stopped_in_time(name: str):
    with traced(name) as peak:
        began = time.process_time()

        render_once(HOSTILE[name])

        assert time.process_time() - began < CPU_SECONDS
        assert peak() < MEMORY_BYTES


@contextmanager
def traced(name: str) -> Iterator[Callable[[], int]]:
    """Trace the memory of those that use much, since tracing doubles the time."""
    if name not in GREEDY:
        yield lambda: 0
        return
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def test_the_same_is_stopped_at_the_same_place_each_time():
    def reason() -> str:
        with pytest.raises(TemplateFailed, match="too much") as failed:
            LiquidRenderer().render(Template(body=HOSTILE["empty loops in loops"]), EVENT)
        return str(failed.value)

    assert {reason() for _ in range(3)} == {reason()}


@pytest.mark.parametrize(
    "text",
    [
        "{%assign a=zh|split:''%}",
        "{%assign a=nest|reverse%}",
        "{%capture a%}{{rows}}{%endcapture%}",
    ],
)
def test_every_item_of_a_list_is_paid_for(text: str):
    with pytest.raises(TemplateFailed, match="it does too much"):
        LiquidRenderer().render(Template(body=text * 20), EVENT)


def test_all_parts_of_a_template_share_a_limit():
    text = "{%for i in (1..4000)%}{{ i }}{%endfor%}"
    alone = LiquidRenderer().render(Template(body=text), EVENT)
    assert alone.body

    with pytest.raises(TemplateFailed, match="template header x-a: line 1: it does too much"):
        LiquidRenderer().render(Template(body=text, headers=(("x-a", text),)), EVENT)


def test_a_template_over_a_large_pipeline_is_allowed():
    tasks = [{"id": i, "plugin": "github", "status": "TASK_FAILED"} for i in range(500)]
    text = "{% for one in tasks %}{% if one.status contains 'FAILED' %}- {{ one.plugin | upcase }}"
    text += " ({{ one.id }})\n{% endif %}{% endfor %}"

    body = LiquidRenderer().render(Template(body=text), {"tasks": tasks}).body

    assert body is not None
    assert len(body.splitlines()) == 500


def render_once(text: str) -> None:
    template, renderer = Template(body=text[:MAX_TEMPLATE_BYTES]), LiquidRenderer()
    try:
        renderer.validate(template)
        renderer.render(template, EVENT)
    except (InvalidSubscription, TemplateFailed):
        return
