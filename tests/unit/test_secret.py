import base64
import json
import re
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.domain.errors import BadInput
from lakehook.domain.secret import Secret
from lakehook.ports import Keys

KEY = b"never shown, never told!"
TEXT = base64.b64encode(KEY).decode()
SECRET = Secret.parse(TEXT)


def shows(text: str) -> bool:
    """Whether a text gives the key away: as itself, in base64, in hex or as numbers."""
    forms = (KEY.decode(), TEXT, KEY.hex(), str(list(KEY))[1:-1])
    return any(form in text for form in forms)


@given(st.binary(min_size=24, max_size=64))
def test_what_is_revealed_is_read_again(key: bytes):
    assert Secret.parse(Secret(key).reveal()).key == key


@pytest.mark.parametrize("text", [f"whsec_{TEXT}", TEXT, f" whsec_{TEXT}\n"])
def test_a_secret_is_read_with_and_without_its_prefix(text: str):
    assert Secret.parse(text).key == KEY


@pytest.mark.parametrize("length", [0, 1, 23, 65, 1000])
def test_a_key_too_short_or_too_long_is_refused_with_its_length(length: int):
    with pytest.raises(BadInput, match=f"secret: {length} bytes; .* 24 to 64"):
        Secret.parse(base64.b64encode(bytes(length)).decode())


@pytest.mark.parametrize("length", [24, 64])
def test_the_shortest_and_the_longest_key_are_taken(length: int):
    assert len(Secret.parse(base64.b64encode(bytes(length)).decode()).key) == length


@pytest.mark.parametrize(
    "text",
    [
        f"whsec_{TEXT}*",
        f"whsec_{TEXT[:-3]}",
        f"whsk_{TEXT}",
        f"whsec_whsec_{TEXT}",
        f"{TEXT[:8]}\n{TEXT[8:]}",
        base64.urlsafe_b64encode(b"\xff" * 24).decode(),
        f"{TEXT}ü",
        "湖",
        "\ud800",
        "\0",
    ],
)
def test_what_is_not_base64_is_refused_and_not_repeated(text: str):
    with pytest.raises(
        BadInput, match=re.escape("secret: not base64, as in whsec_<base64>")
    ) as bad:
        Secret.parse(text)

    assert text not in "".join(traceback.format_exception_only(bad.value))
    assert (bad.value.__cause__, bad.value.__suppress_context__) == (None, True)


@given(st.text())
def test_any_text_is_a_secret_or_a_bad_input(text: str):
    try:
        secret = Secret.parse(text)
    except BadInput:
        return

    assert Secret.parse(secret.reveal()) == secret


@pytest.mark.parametrize("thing", [SECRET, Keys((SECRET,), {"authorization": KEY.decode()})])
def test_a_secret_never_shows_itself(thing: object):
    shown = [repr(thing), str(thing), f"{thing}", f"{thing!r:>40}", repr([thing])]

    assert not any(shows(text) for text in shown), shown


def test_a_traceback_with_its_locals_shows_no_secret():
    def fail(secret: Secret, keys: Keys) -> None:
        raise RuntimeError(f"{secret} {keys}")

    with pytest.raises(RuntimeError) as raised:
        fail(SECRET, Keys((SECRET,), {"authorization": KEY.decode()}))
    trace = traceback.TracebackException.from_exception(raised.value, capture_locals=True)

    inner = trace.stack[-1]
    assert (inner.locals or {})["secret"] == "Secret(…)"
    assert not shows("".join(trace.format()))


def test_a_secret_goes_into_no_json():
    assert not shows(json.dumps({"secret": SECRET}, default=str))


def test_equal_keys_are_equal_secrets():
    assert Secret(KEY) == SECRET
    assert Secret(bytes(24)) != SECRET
