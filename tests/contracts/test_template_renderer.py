"""Contract of template renderers: the fake renders as Liquid does."""

import pytest

from lakehook.adapters.liquid import LiquidRenderer
from lakehook.domain.errors import InvalidSubscription, TemplateFailed
from lakehook.domain.template import RenderedTemplate, Template
from lakehook.ports.outbound import TemplateRenderer
from tests.fakes import FakeTemplateRenderer

FIELDS = {"event_type": "PIPELINE_FAILED", "pipeline_id": 39, "message": "two\nlines"}


@pytest.fixture(params=[FakeTemplateRenderer, LiquidRenderer])
def renderer(request: pytest.FixtureRequest) -> TemplateRenderer:
    template_renderer: TemplateRenderer = request.param()
    return template_renderer


def test_each_part_of_a_template_is_rendered_and_no_other(renderer: TemplateRenderer):
    template = Template(
        body="{{ pipeline_id }}: {{ event_type }}", headers=(("x-a", "{{ pipeline_id }}"),)
    )

    renderer.validate(template)

    assert renderer.render(template, FIELDS) == RenderedTemplate(
        body="39: PIPELINE_FAILED", headers=(("x-a", "39"),)
    )
    assert renderer.render(Template(subject="{{ event_type }}"), FIELDS) == RenderedTemplate(
        subject="PIPELINE_FAILED"
    )


def test_a_missing_field_is_empty_and_reported_once(renderer: TemplateRenderer):
    template = Template(body="a{{ nope }}{{ nope }}b", subject="{{ other }}")

    set_ = renderer.render(template, FIELDS)

    assert (set_.body, set_.subject, set_.missing_fields) == ("ab", "", ("nope", "other"))


@pytest.mark.parametrize(
    ("template", "part"),
    [
        (Template(body="{{ a"), "template: line 1: "),
        (Template(subject="{{ a"), "template subject: line 1: "),
        (Template(headers=(("x-a", "{{ a"),)), "template header x-a: line 1: "),
    ],
)
def test_a_bad_template_is_refused_by_the_name_of_its_part(
    renderer: TemplateRenderer, template: Template, part: str
):
    with pytest.raises(InvalidSubscription, match=part):
        renderer.validate(template)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (Template(body=" {{ nope }} "), "template: its output is empty"),
        (
            Template(headers=(("x-a", "{{ message }}"),)),
            "template header x-a: its value has a line",
        ),
    ],
)
def test_a_rendering_that_cannot_be_sent_fails(
    renderer: TemplateRenderer, template: Template, reason: str
):
    with pytest.raises(TemplateFailed, match=reason):
        renderer.render(template, FIELDS)
