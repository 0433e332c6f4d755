"""Bytecode in the bundle: Lambda's file system is read-only, so every cold start would compile.

Bytecode is the same for every processor and every release of one minor version; any other Python
ignores it (https://peps.python.org/pep-3147/).
"""

import platform
import subprocess
import sys
from functools import cache
from pathlib import Path

from uv import find_uv_bin

PYTHON = "3.13"

WHERE_IT_RUNS = "/var/task"
"""Path in tracebacks, instead of one of the building machine."""

NONE_FOUND = f"no Python {PYTHON} here to compile for Lambda's, so functions will start slower"


def write_bytecode(bundle: Path) -> None:
    """Compile to unchecked bytecode, since file times change when Lambda unpacks the bundle."""
    python = lambdas_python()
    if python is None:
        print(f"{NONE_FOUND}: uv python install {PYTHON}", file=sys.stderr)  # noqa: T201  they wait
        return
    subprocess.run(  # noqa: S603  a Python, with arguments of our own
        [
            *(python, "-m", "compileall", "-qq"),
            *("--invalidation-mode", "unchecked-hash"),
            *("-s", str(bundle), "-p", WHERE_IT_RUNS, str(bundle)),
        ],
        check=True,
    )


@cache
def lambdas_python() -> str | None:
    """Return this Python, else one that uv finds, else one that pyenv has installed."""
    if platform.python_version().rpartition(".")[0] == PYTHON:
        return sys.executable
    kept = sorted(Path.home().glob(f".pyenv/versions/{PYTHON}.*/bin/python"))
    return _found_by_uv() or next((str(path) for path in kept), None)


def _found_by_uv() -> str | None:
    find = (find_uv_bin(), "python", "find", "--no-project", "--no-python-downloads", PYTHON)
    process = subprocess.run(find, capture_output=True, text=True, check=False)  # noqa: S603  ours
    return process.stdout.strip() or None
