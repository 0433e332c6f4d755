"""The Python that the functions run on, where this machine has one."""

import subprocess
from pathlib import Path

from uv import find_uv_bin

from infra.bundle import PYTHON


def lambdas_python() -> str | None:
    """Where uv finds one, or where pyenv keeps those that are not in use."""
    find = (find_uv_bin(), "python", "find", "--no-python-downloads", PYTHON)
    found = subprocess.run(find, capture_output=True, text=True, check=False).stdout.strip()
    kept = sorted(Path.home().glob(f".pyenv/versions/{PYTHON}.*/bin/python"))
    return found or next((str(one) for one in kept), None)
