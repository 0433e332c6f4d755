"""Alarms, commands and links that the documents name exist; both READMEs say the same."""

import json
import re
import shlex
from collections.abc import Iterator
from enum import EnumType
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any, get_args

import pytest
import typer.main

from bench import calls, idle, prices
from lakehook.cli.command import app
from local.function import ROOT
from tests.cloudwatch import alarms_of

TEMPLATE = json.loads((ROOT / "local" / "template.json").read_text(encoding="utf-8"))
ALARMS = alarms_of(TEMPLATE)
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def prose(text: str) -> str:
    return FENCED.sub("", text)


def headings(text: str) -> list[tuple[int, str]]:
    return [(len(level), title) for level, title in HEADING.findall(prose(text))]


def test_each_alarm_has_its_section_and_each_section_its_alarm():
    sections = [title for level, title in headings(read("docs/runbook.md")) if level == 2]

    of_some_stages = "ReleaseFailing"
    assert sorted(sections) == sorted([*ALARMS, of_some_stages])


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_the_section_of_an_alarm_says_what_it_means(name: str):
    _, _, section = read("docs/runbook.md").partition(f"\n## {name}\n")

    assert section.lstrip().startswith("**Means:** ")


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_the_section_of_an_alarm_has_the_first_command_of_ours_that_it_says(name: str):
    _, _, section = read("docs/runbook.md").partition(f"\n## {name}\n")
    first = ALARMS[name].properties["AlarmDescription"].partition(" First: ")[2]

    if first.startswith("lakehook "):
        assert first.removesuffix(" --stack Lakehook") in section.partition("\n## ")[0]


def test_the_documents_have_the_cost_of_the_alarms():
    watched = sum(len(alarm.queries) for alarm in ALARMS.values())
    dollars = watched * prices.ALARM_METRIC

    text = " ".join(read("docs/observability.md").split())
    assert f"{watched} metrics that alarms watch at $0.10 (${dollars:.2f})" in text


def test_the_page_of_deployment_has_the_price_of_an_idle_month_as_it_is_counted():
    """``python -m bench.idle`` writes it."""
    assert f"{idle.BEGIN}\n{idle.table(TEMPLATE)}\n{idle.END}" in read("docs/deploy.md")


@pytest.mark.parametrize("page", calls.PAGES, ids=lambda page: page.name)
def test_a_page_has_the_price_of_a_million_deliveries_as_it_is_counted(page: Path):
    """``python -m bench.calls`` writes it."""
    assert f"{calls.BEGIN}\n{calls.table()}\n{calls.END}" in page.read_text(encoding="utf-8")


def test_the_documents_reckon_with_the_prices_that_the_measurements_take():
    costs = " ".join(read("docs/deploy.md").partition("## What it costs")[2].split())

    assert f"SQS FIFO ${prices.SQS_FIFO_REQUESTS:.2f} a million" in costs
    assert f"${prices.DYNAMODB_WRITE_UNITS} a million writes" in costs
    assert f"${prices.DYNAMODB_READ_UNITS} a million reads" in costs
    assert f"${prices.DYNAMODB_KEPT_GB} a GB kept" in costs
    assert f"${prices.DYNAMODB_RECOVERABLE_GB:.2f} for its point-in-time recovery" in costs
    assert f"logs ${prices.LOGS_GB:.2f} a GB, egress ${prices.EGRESS_GB} a GB" in costs
    assert (
        f"KMS ${prices.KMS_KEY:.2f} a key, Secrets Manager ${prices.SECRET:.2f} a secret" in costs
    )
    assert f"CloudWatch ${prices.ALARM_METRIC:.2f} a metric that an alarm watches" in costs
    assert f"`dashboard = true` adds ${prices.DASHBOARD:.2f}" in costs


def commands_to_type() -> Iterator[tuple[str, str]]:
    """Yield each line of shell that a document tells to type, with the document's name."""
    for document in DOCUMENTS:
        for language, block in FENCED.findall(document.read_text(encoding="utf-8")):
            if language == "sh":
                lines = block.replace("\\\n", " ").splitlines()
                yield from ((document.name, line.strip()) for line in lines)
    for name, alarm in ALARMS.items():
        yield f"alarm {name}", alarm.properties["AlarmDescription"].partition(" First: ")[2]


def code_in_prose() -> Iterator[tuple[str, str]]:
    """Yield the code between backquotes, which may be no more than a command's name."""
    for document in DOCUMENTS:
        for code in re.findall(r"`([^`\n]+)`", prose(document.read_text(encoding="utf-8"))):
            yield document.name, code


def of_lakehook(lines: Iterator[tuple[str, str]]) -> list[tuple[str, str]]:
    """Arguments of each ``lakehook`` command among the lines."""
    matches = ((where, re.match(r"(?:\S*bin/)?lakehook (.*)", line)) for where, line in lines)
    return sorted({(where, match[1]) for where, match in matches if match})


def split_words(line: str) -> list[str]:
    """Split a line up to where the shell takes over: a pipe, a redirection, another command."""
    words = shlex.split(line, comments=True)
    return list(takewhile(lambda word: word[0] not in "|<>&;", words))


@cache
def commands_of_lakehook() -> Any:
    """Commands, built once: it takes as long as some hundred lines are parsed."""
    return typer.main.get_command(app)


def parse_command(line: str) -> tuple[Any, dict[str, Any]]:
    """Parse a line to a command and its values; raise ``UsageError`` for an unknown option."""
    words, command = split_words(line), commands_of_lakehook()
    while commands := getattr(command, "commands", None):
        if not words or words[0].startswith("-"):
            break
        names = words.pop(0).split("|")  # pause|resume|enable
        assert set(names) <= set(commands)
        command = commands[names[0]]
    values, rest_of_line, _ = command.make_parser(command.context_class(command)).parse_args(words)
    assert rest_of_line == []
    return command, {name: value for name, value in values.items() if value}


def choices_of(parameter: Any) -> list[str]:
    """Choices of a parameter as its help or its type lists them."""
    if re.fullmatch(r"[a-z_]+(\|[a-z_]+)+", parameter.metavar or ""):
        return str(parameter.metavar).split("|")
    annotation = parameter.type_descriptor.annotation
    types = (type_ for type_ in (annotation, *get_args(annotation)) if isinstance(type_, EnumType))
    return [str(member.value) for type_ in types for member in type_]


@pytest.mark.parametrize(("where", "line"), of_lakehook(code_in_prose()))
def test_each_command_in_the_prose_exists_with_its_options(where: str, line: str):
    parse_command(line)


@pytest.mark.parametrize(("where", "line"), of_lakehook(commands_to_type()))
def test_each_command_to_be_typed_is_whole(where: str, line: str):
    command, values = parse_command(line)

    needed = {param.name for param in command.params if param.required}
    assert needed <= values.keys()
    for param in command.params:
        if param.name in values and (choices := choices_of(param)):
            assert values[param.name] in choices


def anchors(text: str) -> set[str]:
    """Anchors as GitHub makes them of headings."""
    titles = (re.sub(r"[^\w\- ]", "", title.lower()) for _, title in headings(text))
    return {title.replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_link_leads_somewhere(document: Path):
    text = document.read_text(encoding="utf-8")
    for target, anchor in LINK.findall(prose(text)):
        if not target.startswith("http"):
            target_path = (document.parent / target) if target else document
            assert target_path.exists(), target
            if anchor:
                assert anchor in anchors(target_path.read_text(encoding="utf-8")), anchor


COMMENT = re.compile(r" *(?<!\S)# .*$", re.MULTILINE)
OUTPUT_LANGUAGES = {"text", "http"}  # not typed, and not prose
TYPED = {"sh", "python"}


def code(text: str) -> list[tuple[str, str]]:
    """Code without its comments, which each language has in its own words."""
    blocks = (
        (kind, block) for kind, block in FENCED.findall(text) if kind in TYPED | OUTPUT_LANGUAGES
    )
    return [(kind, COMMENT.sub("", block) if kind in TYPED else block) for kind, block in blocks]


def test_the_readme_in_chinese_has_the_headings_and_the_code_of_the_one_in_english():
    english, chinese = read("README.md"), read("README.zh-CN.md")

    assert [level for level, _ in headings(chinese)] == [level for level, _ in headings(english)]
    assert code(chinese) == code(english)
    assert len(re.findall(r"^\|", chinese, re.MULTILINE)) == len(
        re.findall(r"^\|", english, re.MULTILINE)
    )


def test_the_readme_in_chinese_has_translated_comments_and_marks_pages_in_english():
    text = read("README.zh-CN.md")
    comments = [
        comment
        for kind, block in FENCED.findall(text)
        if kind in TYPED
        for comment in COMMENT.findall(block)
    ]
    links = re.findall(r"\]\((?:docs/|https:)[^)]*(?<!\.json)\)(?!（英文）)", outside_tables(text))

    assert len(comments) > 20
    assert [comment for comment in comments if not re.search("[\u4e00-\u9fff]", comment)] == []
    assert links == []


def outside_tables(text: str) -> str:
    """Remove tables; that of the pages says in its head that they are in English."""
    return re.sub(r"^\|.*$", "", prose(text), flags=re.MULTILINE)
