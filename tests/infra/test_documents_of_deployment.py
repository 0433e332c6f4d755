"""Commands of deployment in the documents name a stage, and their values are valid."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml

from infra.bundle import ROOT
from infra.local_template import SNAPSHOT
from infra.stage import STAGES, InvalidStages, read_stage
from tests.infra.blueprint import WRITE_ITS_LOG, Blueprint, as_list

DOCUMENTS = {
    path: path.read_text("utf-8") for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
}
FIND_THE_STACK = "cloudformation:DescribeStacks"
SHOW_METRICS = "cloudwatch:GetMetricData"  # of the console, which runs as its user
PARAMETERS = json.loads(SNAPSHOT.read_text("utf-8"))["Parameters"]


def lines_with(option: str) -> list[str]:
    """Lines of documents with an option, in a block or between backquotes."""
    return [
        line.strip()
        for text in DOCUMENTS.values()
        for line in re.findall(rf"^[^`\n]*?`?([^`\n]*{option}[^`\n]*)", text, re.MULTILINE)
    ]


def split_words(line: str) -> list[str]:
    """Split a line into words, also within the quotes of ``WITH='…'``."""
    split = [word.removeprefix("WITH=") for word in shlex.split(line)]
    return [part for word in split for part in (shlex.split(word) if word[:2] == "--" else [word])]


def test_each_command_with_parameters_names_the_stage_that_it_is_for():
    commands = lines_with("--parameters ")

    assert len(commands) >= 3
    assert not [line for line in commands if "stage=production" not in line.lower()]


def test_each_parameter_that_is_typed_is_one_of_the_template_with_a_value_that_it_admits():
    parameters = [
        words[words.index("--parameters") + 1].partition("=")
        for words in map(split_words, lines_with("--parameters "))
    ]

    names = {name for name, _, _ in parameters}
    assert names == {
        "AllowedNetworks",
        "DevlakeSources",
        "EmailSender",
        "OperatorsEmail",
        "StallThresholds",
    }
    for name, _, value in parameters:
        assert re.fullmatch(PARAMETERS[name]["AllowedPattern"], value), name


def test_the_page_of_deployment_has_all_parameters_and_no_others():
    names = re.findall(r"^\| `([A-Z]\w+)` \|", DOCUMENTS[ROOT / "docs" / "deploy.md"], re.MULTILINE)

    assert sorted(names) == sorted(PARAMETERS)


def test_each_stage_that_is_typed_stands_in_the_file_that_comes_with_it():
    typed_stages = {
        stage for text in DOCUMENTS.values() for stage in re.findall(r"STAGE=([a-z-]+)", text)
    }

    assert typed_stages == tomllib.loads((ROOT / STAGES).read_text("utf-8")).keys()


def test_the_documented_policy_of_editors_is_that_of_the_api_and_finds_the_stack():
    stack = Blueprint(json.loads(SNAPSHOT.read_text("utf-8")))
    page = DOCUMENTS[ROOT / "docs" / "deploy.md"]
    policies = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]
    actions = {
        action
        for policy in policies
        for statement in policy
        for action in as_list(statement["Action"])
    }
    queues = set(re.findall(r"[\w-]+\.fifo", json.dumps(policies)))

    of_the_api = {action for action, _ in stack.allowed_actions("api")} - WRITE_ITS_LOG
    assert actions == of_the_api | {FIND_THE_STACK, SHOW_METRICS}
    unused = {name for name in stack.queue_names if name.endswith("-source.fifo")}
    assert queues == stack.queue_names - unused


def test_each_file_for_ci_can_be_read_and_runs_what_the_makefile_has():
    page = DOCUMENTS[ROOT / "docs" / "ci.md"]
    blocks = re.findall(r"^```yaml\n(.*?)^```\n", page, re.DOTALL | re.MULTILINE)
    files = [yaml.safe_load(block) for block in blocks]
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)

    typed_targets = set(re.findall(r"\bmake ([a-z]+)", "".join(blocks)))
    assert [file.keys() & {"jobs", "phases"} for file in files] == [
        {"jobs"},
        {"phases"},
        {"phases"},
    ]
    assert typed_targets == {"synth", "diff", "deploy"}
    assert typed_targets <= set(targets)


def test_the_refusal_in_the_document_is_the_real_one(tmp_path: Path):
    page = DOCUMENTS[ROOT / "docs" / "deploy.md"]
    (refusal,) = re.findall(r"^stages.toml: (.*)$", page, re.MULTILINE)
    table, choice = re.findall(r"^(\[.*?\]) (.*?):", refusal)[0]
    (tmp_path / STAGES).write_text(f"{table}\n{choice}")

    with pytest.raises(InvalidStages, match=f"{re.escape(refusal)}$"):
        read_stage("production", tmp_path / STAGES)
