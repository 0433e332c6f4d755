"""Subscriptions as YAML: read with the line of everything, and written.

Of YAML it reads what JSON has: no tags, no aliases, and no words that are truths or dates in
disguise (``no``, ``on``, ``2026-01-01`` are texts).
"""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from lakehook.apply import Manuscript
from lakehook.apply.manuscript import Part
from lakehook.domain.errors import BadInput

_CORE = "tag:yaml.org,2002:"
_SCALARS = (
    ("bool", r"true|false", "tf"),
    ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", "-0123456789"),
    ("null", r"~|null|", ("~", "n", "")),
)
_KINDS = frozenset(_CORE + kind for kind in ("map", "seq", "str", *(one for one, *_ in _SCALARS)))


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="an alias; write it out", problem_mark=mark)
        return super().compose_node(parent, index)


class _Dumper(yaml.SafeDumper):
    """Quotes what this reader, or one of YAML 1.1, would not read as a text."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True

    def represent_str(self, text: str) -> yaml.ScalarNode:
        """Unless it is plain to see, in the one style that escapes: others lose a U+0085."""
        style = None if text.isprintable() else '"'
        return self.represent_scalar(f"{_CORE}str", text, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)


for _name, _written, _first in _SCALARS:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(_CORE + _name, re.compile(f"(?:{_written})$"), list(_first))


def manuscript_of(text: str, *, name: str) -> Manuscript:
    """What a file says; ``BadInput`` with the line where it is no YAML."""
    lines: dict[tuple[Part, ...], int] = {}
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        document = None if node is None else _value(loader, node, (), lines)
    except yaml.MarkedYAMLError as error:
        raise BadInput(f"{name}:{_line(error.problem_mark)}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise BadInput(f"{name}: not YAML: {error}") from None
    except RecursionError:
        raise BadInput(f"{name}: nested too deep") from None
    return Manuscript(name=name, document=document, lines=lines)


def written(document: Mapping[str, Any], *, comments: Mapping[str, str]) -> str:
    """As YAML, under a comment for each variable."""
    head = "".join(f"#   {name}: {_in_a_line(what)}\n" for name, what in comments.items())
    if head:
        head = "# What is sealed is not in here. To be set in the environment:\n" + head
    return head + yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def _value(
    loader: _Loader, node: yaml.Node, path: tuple[Part, ...], lines: dict[tuple[Part, ...], int]
) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if node.tag not in _KINDS:
        raise _fault(node, f"a tag, {node.tag}; plain values are what it takes")
    match node:
        case yaml.MappingNode():
            return _mapping(loader, node, path, lines)
        case yaml.SequenceNode():
            return [
                _value(loader, one, (*path, index), lines) for index, one in enumerate(node.value)
            ]
    try:
        return loader.construct_object(node)
    except ValueError:
        raise _fault(node, "no value of its kind") from None


def _mapping(
    loader: _Loader,
    node: yaml.MappingNode,
    path: tuple[Part, ...],
    lines: dict[tuple[Part, ...], int],
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = key_node.value
        if not isinstance(key_node, yaml.ScalarNode):
            raise _fault(key_node, "a key that is no text")
        if key in found:
            raise _fault(key_node, f"{key!a} is given twice")
        lines[(*path, key)] = key_node.start_mark.line + 1
        found[key] = _value(loader, value_node, (*path, key), lines)
    return found


def _fault(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _line(mark: yaml.Mark | None) -> int:
    return mark.line + 1 if mark else 1


def _in_a_line(text: str) -> str:
    return text if text.isprintable() else ascii(text)
