"""What is refused of a template before it is ever rendered, in one line that says where."""

import re
from collections.abc import Iterable, Iterator

from liquid import BoundTemplate, Environment, Expression, Node, RenderContext
from liquid.builtin.expressions import FilteredExpression
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.exceptions import LiquidError

MOST_SPACES, MOST_RAW, MOST_BRACKETS = 200, 20, 100
_SPOKEN = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)
_RAW = re.compile(r"\{%-?\s{0,20}(?:raw|doc)")


class Unfit(Exception):
    """The text says where and why."""


def refuse_what_is_slow_to_read(text: str) -> None:
    """The library reads by regular expressions that go over such a text again and again."""
    for opens, closes in (("{{", "}}"), ("{%", "%}")):
        if text.rfind(opens) > text.rfind(closes):
            raise Unfit(f"line {_line(text, text.rfind(opens))}: {opens} without {closes}")
    if found := re.search(rf"\s{{{MOST_SPACES},}}", text):
        raise Unfit(f"line {_line(text, found.start())}: more than {MOST_SPACES} spaces in a row")
    if len(_RAW.findall(text)) > MOST_RAW:
        raise Unfit(f"more than {MOST_RAW} of raw and doc")
    if sum(found.group().count("(") for found in _SPOKEN.finditer(text)) > MOST_BRACKETS:
        raise Unfit(f"more than {MOST_BRACKETS} opening brackets in tags")


def refuse_what_is_unknown(template: BoundTemplate, env: Environment) -> None:
    for one in expressions_of(template.nodes, RenderContext(template)):
        if type(one) is RangeLiteral:
            raise Unfit(f"{where(one.token)}a range {one} stands elsewhere than in a for")
        for used in (one.filters or ()) if isinstance(one, FilteredExpression) else ():
            if used.name not in env.filters:
                known = ", ".join(sorted(env.filters))
                raise Unfit(f"{where(used.token)}{used.name[:40]!a} is none of the filters {known}")


def expressions_of(nodes: Iterable[Node], context: RenderContext) -> Iterator[Expression]:
    for node in nodes:
        for one in node.expressions():
            yield from _within(one)
        yield from expressions_of(node.children(context), context)


def _within(expression: Expression) -> Iterator[Expression]:
    yield expression
    for one in expression.children():
        yield from _within(one)


def told(error: BaseException) -> str:
    """What went wrong on one line of a bounded length, in what can be printed."""
    token = error.token if isinstance(error, LiquidError) else None
    message = (
        error.message if isinstance(error, LiquidError) else f"{type(error).__name__}: {error}"
    )
    line = "".join(c if c.isprintable() else " " for c in str(message)[:300])
    return where(token) + " ".join(line.split())


def where(token: object) -> str:
    source, at = getattr(token, "source", ""), getattr(token, "start_index", -1)
    return f"line {_line(source, at)}: " if at >= 0 else ""


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
