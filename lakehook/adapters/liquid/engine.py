"""The language as we speak it: nothing that reaches out, nothing that knows what time it is."""

from collections.abc import Mapping
from functools import cache, lru_cache

from liquid import BoundTemplate, Environment

from lakehook.adapters.liquid.allowance import Allowance, Context
from lakehook.adapters.liquid.filters import FILTERS, guarded
from lakehook.adapters.liquid.scrutiny import (
    Unfit,
    refuse_what_is_slow_to_read,
    refuse_what_is_unknown,
    told,
)
from lakehook.adapters.liquid.tags import OURS, TAGS
from lakehook.adapters.liquid.values import kept
from lakehook.domain.document import Document
from lakehook.domain.errors import TemplateFailed

REMEMBERED = 256  # texts, parsed


class Press:
    """Sets the parts of one template; all of them together have one allowance."""

    def __init__(self, fields: Document) -> None:
        self._fields: Mapping[str, object] = kept(fields)
        self._allowance = Allowance()
        self.unknown: dict[str, None] = {}

    def __call__(self, part: str, text: str) -> str:
        try:
            return self._rendered(parsed(text))
        except Unfit as unfit:
            raise TemplateFailed(f"{part}: {unfit}") from None
        except Exception as error:  # noqa: BLE001  a template is a stranger's program
            raise TemplateFailed(f"{part}: {told(error)}") from None

    def _rendered(self, template: BoundTemplate) -> str:
        context = Context(template, self._fields, self._allowance)
        sheet = context.get_buffer()
        try:
            template.render_with_context(context, sheet)
        finally:
            self.unknown |= context.unknown
        return sheet.getvalue()


@lru_cache(maxsize=REMEMBERED)
def parsed(text: str) -> BoundTemplate:
    """``Unfit`` says where and why it is none."""
    refuse_what_is_slow_to_read(text)
    env = environment()
    try:
        template = env.from_string(text)
        refuse_what_is_unknown(template, env)
    except Unfit:
        raise
    except Exception as error:  # noqa: BLE001  a template is a stranger's program
        raise Unfit(told(error.__cause__ or error)) from None
    return template


@cache
def environment() -> Environment:
    env = Environment()
    env.tags = {name: env.tags[name] for name in TAGS}
    for ours in OURS:
        env.add_tag(ours)
    env.filters = {name: guarded(function) for name, function in FILTERS.items()}
    return env
