import pytest

from lakehook.domain.devlake.signature import SignedNotice, nouce_of, signature, signed_query
from lakehook.domain.errors import BadSign
from tests.devlake_vectors import VECTORS, Vector, named

NOTICE = named("TASK_CREATED")


def each(vector: Vector) -> str:
    return vector.name


@pytest.mark.parametrize("vector", VECTORS, ids=each)
def test_a_sign_is_what_devlake_makes_of_body_secret_and_nouce(vector: Vector):
    assert signature(vector.raw, vector.secret, vector.nouce) == vector.sign
    assert signed_query(vector.raw, vector.secret, vector.nouce) == vector.query


@pytest.mark.parametrize("vector", VECTORS, ids=each)
def test_what_devlake_has_signed_is_believed(vector: Vector):
    SignedNotice(vector.raw, vector.query).verify(["another", vector.secret])


@pytest.mark.parametrize("vector", VECTORS, ids=each)
def test_what_another_secret_has_signed_is_not_believed(vector: Vector):
    with pytest.raises(BadSign, match="sign: not of this body"):
        SignedNotice(vector.raw, vector.query).verify([f"{vector.secret} ", "another"])


def test_where_there_is_no_secret_nobody_is_believed():
    with pytest.raises(BadSign):
        SignedNotice(NOTICE.raw, NOTICE.query).verify([])


@pytest.mark.parametrize(
    "body",
    [
        NOTICE.raw + b" ",
        NOTICE.raw.replace(b":39", b":40"),
        b"",
        NOTICE.raw + NOTICE.secret.encode(),
    ],
    ids=["a space more", "another pipeline", "nothing", "the secret moved into the body"],
)
def test_a_body_that_was_touched_is_not_believed(body: bytes):
    with pytest.raises(BadSign, match="sign"):
        SignedNotice(body, NOTICE.query).verify([NOTICE.secret])


def test_the_nouce_of_another_notice_is_not_believed():
    query = f"nouce={named('TASK_RUNNING').nouce}&sign={NOTICE.sign}"

    with pytest.raises(BadSign, match="sign"):
        SignedNotice(NOTICE.raw, query).verify([NOTICE.secret])


@pytest.mark.parametrize(
    "nouce",
    [
        "",
        "1",
        "-FDXxIootApWxEVtz",
        "FDXxIootApWxEVtz",
        "1FDXxIootApWxEVtz",
        "1-FDXxIootApWxEVt",
        "1-FDXxIootApWxEVtzz",
        "1-FDXxIootApWxEVt1",
        "1-FDXxIootApWxEVt%C3%A9",
        "%EF%BC%91-FDXxIootApWxEVtz",
        "+1-FDXxIootApWxEVtz",
        "-1-FDXxIootApWxEVtz",
        "1.5-FDXxIootApWxEVtz",
        "1-FDXxIootApWxEVtz%0A",
        "1-FDXxIootApWxEVtz%80%00%00%00",
        "123456789012345678901-FDXxIootApWxEVtz",
    ],
)
def test_a_nouce_that_devlake_would_not_draw_is_refused_before_the_sign_is_looked_at(nouce: str):
    query = f"nouce={nouce}&sign={NOTICE.sign}"

    with pytest.raises(BadSign, match="nouce: not a number, a hyphen and 16 letters"):
        SignedNotice(NOTICE.raw, query).verify([NOTICE.secret])


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("", "nouce: given 0 times"),
        (f"nouce={NOTICE.nouce}", "sign: given 0 times"),
        (f"sign={NOTICE.sign}", "nouce: given 0 times"),
        (f"nonce={NOTICE.nouce}&sign={NOTICE.sign}", "nouce: given 0 times"),
        (f"{NOTICE.query}&nouce={NOTICE.nouce}", "nouce: given 2 times"),
        (f"{NOTICE.query}&sign={NOTICE.sign}", "sign: given 2 times"),
        (f"nouce={NOTICE.nouce}&sign=", "sign: not of this body"),
        (f"nouce={NOTICE.nouce}&sign={NOTICE.sign.upper()}", "sign: not of this body"),
        (f"nouce={NOTICE.nouce}&sign={NOTICE.sign[:-1]}", "sign: not of this body"),
        (f"nouce={NOTICE.nouce}&sign=%C3%A9%FF%00", "sign: not of this body"),
    ],
)
def test_a_query_says_each_once_and_right(query: str, complaint: str):
    with pytest.raises(BadSign, match=complaint):
        SignedNotice(NOTICE.raw, query).verify([NOTICE.secret])


def test_a_notice_shows_nothing_of_itself():
    assert repr(SignedNotice(NOTICE.raw, NOTICE.query)) == "SignedNotice()"


def test_a_drawn_nouce_is_one_that_would_be_believed():
    nouce = nouce_of(7, bytes(range(240, 256)) * 2)

    query = signed_query(NOTICE.raw, "secret", nouce)

    assert nouce.startswith("7-")
    SignedNotice(NOTICE.raw, query).verify(["secret"])
