"""``docs/templates.md`` describes templates as they are."""

import json
import re
from pathlib import Path

from lakehook.adapters.liquid import LiquidRenderer
from lakehook.adapters.liquid.engine import NAMES
from lakehook.adapters.liquid.filters import FILTERS
from lakehook.adapters.liquid.limits import MAX_BITS, MAX_ITEMS, MAX_STEPS
from lakehook.domain.event import EventType
from lakehook.domain.template import Template
from tests.templating import fields, render_body

PAGE = (Path(__file__).parents[2] / "docs" / "templates.md").read_text(encoding="utf-8")
SLACK, GITHUB, MAIL = re.findall(r"```liquid\n(.*?)\n```", PAGE, re.DOTALL)
(SUBJECT,) = re.findall(r"--template-subject '(.*)'", PAGE)


def list_after(start: str) -> list[str]:
    """Names in code of the paragraph that begins with a word."""
    (paragraph,) = re.findall(rf"^{start}: (.*?)\.(?:\n\n| None)", PAGE, re.DOTALL | re.MULTILINE)
    return re.findall(r"`([^`]+)`", paragraph)


def test_the_examples_of_the_page_have_the_described_result():
    github = json.loads(render_body(GITHUB))

    assert github["client_payload"]["project"] == 'lake & "shore"'
    assert ':white_circle:\n*lake &amp; "shore"* #39' in render_body(SLACK)
    assert render_body(MAIL, event_type=EventType.PIPELINE_FAILED).splitlines() == [
        "nightly #39: subtask collectIssues ended: HTTP 502",
        "7 of 9 tasks finished.",
        "- github 7: subtask collectIssues ended unexpectedly: HTTP 502",
        "- jira 8: subtask collectIssues ended unexpectedly: HTTP 502",
        "- gitlab 9: subtask collectIssues ended unexpectedly: HTTP 502",
        "https://devlake.example/advanced/pipeline/39",
    ]
    rendered = LiquidRenderer().render(Template(subject=SUBJECT), fields(EventType.PIPELINE_FAILED))
    assert (rendered.subject, rendered.missing_fields) == ('[lake & "shore"] Failed #39', ())


def test_the_page_names_every_tag_filter_and_limit():
    assert sorted(list_after("Tags")) == sorted(NAMES)
    assert sorted(list_after("Filters")) == sorted(FILTERS)
    for bound in (MAX_STEPS, MAX_ITEMS, MAX_BITS):
        assert f"{bound:,}" in PAGE
