import re
import string
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.domain.devlake.signature import SignedNotification, nouce_of, signature, signed_query
from lakehook.domain.errors import InvalidSignature, Unsigned
from tests.devlake_vectors import RECORDED, VECTORS, Vector, vector_named

NOTICE = vector_named("TASK_CREATED")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_a_signature_is_made_as_devlake_makes_it_and_its_own_is_accepted(vector: Vector):
    assert signature(vector.raw, vector.secret, vector.nouce) == vector.sign
    assert signed_query(vector.raw, vector.secret, vector.nouce) == vector.query
    SignedNotification(vector.raw, vector.query).verify(["another", vector.secret])


@pytest.mark.parametrize("secrets", [[], ["another", f"{NOTICE.secret} "]])
def test_a_signature_by_another_secret_is_refused(secrets: list[str]):
    with pytest.raises(InvalidSignature):
        SignedNotification(NOTICE.raw, NOTICE.query).verify(secrets)


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
def test_a_changed_body_is_refused(body: bytes):
    with pytest.raises(InvalidSignature, match="sign"):
        SignedNotification(body, NOTICE.query).verify([NOTICE.secret])


def test_the_nouce_of_another_notice_is_refused():
    query = f"nouce={vector_named('TASK_RUNNING').nouce}&sign={NOTICE.sign}"

    with pytest.raises(InvalidSignature, match="sign"):
        SignedNotification(NOTICE.raw, query).verify([NOTICE.secret])


def test_notices_signed_by_real_devlakes_are_accepted():
    for notice in RECORDED:
        SignedNotification(notice.raw, notice.query).verify([notice.secret])


@given(
    st.integers(0, 2**64 - 1),
    st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=16)
    .map(lambda drawn: drawn[:16]),
)  # fmt: skip
def test_every_nouce_that_devlake_can_draw_is_accepted(number: int, drawn: str):
    query = signed_query(NOTICE.raw, "secret", f"{number}-{drawn}")

    SignedNotification(NOTICE.raw, query).verify(["secret"])


@pytest.mark.parametrize("nouce", ["1", "x" * 128, "a.b_c-d", "-", "2026.1-aB3_"])
def test_a_nouce_of_another_form_is_accepted(nouce: str):
    SignedNotification(NOTICE.raw, signed_query(NOTICE.raw, "secret", nouce)).verify(["secret"])


@pytest.mark.parametrize(
    "nouce",
    [
        "",
        "x" * 129,
        "1-FDXxIootApWxEVt é",
        "\uff11-FDXxIootApWxEVtz",
        " 1-FDXxIootApWxEVtz",
        "1-FDXxIootApWxEVtz\n",
        "}1-FDXxIootApWxEVtz",
        "1-FDXxIootApWxEVtz\x00",
    ],
)
def test_a_nouce_that_could_hide_something_is_refused_though_it_is_signed(nouce: str):
    sign = signature(NOTICE.raw, NOTICE.secret, nouce)
    query = urlencode({"nouce": nouce, "sign": sign})

    with pytest.raises(Unsigned, match=r"nouce: not 1 to 128 letters, digits or _\.-"):
        SignedNotification(NOTICE.raw, query).verify([NOTICE.secret])


@given(st.binary(max_size=64))
def test_a_nouce_that_holds_the_padding_of_a_length_extension_is_refused(suffix: bytes):
    """SHA-256 appends 0x80, zeros and the length; the hash of an extension then needs no secret."""
    size = len(NOTICE.raw + NOTICE.secret.encode() + NOTICE.nouce.encode())
    padding = b"\x80" + bytes(-(size + 9) % 64) + (8 * size).to_bytes(8)
    nouce = quote(NOTICE.nouce.encode() + padding + suffix)

    with pytest.raises(Unsigned, match="nouce"):
        SignedNotification(NOTICE.raw, f"nouce={nouce}&sign={NOTICE.sign}").verify([NOTICE.secret])


@pytest.mark.parametrize("own", ["a=b", "a", "", "a=b&c=d", "a=b?c", "token=x/y&", "nonce=1"])
def test_a_query_of_the_endpoints_own_is_refused_with_what_to_remove(own: str):
    query = f"{own}?{NOTICE.query}"  # DevLake appends a ? and its own, whatever is there

    with pytest.raises(Unsigned, match=r"has a query of its own.*remove everything from its first"):
        SignedNotification(NOTICE.raw, query).verify([NOTICE.secret])


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
def test_a_query_with_a_missing_repeated_or_malformed_parameter_is_refused(
    query: str, complaint: str
):
    with pytest.raises(InvalidSignature, match=complaint):
        SignedNotification(NOTICE.raw, query).verify([NOTICE.secret])


def test_a_nouce_is_drawn_as_devlake_draws_it():
    nouces = [nouce_of(7, bytes(range(start, start + 32))) for start in range(0, 224, 16)]

    for nouce in nouces:
        assert re.fullmatch("7-[A-Za-z0-9]{16}", nouce)
        SignedNotification(NOTICE.raw, signed_query(NOTICE.raw, "secret", nouce)).verify(["secret"])
    drawn = set("".join(nouce.removeprefix("7-") for nouce in nouces))
    assert drawn == set(string.ascii_letters + string.digits)
