"""What the documents name exists: alarms, commands, links; both READMEs say the same."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from local.environment import ROOT
from ops.command import app
from tests.cloudwatch import alarms_of

ALARMS = alarms_of(json.loads((ROOT / "local" / "template.json").read_text(encoding="utf-8")))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
AN_ALARMS_METRIC_IN_DOLLARS = 0.10

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

    assert sorted(sections) == sorted(ALARMS)


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_the_section_of_an_alarm_says_what_it_means(name: str):
    _, _, section = read("docs/runbook.md").partition(f"\n## {name}\n")

    assert section.lstrip().startswith("**Means:** ")


def test_the_documents_count_what_alarms_cost():
    watched = sum(len(alarm.asked) for alarm in ALARMS.values())
    dollars = watched * AN_ALARMS_METRIC_IN_DOLLARS

    text = " ".join(read("docs/observability.md").split())
    assert f"{watched} metrics that alarms watch at $0.10 (${dollars:.2f})" in text


def lines_of_commands(text: str) -> Iterator[str]:
    """Each ``lakehook …`` in a block of shell, or between backquotes."""
    for language, block in FENCED.findall(text):
        if language == "sh":
            yield from (one for one in block.replace("\\\n", " ").splitlines())
    yield from re.findall(r"`([^`\n]+)`", prose(text))


def commands() -> Iterator[tuple[str, str]]:
    for document in DOCUMENTS:
        for line in lines_of_commands(document.read_text(encoding="utf-8")):
            found = re.match(r"(?:\S*bin/)?lakehook (.*)", line.strip())
            if found:
                yield document.name, found[1]
    for name, alarm in ALARMS.items():
        said = alarm.properties["AlarmDescription"].partition(" First: ")[2]
        if said.startswith("lakehook "):
            yield f"alarm {name}", said.removeprefix("lakehook ")


@pytest.mark.parametrize(("where", "line"), sorted(set(commands())))
def test_each_command_in_the_documents_exists_with_its_options(where: str, line: str):
    words = shlex.split(line, comments=True)
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        names = words.pop(0).split("|")  # pause|resume|enable
        assert set(names) <= set(command.commands), where
        command = command.commands[names[0]]
    known = {option for one in command.params for option in one.opts} | {"--help", "--version"}

    assert {one.partition("=")[0] for one in words if one.startswith("--")} <= known


def anchors(text: str) -> set[str]:
    """As GitHub makes them of headings."""
    titles = (re.sub(r"[^\w\- ]", "", title.lower()) for _, title in headings(text))
    return {title.replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: str(one.relative_to(ROOT)))
def test_each_link_leads_somewhere(document: Path):
    text = document.read_text(encoding="utf-8")
    for target, anchor in LINK.findall(prose(text)):
        if not target.startswith("http"):
            led_to = (document.parent / target) if target else document
            assert led_to.exists(), target
            if anchor:
                assert anchor in anchors(led_to.read_text(encoding="utf-8")), anchor


def test_the_readme_in_chinese_has_the_headings_and_the_code_of_the_one_in_english():
    english, chinese = read("README.md"), read("README.zh-CN.md")

    assert [level for level, _ in headings(chinese)] == [level for level, _ in headings(english)]
    assert FENCED.findall(chinese) == FENCED.findall(english)
    assert len(re.findall(r"^\|", chinese, re.MULTILINE)) == len(
        re.findall(r"^\|", english, re.MULTILINE)
    )
