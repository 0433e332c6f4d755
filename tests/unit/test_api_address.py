"""DevLake's address is the operator's own, and what it holds is not shown."""

import pytest

from lakehook.domain.devlake.sources import ApiAddress
from lakehook.domain.errors import InvalidInput

SECRET = "s3cret"


@pytest.mark.parametrize(
    "url",
    [
        "http://devlake:8080",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "https://devlake.example/api/rest",
        "HTTPS://devlake.example",
    ],
)
def test_the_address_may_be_any_url_and_a_last_slash_changes_nothing(url: str):
    assert ApiAddress.parse(url).url == ApiAddress.parse(f"{url}/").url == url


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", "not a URL such as"),
        ("devlake:8080", "not a URL such as"),
        (f"ftp://{SECRET}", "not a URL such as"),
        (f"file:///{SECRET}", "not a URL such as"),
        ("http://", "not a URL such as"),
        (f"http://devlake:{SECRET}", "not a URL such as"),
        (f"http://devlake:0/{SECRET}", "not a URL such as"),
        (f"http://[{SECRET}", "not a URL such as"),
        (f"http://devlake/{SECRET} HTTP/1.1", "not a URL such as"),
        (f"http://devlake/\r\n{SECRET}", "not a URL such as"),
        (f"http://dévlake/{SECRET}", "not a URL such as"),
        (f"http://devlake/{SECRET * 400}", "not a URL such as"),
        (f"http://merico:{SECRET}@devlake", "--header-file, not into the URL"),
        (f"http://devlake?key={SECRET}", "before the first"),
        (f"http://devlake/#{SECRET}", "before the first"),
        ("http://devlake?", "before the first"),
    ],
)
def test_an_invalid_address_is_refused_and_not_repeated(url: str, complaint: str):
    with pytest.raises(InvalidInput, match=complaint) as refused:
        ApiAddress.parse(url)

    assert SECRET not in str(refused.value)


def test_the_headers_of_the_address_are_read_and_not_shown():
    address = ApiAddress.parse("http://devlake", [f"Authorization: Bearer {SECRET}", "x-team: a"])

    assert address.headers == {"authorization": f"Bearer {SECRET}", "x-team": "a"}
    assert SECRET not in repr(address)


@pytest.mark.parametrize(
    "lines", [[SECRET], [f"a: {SECRET}", f"A: {SECRET}"], [f"host: {SECRET}"], [f"a: {SECRET}\n"]]
)
def test_bad_headers_are_refused_without_their_value(lines: list[str]):
    with pytest.raises(InvalidInput, match="header: ") as refused:
        ApiAddress.parse("http://devlake", lines)

    assert type(refused.value) is InvalidInput
    assert SECRET not in str(refused.value)
