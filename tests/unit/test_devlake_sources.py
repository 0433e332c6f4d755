"""Several DevLakes on one Lakehook; what is admitted is in tests/infra/test_parameters.py."""

import pytest

from lakehook.domain.devlake.sources import DevLakeSource, DevLakeSources, is_source_name
from lakehook.domain.errors import InvalidInput
from lakehook.domain.event_fields import check_source


def test_the_default_source_is_always_there():
    sources = DevLakeSources.parse("-", "-", "{}")

    assert list(sources) == [DevLakeSource(None, None, None)]
    assert sources.get(None) == DevLakeSource()
    assert sources.get("staging") is None
    assert len(sources) == 1


def test_each_source_has_its_own_urls_without_a_last_slash():
    sources = DevLakeSources.parse(
        "https://devlake.example/api/",
        "https://devlake.example/",
        '{"staging": {"api_url": "http://staging:8080/"}, "old": {}}',
    )

    assert list(sources) == [
        DevLakeSource(None, "https://devlake.example/api", "https://devlake.example"),
        DevLakeSource("staging", "http://staging:8080", None),
        DevLakeSource("old", None, None),
    ]
    assert [source.path for source in sources] == ["/", "/staging", "/old"]


def test_a_url_that_is_refused_is_not_repeated():
    with pytest.raises(InvalidInput) as refused:
        DevLakeSources.parse("https://user:hunter2@devlake", "-", "{}")

    assert "devlake API: not a URL such as" in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("name", ["a", "staging", "Prod_2-b", "default2", "x" * 32, "aws"])
def test_a_source_is_named_as_an_event_may_name_it(name: str):
    assert is_source_name(name)
    assert check_source(name) is None


@pytest.mark.parametrize(
    "name", ["", "-a", "a/b", "a b", "default", "AWSPREVIOUS", "x" * 33, "a\n"]
)
def test_reserved_or_invalid_names_are_refused(name: str):
    assert not is_source_name(name)
