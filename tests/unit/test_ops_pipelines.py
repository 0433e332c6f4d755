"""``lakehook pipelines list``: unfinished pipelines."""

import pytest

from lakehook.cli.output import write
from tests.journaling import accept
from tests.terminal import Terminal


@pytest.fixture
def busy(terminal: Terminal) -> Terminal:
    """Pipelines: one created for an hour, one running for 20 minutes, one ended."""
    accept(terminal.stack.journal, pipeline_id=1)
    accept(terminal.stack.journal, pipeline_id=1, event_type="PIPELINE_STALLED")
    accept(terminal.stack.journal, pipeline_id=3, event_type="PIPELINE_COMPLETED")
    terminal.stack.clock.sleep(2400)
    accept(terminal.stack.journal, pipeline_id=2, event_type="PIPELINE_RUNNING", project_name=...)
    terminal.stack.clock.sleep(1200)
    return terminal


def ids(terminal: Terminal, *options: str) -> list[str]:
    return [pipeline["pipeline_id"] for pipeline in terminal.json("pipelines", "list", *options)]


def test_pipelines_that_have_not_ended_are_listed_the_longest_first(busy: Terminal):
    assert busy.json("pipelines", "list") == [
        {
            "pipeline_id": "1",
            "source": None,
            "state": "created",
            "since": "2026-01-01T12:00:00.000+00:00",
            "seconds": 3600,
            "round": 1,
            "project_name": "湖",
            "stalled": True,
            "console_path": "/pipelines/1",
        },
        {
            "pipeline_id": "2",
            "source": None,
            "state": "running",
            "since": "2026-01-01T12:40:00.000+00:00",
            "seconds": 1200,
            "round": 1,
            "project_name": None,
            "stalled": False,
            "console_path": "/pipelines/2",
        },
    ]
    assert busy("pipelines", "list") == 0
    heading, first, second = busy.out.splitlines()
    assert heading.split("  ")[0] == "PIPELINE"
    assert "1 hour" in first
    assert "20 minutes" in second


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--state", "created"), ["1"]),
        (("--state", "running"), ["2"]),
        (("--older-than", "20m"), ["1", "2"]),
        (("--older-than", "21m"), ["1"]),
        (("--state", "running", "--older-than", "1h"), []),
    ],
)
def test_pipelines_are_filtered_by_state_and_age(
    busy: Terminal, options: tuple[str, ...], expected: list[str]
):
    assert ids(busy, *options) == expected
    assert busy("pipelines", "list", *options) == 0
    assert (busy.out == "no such pipelines\n") is (not expected)


EVIL = "\x1b]0;pwned\x07\x1b[2J\u202egnp\nsecond line"


def test_control_characters_of_a_project_are_escaped(terminal: Terminal):
    accept(terminal.stack.journal, pipeline_id=1, project_name=EVIL)

    assert terminal("pipelines", "list") == 0

    escaped = terminal.out
    assert "\\x1b]0;pwned\\x07\\x1b[2J\\u202egnp\\nsecond line" in escaped
    assert all(line.isprintable() for line in escaped.split("\n"))


def test_a_long_project_is_cut_in_its_column_and_whole_in_json(terminal: Terminal):
    accept(terminal.stack.journal, pipeline_id=1, project_name="p" * 500)

    assert terminal("pipelines", "list") == 0
    assert f"{'p' * 59}…" in terminal.out
    assert max(map(len, terminal.out.splitlines())) < 200
    (pipeline,) = terminal.json("pipelines", "list")
    assert pipeline["project_name"] == "p" * 500


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("湖 🎉", "湖 🎉"),
        ("a\tb\u3000c\r", "a\tb\u3000c\\r"),
        ("\u202e", "\\u202e"),
        ("\x9b2J", "\\x9b2J"),
    ],
)
def test_control_characters_are_escaped(
    capsys: pytest.CaptureFixture[str], text: str, escaped: str
):
    write(text)
    write(text, err=True, fg="red", bold=True)

    out, err = capsys.readouterr()
    assert out == escaped + "\n"
    assert escaped in err


# --- of several sources ---


@pytest.fixture
def two_sources(terminal: Terminal) -> Terminal:
    """Pipeline 1 of the default source runs, that of staging has failed and is created again."""
    accept(terminal.stack.journal, pipeline_id=1, event_type="PIPELINE_RUNNING")
    for state, minute in (("CREATED", 8), ("FAILED", 9), ("CREATED", 10)):
        changes = {"event_type": f"PIPELINE_{state}", "timestamp": f"2024-09-05T15:{minute:02}:00Z"}
        accept(terminal.stack.journal, pipeline_id=1, source="staging", **changes)
    return terminal


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), [("1", None), ("1", "staging")]),
        (("--source", "staging"), [("1", "staging")]),
        (("--source", "default"), [("1", None)]),
        (("--source", "production"), []),
    ],
)
def test_pipelines_are_filtered_by_source(
    two_sources: Terminal, options: tuple[str, ...], expected: list[tuple[str, str | None]]
):
    listed = two_sources.json("pipelines", "list", *options)
    assert two_sources("pipelines", "list", *options) == 0

    assert [(pipeline["pipeline_id"], pipeline["source"]) for pipeline in listed] == expected
    keys = [line.split()[0] for line in two_sources.out.splitlines()[1:]]
    assert (
        keys == [f"{source}/{id_}" if source else id_ for id_, source in expected] or not expected
    )


@pytest.mark.parametrize(
    ("arguments", "source", "events"),
    [
        (["1"], None, 2),
        (["staging/1"], "staging", 3),
        (["1", "--source", "staging"], "staging", 3),
        (["staging/1", "--source", "staging"], "staging", 3),
        (["1", "--source", "default"], None, 2),
    ],
)
def test_a_pipeline_of_a_source_is_shown(
    two_sources: Terminal, arguments: list[str], source: str | None, events: int
):
    story = two_sources.json("pipelines", "show", *arguments)

    assert (story["pipeline_id"], story["source"], len(story["events"])) == ("1", source, events)


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["staging/1", "--source", "production"], 2, "is not that of 'staging/1'; give one of the"),
        (["production/1"], 3, "'production/1'"),
    ],
)
def test_a_pipeline_of_another_source_is_not_found(
    two_sources: Terminal, arguments: list[str], code: int, complaint: str
):
    assert two_sources("pipelines", "show", *arguments) == code
    assert complaint in two_sources.err
