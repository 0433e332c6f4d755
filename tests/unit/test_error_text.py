"""Texts of errors: credentials are removed, and the summary is one line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.domain.error_text import MAX_SCANNED, first_line, summary_of, without_credentials
from tests.outside import OUTSIDE

RECORDED = OUTSIDE / "devlake" / "rest"
SECRET = "s3cr3t-0f-0urs"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # what git, databases and HTTP clients say
        (
            f"fatal: Authentication failed for 'https://git:{SECRET}@github.com/x/y.git/'",
            "fatal: Authentication failed for 'https://…@github.com/x/y.git/'",
        ),
        (f"https://{SECRET}@gitlab.example/x.git", "https://…@gitlab.example/x.git"),
        (f"dial mysql://lake:{SECRET}@db:3306/lake?parseTime=1", None),
        (f"Error 1045: lake:{SECRET}@p@tcp(db:3306)/lake", "Error 1045: …@tcp(db:3306)/lake"),
        (f"dsn=lake:{SECRET}@unix(/run/mysqld.sock)/lake", "dsn=…@unix(/run/mysqld.sock)/lake"),
        (f"connect to `host=db user=lake password={SECRET} sslmode=off`", None),
        (
            f"[method:GET query:map[access_token:[{SECRET}] page:[1]]]. 401",
            "[method:GET query:map[access_token:[… page:[1]]]. 401",
        ),
        (
            f"map[Authorization:[Bearer {SECRET}] Accept:[*/*]]",
            "map[Authorization:[Bearer … Accept:[*/*]]",
        ),
        (f"Authorization: Basic {SECRET}==", "Authorization: Basic …"),
        (f"authorization: token {SECRET}", "authorization: token …"),
        ("Authorization: ourtokenofletters is bad", "Authorization: … is bad"),
        (f"sent Bearer {SECRET}.abc to x", "sent Bearer … to x"),
        (f"PRIVATE-TOKEN: {SECRET}", "PRIVATE-TOKEN: …"),
        (f'{{"private_token": "{SECRET}", "page": 1}}', '{"private_token": "…", "page": 1}'),
        (f"password: {SECRET}", "password: …"),
        (f"password={SECRET}(]|) x", "password=… x"),
        ("password: correct", "password: …"),
        (f"GET https://x/api?private_token={SECRET}&page=2: 401", None),
        (
            f"GET https://x/api?key={SECRET}&sig={SECRET}&page=2",
            "GET https://x/api?key=…&sig=…&page=2",
        ),
        (f"client_secret={SECRET}; api_key = {SECRET}", "client_secret=…; api_key = …"),
        (f"Set-Cookie: sid={SECRET}; path=/", "Set-Cookie: …"),
        (f"Cookie: session=abc; other={SECRET}\nx", "Cookie: …\nx"),
        (f'{{"password": "hun\\"{SECRET}", "page": 1}}', '{"password": "…", "page": 1}'),
        (f'"{{\\"password\\":\\"{SECRET}\\",\\"page\\":1}}"', None),
        (f"password='a {SECRET}' x", "password='…' x"),
        (f"password = `a {SECRET}` x", "password = `…` x"),
        *((f"password=a{sign}{SECRET}, x", "password=…, x") for sign in ",;&<>"),
        (f"curl -u bob:{SECRET} https://x", "curl -u … https://x"),
        (f"curl --user 'bob:{SECRET}' https://x", "curl --user '…' https://x"),
        (f"pass={SECRET}", "pass=…"),
        (f"db_pw: {SECRET} x", "db_pw: … x"),
        (f"passwd {SECRET} x", "passwd … x"),
        (f"password is '{SECRET}' x", "password is '…' x"),
        (f"password '{SECRET}' x", "password '…' x"),
        ("password is 'hunter'", "password is '…'"),
        ("secret was 'hunter'", "secret was '…'"),
        ("pwd is Tr0ub4dor", "pwd is …"),
        # what looks like nothing else
        ("bad key sk-proj-" + "a1_" * 9, "bad key …"),
        ("bad token ghp_" + "a1" * 18, "bad token …"),
        ("github_pat_" + "a1" * 20, "…"),
        ("glpat-" + "a1" * 10 + " expired", "… expired"),
        ("AKIAABCDEFGHIJKLMNOP is unknown", "… is unknown"),
        ("xoxb-12345678901-abc", "…"),
        ("ATATT3xFfGF0" + "a1_" * 9 + "=5A", "…"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", "…"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
            "… RSA PRIVATE KEY-----",
        ),
    ],
)
def test_a_text_that_looks_like_a_credential_is_not_shown(text: str, expected: str | None):
    cleaned = without_credentials(text)

    assert SECRET not in cleaned
    assert "…" in cleaned
    assert expected in {None, cleaned}


@pytest.mark.parametrize(
    "text",
    [
        "subtask collectIssues ended unexpectedly",
        "invalid token: expired",
        "secret: not found",
        "token: unexpected end of JSON input",
        "Basic authentication failed",
        "password is wrong",
        "password authentication failed for user lake",
        "unexpected token '}' in JSON",
        "first pass was good; bypass it",
        "git push -u origin main",
        "Bearer token missing",
        "primary key: 12 duplicates",
        "Duplicate entry '1-2' for key 'PRIMARY'",
        "exit code=1, author=me, monkey=3",
        "GET https://api.github.com/repos/a/b/issues?page=2&per_page=100: 502",
        "mail me@team.example",
    ],
)
def test_useful_texts_stay(text: str):
    assert without_credentials(text) == text


@given(st.text())
def test_any_text_is_read_and_reading_it_again_changes_nothing(text: str):
    cleaned = without_credentials(text)

    assert without_credentials(cleaned) == cleaned
    assert "\n" not in summary_of(text)


def test_only_the_start_of_a_long_text_is_read():
    assert len(without_credentials("x" * (MAX_SCANNED + 1))) == MAX_SCANNED


# --- on one line ---


def recorded(name: str) -> str:
    document = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    message: str = document["tasks"][0]["message"] if "tasks" in document else document["message"]
    return message


def test_a_nested_error_of_devlake_is_summarized_from_the_outside_in():
    assert summary_of(recorded("pipeline-TASK_FAILED")) == (
        "Error running pipeline 119: Error running task 131: subtask sleep ended unexpectedly:"
        " it was to fail after 0.5 s"
    )
    assert summary_of(recorded("pipeline-TASK_FAILED-tasks")) == (
        "subtask sleep ended unexpectedly: it was to fail after 0.5 s"
    )


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("", ""),
        ("\n \n", ""),
        ("  HTTP 502\nBad Gateway", "HTTP 502"),
        ("a\nWraps: (2) a\nWraps: (3) b", "a: b"),
        ("a:\nWraps: (2) b.\n  -- stack trace:\n  | main.go:7\nError types: (1) *x", "a: b"),
        ("a\nWraps: (2) \nError types: (1) *x", "a"),
        (
            "a\nWraps: (2)\n  | combined messages: \n  | {\n  | \tb\n  | \tc\n  | }\nWraps: (3) d",
            "a: b: d",
        ),
    ],
)
def test_any_other_text_is_its_first_line_and_nothing_is_repeated(text: str, summary: str):
    assert summary_of(text) == summary


def test_the_first_line_is_the_first_that_says_something():
    assert first_line(" \n b \nc") == "b"
    assert first_line("") == ""
