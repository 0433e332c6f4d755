"""What saying and previewing rely on in a typesetter: the same of the fake and of Liquid."""

import pytest

from lakehook.adapters.liquid import LiquidTypesetter
from lakehook.domain.errors import BadSubscription, TemplateFailed
from lakehook.domain.template import Template, Typeset
from lakehook.ports.sending import Typesetter
from tests.fakes import FakeTypesetter

FIELDS = {"event_type": "PIPELINE_FAILED", "pipeline_id": 39, "message": "two\nlines"}


@pytest.fixture(params=[FakeTypesetter, LiquidTypesetter])
def typesetter(request: pytest.FixtureRequest) -> Typesetter:
    made: Typesetter = request.param()
    return made


def test_each_part_is_set_and_what_is_no_part_stays_unsaid(typesetter: Typesetter):
    template = Template(
        body="{{ pipeline_id }}: {{ event_type }}", headers=(("x-a", "{{ pipeline_id }}"),)
    )

    typesetter.check(template)

    assert typesetter.set(template, FIELDS) == Typeset(
        body="39: PIPELINE_FAILED", headers=(("x-a", "39"),)
    )
    assert typesetter.set(Template(subject="{{ event_type }}"), FIELDS) == Typeset(
        subject="PIPELINE_FAILED"
    )


def test_what_is_not_there_is_empty_and_told_once(typesetter: Typesetter):
    template = Template(body="a{{ nope }}{{ nope }}b", subject="{{ other }}")

    set_ = typesetter.set(template, FIELDS)

    assert (set_.body, set_.subject, set_.unknown) == ("ab", "", ("nope", "other"))


@pytest.mark.parametrize(
    ("template", "part"),
    [
        (Template(body="{{ a"), "template: line 1: "),
        (Template(subject="{{ a"), "template subject: line 1: "),
        (Template(headers=(("x-a", "{{ a"),)), "template header x-a: line 1: "),
    ],
)
def test_what_is_no_template_is_refused_by_the_name_of_its_part(
    typesetter: Typesetter, template: Template, part: str
):
    with pytest.raises(BadSubscription, match=part):
        typesetter.check(template)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (Template(body=" {{ nope }} "), "template: it gives nothing"),
        (
            Template(headers=(("x-a", "{{ message }}"),)),
            "template header x-a: its value has a line",
        ),
    ],
)
def test_what_could_not_be_sent_fails(typesetter: Typesetter, template: Template, reason: str):
    with pytest.raises(TemplateFailed, match=reason):
        typesetter.set(template, FIELDS)
