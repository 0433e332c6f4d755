"""Liquid's tags: none that loads another template, and each loop is charged for its iterations."""

from typing import TextIO

from liquid import BlockNode, Node, RenderContext, TokenStream
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.illegal import Illegal
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.echo_tag import EchoNode, EchoTag
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.exceptions import LiquidSyntaxError
from liquid.stringify import to_liquid_string

from lakehook.adapters.liquid.limits import MAX_ITEMS, Context, LimitExceeded

TAGS = (
    *("#", "assign", "break", "capture", "case", "comment", "content", "continue", "cycle"),
    *("decrement", "doc", "if", "ifchanged", "increment", "liquid", "unless"),
)
NAMES = sorted({*TAGS, "echo", "for", "raw"} - {"content"})  # the library handles raw separately


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
        began = stream.current.start_index
        node = super().parse(stream)
        assert isinstance(node, ForNode)
        node.block = MeteredBlock(node.block, length=stream.current.start_index - began)
        if isinstance(made := node.expression.iterable, RangeLiteral):
            node.expression.iterable = BoundedRange(made.token, made.start, made.stop)
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
        made = super().evaluate(context)
        if made.stop - made.start > MAX_ITEMS:
            raise LimitExceeded(f"a range is too long: more than {MAX_ITEMS} items")
        return made


def _render(node: OutputNode | EchoNode, context: RenderContext, buffer: TextIO) -> int:
    assert isinstance(context, Context)
    value = node.expression.evaluate(context)
    context.budget.grow(value)
    return buffer.write(to_liquid_string(value, autoescape=False))
