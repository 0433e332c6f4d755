"""Templates in Liquid: fields, tags and filters, and which templates are refused."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehook.adapters.liquid import LiquidRenderer
from lakehook.adapters.liquid.filters import FILTERS
from lakehook.domain.errors import InvalidSubscription, TemplateFailed
from lakehook.domain.event import EventType
from lakehook.domain.template import MAX_SUBJECT_CHARACTERS, MAX_TEMPLATE_BYTES, Template
from tests.templating import fields, render_body

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def headers(**texts: str) -> Template:
    return Template(headers=tuple(texts.items()))


# --- fields, tags and filters ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ event_type }} of {{ pipeline_id }}", "TASK_FAILED of 39"),
        ("{{ task.plugin | upcase }}", "GITHUB"),
        ("{{ task }}", '{"id":7,"plugin":"github"}'),
        ("{{ subscription.name }} {{ subscription.id }} {{ delivery_id }}", "ci sub_a sub_a#39#3"),
        ("{{ previous_event_type }} {{ sequence }} {{ late }}", "PIPELINE_RUNNING 3 false"),
        ("{% if task %}{{ task.id }}{% else %}no task{% endif %}", "7"),
        ("{% for i in (1..3) reversed %}{{ i }}{% endfor %}", "321"),
        ("{% for one in task %}{{ one[0] }} {% endfor %}", "id plugin "),
        ("{% liquid\n for i in (1..2)\n echo i\n endfor %}", "12"),
        ("{% raw %}{{ x }}{% endraw %}{# y", "{{ x }}{# y"),
        ("{{ '<b>' }}{{ project_name }}", '<b>lake & "shore"'),
        ("{{ 'a,b,a' | split: ',' | uniq | join: '-' }}", "a-b"),
        ("{{ 'aXb' | replace: 'X', '--' }}", "a--b"),
    ],
)
def test_fields_tags_and_filters_are_those_of_liquid(text: str, expected: str):
    assert render_body(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ timestamp | date: '%Y-%m-%d %H:%M' }}", "2026-01-01 12:00"),
        ("{{ timestamp | date: '%d.%m. %H:%M %z', '+08:00' }}", "01.01. 20:00 +0800"),
        ("{{ timestamp | date: '%H', '-05:30' }}", "06"),
        ("{{ project_name | date: '%Y' }}", 'lake & "shore"'),
        ("{{ 'now' | date: '%Y' }}", "now"),
        ("-{{ nope | date: '%Y' }}{{ now }}{{ today }}-", "--"),
    ],
)
def test_a_time_is_written_at_its_own_offset_or_another_and_never_is_it_now(
    text: str, expected: str
):
    assert render_body(text) == expected


@settings(max_examples=40)
@given(st.text(), JSON)
def test_values_through_the_json_filter_stay_the_same(name: str, data: Any):
    document = render_body(
        '{"name": {{ name | json }}, "data": {{ data | json }}}', name=name, data=data
    )

    assert json.loads(document) == {"name": name, "data": data}


def test_a_missing_field_is_empty_or_null_in_json_and_reported():
    template = Template(
        body="[{{ projekt }}{{ task.namen }}{{ nope | json }}]{% if x %}{% endif %}"
    )

    rendered = LiquidRenderer().render(template, fields())

    assert rendered.body == "[null]"
    assert rendered.missing_fields == ("projekt", "task.namen", "nope", "x")


def test_an_object_or_a_list_is_equal_to_no_other():
    values = {"one": {"b": 1}, "other": {"b": 1}, "list": [1], "another": [1]}
    text = "{% if one == other or list == another %}equal{% else %}not{% endif %}"

    assert render_body(text, **values) == "not"
    assert render_body("{% if list == list and one != empty %}x{% endif %}", **values) == "x"


def test_a_subject_is_one_line_and_cut_where_it_is_too_long():
    template = Template(subject="{{ message }}\x1b[2J" + "é" * 300)

    subject = LiquidRenderer().render(template, fields(EventType.PIPELINE_FAILED)).subject

    assert subject is not None
    assert subject.startswith("subtask collectIssues ended: HTTP 502 [2Jéé")
    assert len(subject) == MAX_SUBJECT_CHARACTERS
    assert subject.endswith("é…")


def test_a_header_that_comes_out_empty_is_left_out():
    template = headers(**{"x-plugin": " {{ task.plugin }} ", "x-branch": "{{ branch }}"})

    assert LiquidRenderer().render(template, fields()).headers == (("x-plugin", "github"),)


def test_parts_without_a_template_are_left_to_the_channel():
    rendered = LiquidRenderer().render(Template(subject="x"), fields())

    assert (rendered.body, rendered.subject, rendered.headers) == (None, "x", ())


# --- refusals when a template is saved ---


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{{ x ", "template: line 1: {{ without }}"),
        ("a\n\n{% if x", "template: line 3: {% without %}"),
        ("{% if x %}", "template: expected tag endif"),
        (
            "a\n{{ x | explode }}",
            "template: line 2: 'explode' is not one of the filters abs, append",
        ),
        ("a\n{% include 'x' %}", "template: line 2: 'include' is not one of the tags #, assign"),
        ("{% render 'x' %}", "'render' is not one of the tags"),
        ("{% tablerow x in y %}{% endtablerow %}", "'tablerow' is not one of the tags"),
        ("{{ x | strip_html }}", "'strip_html' is not one of the filters"),
        ("{{ (1..3) | join }}", "template: line 1: a range (1..3) is outside a for"),
        ("{% if (1..9) contains 'a' %}{% endif %}", "is outside a for"),
        ("{{" + " " * 500 + "}}", "more than 200 spaces in a row"),
        ("{% raw %}" * 30 + "{% endraw %}", "more than 20 of raw and doc"),
        ("{{" + "(" * 500 + "}}", "more than 100 opening brackets"),
        ("{{ " + "a[" * 4000 + "}}", "RecursionError"),
        ("x" * (MAX_TEMPLATE_BYTES + 1), f"{MAX_TEMPLATE_BYTES + 1} bytes; at most"),
        ("\udc80", "template: not UTF-8"),
    ],
)
def test_an_invalid_template_is_refused_in_one_line_with_its_position(text: str, complaint: str):
    with pytest.raises(InvalidSubscription, match=re.escape(complaint)) as refused:
        LiquidRenderer().validate(Template(body=text))

    assert "\n" not in str(refused.value)


def test_each_part_is_checked_and_named():
    for template, part in [
        (Template(subject="{{"), "template subject: "),
        (headers(**{"x-a": "{{"}), "template header x-a: "),
    ]:
        with pytest.raises(InvalidSubscription, match=part):
            LiquidRenderer().validate(template)


@given(st.text(st.sampled_from("{}%|.:'\"[]()-# \nabifelsendcasewhnor0123456789"), max_size=80))
def test_any_text_is_rendered_or_refused(text: str):
    renderer = LiquidRenderer()
    for step in (lambda: renderer.validate(Template(body=text)), lambda: render_body(text)):
        try:
            step()
        except (InvalidSubscription, TemplateFailed) as refused:
            assert str(refused).isprintable()  # noqa: PT017  both are as good as none


# --- failures when a template is rendered ---


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (Template(body="\n{{ timestamp | date: '%Q' }}"), "template: line 2: date: % supports"),
        (
            Template(body="{{ timestamp | date: '%H', 'CET' }}"),
            "'CET' is not an offset such as +08:00",
        ),
        (Template(body="{{ timestamp | date: '%999d' }}"), "date: % supports"),
        (
            Template(body="{{ timestamp | split: 'T' | concat: nope }}"),
            "template: line 1: concat: expected a list, not a missing field",
        ),
        (Template(body=" {{ nope }}\n"), "template: its output is empty"),
        (Template(body="{{ 'gA==' | base64_decode }}"), "template: its output is empty"),
        (headers(**{"x-a": "{{ message }}"}), "template header x-a: its value has a line break"),
        (headers(**{"x-a": "湖"}), "template header x-a: its value is not ASCII"),
        (headers(**{"x-a": "{{ 'a' | append: '\x00' }}"}), "its value has a control character"),
        (headers(**{"x-a": "a" * 5000}), "template headers: more than 4096 bytes in all"),
        (Template(body="{{ {{ }}"), "template: line 1: "),
        (
            Template(body="{% for i in (1..30000) reversed %}x{% endfor %}"),
            "template: line 1: a range is too long: more than 10000 items",
        ),
    ],
)
def test_a_template_without_a_valid_result_fails_with_the_reason(template: Template, reason: str):
    with pytest.raises(TemplateFailed, match=re.escape(reason)) as failed:
        LiquidRenderer().render(template, fields())

    assert str(failed.value).isprintable()
    assert len(str(failed.value)) < 500


# --- missing values ---

FIELDS_WITH_GAPS = {
    "tasks": [{"name": "a", "seconds": 2}, {"name": "b"}, {"name": "c", "seconds": None}],
    "tags": ["b", None, "a"],
    "mixed": ["b", 1, None],
    "costs": ["1", "n/a", 0.5, None, "-2.5"],
    "never": "0001-01-01T00:00:00Z",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{ tasks | compact: "seconds" | size }}', "1"),
        ('{{ tags | compact | join: "," }}', "b,a"),
        ('{{ tasks | sort: "seconds" | map: "name" | join: "," }}', "a,b,c"),
        ('{{ tags | sort | join: "," }}', "a,b,"),
        ('{{ mixed | sort | join: "," }}', "b,1,"),
        ("{{ costs | sum }}", "-1"),
        ('{{ tasks | sum: "seconds" }}', "2"),
        ("{{ tasks | sum }}", "0"),
        ("{{ 7 | divided_by: nothing }}", ""),
        ("{{ 7 | modulo: 0 }}", ""),
        ('{{ "?" | base64_decode }}', ""),
        ('{{ never | date: "%H:%M", "-05:00" }}', ""),
    ],
)
def test_a_missing_value_leaves_a_gap_as_in_shopifys_liquid(text: str, expected: str):
    template = Template(body=f"x{text}")

    assert LiquidRenderer().render(template, FIELDS_WITH_GAPS).body == f"x{expected}"


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_no_filter_fails_for_want_of_a_field(name: str):
    """Try valid arguments on missing fields, nulls, and lists with gaps."""
    for arguments in ("", ': "a"', ": nothing", ': "a", "b"', ": 1, 2"):
        accepts = [
            is_rendered(f"{{{{ {value} | {name}{arguments} }}}}") for value in ('"s"', "3", "tags")
        ]
        if all(accepts):
            for missing in ("nothing", "null", "tags", "tasks"):
                assert is_rendered(f"{{{{ {missing} | {name}{arguments} }}}}"), (missing, arguments)


def is_rendered(text: str) -> bool:
    try:
        LiquidRenderer().render(Template(body=f"x{text}"), FIELDS_WITH_GAPS)
    except TemplateFailed:
        return False
    return True


@pytest.mark.parametrize(
    "text",
    [
        '{{ timestamp | date: "%-d %B" }}',
        '{{ timestamp | date: "%H:%M", "UTC" }}',
        "{{ event_type | upcase: 1 }}",
        '{{ event_type | truncate: 1, "", 3 }}',
    ],
)
def test_a_template_that_breaks_on_every_event_is_refused_when_it_is_saved(text: str):
    with pytest.raises(InvalidSubscription, match=r"line 1: .*; so with a sample of every type"):
        LiquidRenderer().validate(Template(body=text))


@pytest.mark.parametrize(
    "text",
    [
        "{{ data.mine }}",
        '{% if event_type == "PIPELINE_FAILED" %}{{ message }}{% endif %}',
        '{% if sequence > 99 %}{{ timestamp | date: "%s" }}{% endif %}',
    ],
)
def test_a_template_that_some_event_may_make_good_is_saved(text: str):
    LiquidRenderer().validate(Template(body=text))


@pytest.mark.parametrize(("text", "fault"), [("\x00", "a control"), ("ü{{ id }}", "is not ASCII")])
def test_a_header_that_no_event_could_make_valid_is_refused_when_it_is_given(text: str, fault: str):
    with pytest.raises(InvalidSubscription, match=f"template header x-a: its value .*{fault}"):
        LiquidRenderer().validate(Template(headers=(("x-a", text),)))
