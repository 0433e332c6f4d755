"""What the laptop says otherwise than the template that it runs."""

from dataclasses import fields

from lakehook.settings import DeliverSettings
from local.installation import Options


def test_a_schedule_of_the_laptop_s_own_is_told_to_the_functions_by_the_setting_s_name() -> None:
    variables = Options(retry_schedule="0.5,1").variables()

    assert variables == {"RETRY_SCHEDULE": "0.5,1"}
    assert variables.keys() <= {field.name.upper() for field in fields(DeliverSettings)}


def test_where_the_laptop_says_nothing_the_template_s_schedule_stands() -> None:
    assert Options().variables() == {}
