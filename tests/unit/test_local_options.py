"""Options of the laptop, which override parts of the template that it runs."""

from dataclasses import fields

from lakehook.domain.devlake.sources import DevLakeSource, DevLakeSources
from lakehook.settings import DeliverSettings
from local.installation import Options


def test_a_retry_schedule_of_the_laptop_reaches_the_functions_by_the_setting_s_name() -> None:
    variables = Options(retry_schedule="0.5,1").variables()

    assert variables == {"RETRY_SCHEDULE": "0.5,1"}
    assert variables.keys() <= {field.name.upper() for field in fields(DeliverSettings)}


def test_authorities_of_the_laptop_s_own_are_where_the_function_looks_for_them() -> None:
    assert Options(ca_bundle="PEM").variables() == {
        "CA_BUNDLE_ARN": "arn:aws:ssm:us-east-1:123456789012:parameter/lakehook/ca-bundle"
    }


def test_without_options_of_the_laptop_the_template_applies() -> None:
    assert Options().variables() == {}
    assert Options().parameters() == {"AllowedNetworks": "-"}


def test_a_devlake_of_the_laptop_is_passed_by_the_template_s_parameters() -> None:
    parameters = Options(
        devlake_api_url="http://127.0.0.1:8080",
        devlake_ui_url="http://127.0.0.1:4000",
        devlake_sources={"staging": "http://127.0.0.1:8081", "old": None},
    ).parameters()

    api, ui, sources = (
        parameters[name] for name in ("DevlakeApiUrl", "DevlakeUiUrl", "DevlakeSources")
    )
    assert list(DevLakeSources.parse(api, ui, sources)) == [
        DevLakeSource(None, "http://127.0.0.1:8080", "http://127.0.0.1:4000"),
        DevLakeSource("staging", "http://127.0.0.1:8081"),
        DevLakeSource("old"),
    ]
