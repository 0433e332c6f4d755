"""The supported part of Liquid, and the validation of a template before it is stored.

No template can read a file, use the network or read the time. An error is one line that names its
place.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import TextIO

from liquid import (
    BlockNode,
    BoundTemplate,
    Environment,
    Expression,
    Node,
    RenderContext,
    TokenStream,
)
from liquid.builtin.expressions import FilteredExpression
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.illegal import Illegal
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.echo_tag import EchoNode, EchoTag
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.exceptions import LiquidError, LiquidSyntaxError
from liquid.stringify import to_liquid_string

from lakehook.adapters.liquid.filters import FILTERS, freeze, metered
from lakehook.adapters.liquid.limits import MAX_ITEMS, Context, LimitExceeded, StepBudget
from lakehook.domain.errors import TemplateFailed
from lakehook.domain.json_document import Document

TAGS = (
    *("#", "assign", "break", "capture", "case", "comment", "content", "continue", "cycle"),
    *("decrement", "doc", "if", "ifchanged", "increment", "liquid", "unless"),
)
NAMES = sorted({*TAGS, "echo", "for", "raw"} - {"content"})  # the library handles raw separately

MAX_SPACES, MAX_RAW, MAX_BRACKETS = 200, 20, 100
_MESSAGES = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)
_RAW = re.compile(r"\{%-?\s{0,20}(?:raw|doc)")
REMEMBERED = 256  # parsed templates


class UnknownTag(Illegal):
    """Stands in for every unsupported tag."""

    def parse(self, stream: TokenStream) -> Node:  # type: ignore[override]
        token, names = stream.current, ", ".join(NAMES)
        raise LiquidSyntaxError(f"{token.value[:40]!a} is not one of the tags {names}", token=token)


class MeteredOutputNode(OutputNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return _render(self, context, buffer)


class MeteredOutput(Output):
    node_class = MeteredOutputNode


class MeteredEchoNode(EchoNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return _render(self, context, buffer)


class MeteredEcho(EchoTag):
    node_class = MeteredEchoNode


class MeteredFor(ForTag):
    def parse(self, stream: TokenStream) -> Node:
        start = stream.current.start_index
        node = super().parse(stream)
        assert isinstance(node, ForNode)
        node.block = MeteredBlock(node.block, length=stream.current.start_index - start)
        if isinstance(literal := node.expression.iterable, RangeLiteral):
            node.expression.iterable = BoundedRange(literal.token, literal.start, literal.stop)
        return node


METERED_TAGS = (MeteredFor, MeteredOutput, MeteredEcho, UnknownTag)


class MeteredBlock(BlockNode):
    """Body of a loop: each iteration costs as many steps as the loop has characters."""

    __slots__ = ("length",)

    def __init__(self, block: BlockNode, *, length: int) -> None:
        super().__init__(block.token, block.nodes)
        self.length = length

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        assert isinstance(context, Context)
        context.budget.spend(self.length)
        return super().render_to_output(context, buffer)


class BoundedRange(RangeLiteral):
    """Range of a bounded length, so that reversing it cannot fill the memory."""

    def evaluate(self, context: RenderContext) -> range:
        numbers = super().evaluate(context)
        if numbers.stop - numbers.start > MAX_ITEMS:
            raise LimitExceeded(f"a range is too long: more than {MAX_ITEMS} items")
        return numbers


def _render(node: OutputNode | EchoNode, context: RenderContext, buffer: TextIO) -> int:
    assert isinstance(context, Context)
    value = node.expression.evaluate(context)
    context.budget.grow(value)
    return buffer.write(to_liquid_string(value, autoescape=False))


class InvalidTemplate(Exception):
    """A template is not valid; the text says where and why."""


def reject_slow_to_parse(text: str) -> None:
    """Reject text that the library's regular expressions would scan over and over."""
    for opens, closes in (("{{", "}}"), ("{%", "%}")):
        if text.rfind(opens) > text.rfind(closes):
            raise InvalidTemplate(
                f"line {_line(text, text.rfind(opens))}: {opens} without {closes}"
            )
    if match := re.search(rf"\s{{{MAX_SPACES},}}", text):
        raise InvalidTemplate(
            f"line {_line(text, match.start())}: more than {MAX_SPACES} spaces in a row"
        )
    if len(_RAW.findall(text)) > MAX_RAW:
        raise InvalidTemplate(f"more than {MAX_RAW} of raw and doc")
    if sum(match.group().count("(") for match in _MESSAGES.finditer(text)) > MAX_BRACKETS:
        raise InvalidTemplate(f"more than {MAX_BRACKETS} opening brackets in tags")


def reject_unknown_names(template: BoundTemplate, env: Environment) -> None:
    for expression in iterate_expressions(template.nodes, RenderContext(template)):
        if type(expression) is RangeLiteral:
            raise InvalidTemplate(
                f"{location(expression.token)}a range {expression} is outside a for"
            )
        for used in (
            (expression.filters or ()) if isinstance(expression, FilteredExpression) else ()
        ):
            if used.name not in env.filters:
                supported = ", ".join(sorted(env.filters))
                raise InvalidTemplate(
                    f"{location(used.token)}{used.name[:40]!a} is not one of the filters"
                    f" {supported}"
                )


def iterate_expressions(nodes: Iterable[Node], context: RenderContext) -> Iterator[Expression]:
    for node in nodes:
        for expression in node.expressions():
            yield from _within(expression)
        yield from iterate_expressions(node.children(context), context)


def _within(expression: Expression) -> Iterator[Expression]:
    yield expression
    for child in expression.children():
        yield from _within(child)


def format_error(error: BaseException) -> str:
    """Describe an error on one line, of a bounded length, in printable characters."""
    token = error.token if isinstance(error, LiquidError) else None
    message = (
        error.message if isinstance(error, LiquidError) else f"{type(error).__name__}: {error}"
    )
    line = "".join(c if c.isprintable() else " " for c in str(message)[:300])
    return location(token) + " ".join(line.split())


def location(token: object) -> str:
    source, at = getattr(token, "source", ""), getattr(token, "start_index", -1)
    return f"line {_line(source, at)}: " if at >= 0 else ""


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


class _Rendering:
    """Renderer of a template's parts, which share one budget."""

    def __init__(self, fields: Document) -> None:
        self._fields: Mapping[str, object] = freeze(fields)
        self._budget = StepBudget()
        self.unknown: dict[str, None] = {}

    def __call__(self, part: str, text: str) -> str:
        try:
            return self._rendered(parse_template(text))
        except InvalidTemplate as error:
            raise TemplateFailed(f"{part}: {error}") from None
        except Exception as error:  # noqa: BLE001  a template is a stranger's program
            raise TemplateFailed(f"{part}: {format_error(error)}") from None

    def _rendered(self, template: BoundTemplate) -> str:
        context = Context(template, self._fields, self._budget)
        buffer = context.get_buffer()
        try:
            template.render_with_context(context, buffer)
        finally:
            self.unknown |= context.unknown
        return buffer.getvalue()


@lru_cache(maxsize=REMEMBERED)
def parse_template(text: str) -> BoundTemplate:
    """Parse a template; ``InvalidTemplate`` says where and why it is not valid."""
    reject_slow_to_parse(text)
    env = environment()
    try:
        template = env.from_string(text)
        reject_unknown_names(template, env)
    except InvalidTemplate:
        raise
    except Exception as error:  # noqa: BLE001  a template is a stranger's program
        raise InvalidTemplate(format_error(error.__cause__ or error)) from None
    return template


@cache
def environment() -> Environment:
    env = Environment()
    env.tags = {name: env.tags[name] for name in TAGS}
    for tag in METERED_TAGS:
        env.add_tag(tag)
    env.filters = {name: metered(function) for name, function in FILTERS.items()}
    return env
