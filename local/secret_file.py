"""Notification secret in a file, so that it is kept when the local installation ends."""

import secrets
import string
from pathlib import Path

_ALPHABET, _LENGTH = string.ascii_letters + string.digits, 48  # as the stack generates on AWS


def kept_secret(path: Path) -> str:
    """Return the file's first line; without a file, a new secret, which is written to it.

    Raises ``OSError`` if the file can be neither read nor written, ``ValueError`` if it is empty.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return _new_secret(path)
    if len(lines) != 1 or not lines[0]:
        raise ValueError(f"{path}: not one line with a secret")
    return lines[0]


def _new_secret(path: Path) -> str:
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    path.touch(mode=0o600)
    path.write_text(f"{secret}\n", encoding="utf-8")
    return secret
