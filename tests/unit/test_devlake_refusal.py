"""Refusals of notices: the reason, and whether DevLake seems to have sent it."""

import pytest

from lakehook.domain.devlake.refusal import Refusal, RefusalKind, refuse_sign, seems_devlake
from lakehook.domain.devlake.signature import SignedNotification, signed_query
from lakehook.domain.errors import InvalidSignature
from tests.devlake_vectors import vector_named

RUNNING = vector_named("TASK_RUNNING")
SECRET, BODY, NOUCE = RUNNING.secret, RUNNING.raw, RUNNING.nouce
TEST = BODY.replace(b'"PipelineID":39', b'"PipelineID":0')
DEEP = b"[" * 65_536
SIGNED = signed_query(BODY, "another", NOUCE)


def refusal_of(body: bytes, query: str, *secrets: str) -> Refusal:
    notice = SignedNotification(body, query)
    with pytest.raises(InvalidSignature) as refused:
        notice.verify(secrets)
    return refuse_sign(notice, refused.value, secrets)


@pytest.mark.parametrize(
    ("body", "query", "is_notice"),
    [(BODY, SIGNED, True), (BODY, "", True), (DEEP, SIGNED, False), (TEST, SIGNED, False)],
)
def test_only_a_body_about_a_pipeline_is_a_notice(
    body: bytes, query: str, *, is_notice: bool
) -> None:
    assert refusal_of(body, query, SECRET).is_notice is is_notice


@pytest.mark.parametrize(
    ("body", "query", "kind", "is_devlakes"),
    [
        (BODY, SIGNED, "signature", True),
        (BODY, "", "no_signature", True),  # a proxy has cut it off
        (BODY, f"key=1?{SIGNED}", "no_signature", True),  # an endpoint with a query of its own
        (BODY, SIGNED.replace("4-", "4%20-"), "no_signature", True),
        (b"", "", "no_signature", False),
        (b'{"user":"admin"}', "id=1", "no_signature", False),
        (b"", "nouce=1", "no_signature", False),
        (DEEP, SIGNED, "not_a_notice", True),  # a form that is not known yet
        (b"\xff", SIGNED, "not_a_notice", True),
        (TEST, signed_query(TEST, "another", NOUCE), "signature", False),
        (TEST, "", "no_signature", False),
    ],
)
def test_each_refusal_has_its_kind_and_says_whether_devlake_has_sent_it(
    body: bytes, query: str, kind: str, *, is_devlakes: bool
) -> None:
    refusal = refusal_of(body, query, SECRET)

    assert (str(refusal.kind), refusal.seems_devlake) == (kind, is_devlakes)


@pytest.mark.parametrize(
    ("devlakes", "stored", "hint"),
    [
        ("", SECRET, "made with an empty secret"),
        (f'"{SECRET}"', SECRET, "quotes around the secret"),
        (f"'{SECRET}'", SECRET, "quotes around the secret"),
        (f"{SECRET}\n", SECRET, "white space after the secret"),
        (f"{SECRET}\r\n", SECRET, "white space after the secret"),
        (f"{SECRET} ", SECRET, "white space after the secret"),
        (SECRET, f"{SECRET}\n", "white space that the secret in Secrets Manager has"),
        ("another", SECRET, "must be the one in Secrets Manager"),
    ],
)
def test_a_slip_in_giving_devlake_the_secret_is_named(
    devlakes: str, stored: str, hint: str
) -> None:
    refusal = refusal_of(BODY, signed_query(BODY, devlakes, NOUCE), "the one before", stored)

    assert hint in refusal.reason
    assert refusal.kind is RefusalKind.SIGNATURE
    assert SECRET not in refusal.reason


def test_a_sender_without_the_secret_gets_no_hint() -> None:
    """A hint about the secret is given only to a sender who has signed with nearly the same."""
    unsigned = refusal_of(BODY, signed_query(BODY, "guessed", NOUCE), SECRET, f"{SECRET}\n")

    assert unsigned.reason == refusal_of(BODY, SIGNED, "x").reason


@pytest.mark.parametrize(
    ("body", "query", "is_devlakes"),
    [
        (b"", "nouce=1-a&sign=2", True),
        (b"", "nouce=&sign=", True),
        (b"", "sign=2", False),
        (BODY, "", True),
        (TEST, SIGNED, False),
    ],
)
def test_two_parameters_or_a_readable_notice_are_the_form_of_devlake(
    body: bytes, query: str, *, is_devlakes: bool
) -> None:
    assert seems_devlake(SignedNotification(body, query)) is is_devlakes
