"""DevLake's secret: a text that goes into a hash exactly as it is given."""

from typing import ClassVar, NoReturn, Self

from lakehook.domain.errors import BadInput
from lakehook.domain.secret import Key, Signing

MOST_BYTES = 1024
_MARK = b"text:"
"""Stands before the text where it is sealed: there is no ciphertext of nothing."""


class TextSecret(Key):
    __slots__ = ()
    signing = Signing.HMAC  # of the two kinds, the one whose secret both sides share
    prefix = ""
    public: ClassVar[str | None] = None

    @classmethod
    def given(cls, text: str, *, may_be_empty: bool = False) -> Self:
        """A text without the line's end that a file has; ``BadInput`` if it is none to sign by."""
        text = text.removesuffix("\n").removesuffix("\r")
        if not text and not may_be_empty:
            raise BadInput("secret: it is empty, so anybody can sign; --allow-empty-secret")
        if len(text.encode()) > MOST_BYTES:
            raise BadInput(f"secret: more than {MOST_BYTES} bytes")
        return cls(text.encode())

    @classmethod
    def unsealed(cls, plaintext: bytes) -> Self:
        return cls(plaintext.removeprefix(_MARK))

    @property
    def plaintext(self) -> bytes:
        """What is sealed."""
        return _MARK + self.key

    def reveal(self) -> str:
        return self.key.decode()

    def sign(self, _content: bytes) -> NoReturn:
        raise TypeError("DevLake's secret is hashed with what it signs: see signature.py")
