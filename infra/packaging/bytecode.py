"""Bytecode beside the sources: Lambda cannot write any, and would compile at every cold start.

It is the same for every processor and every release of one minor version; any other Python
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
"""What tracebacks say, instead of a path of the machine that built it."""

NONE_FOUND = f"no Python {PYTHON} here to compile for Lambda's, so functions will start slower"


def write_bytecode(bundle: Path) -> None:
    """Believed unchecked: what is unpacked on Lambda has another time than what was packed here."""
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
    """This one, else one that uv finds, else one that pyenv keeps and that is not in use."""
    if platform.python_version().rpartition(".")[0] == PYTHON:
        return sys.executable
    kept = sorted(Path.home().glob(f".pyenv/versions/{PYTHON}.*/bin/python"))
    return _found_by_uv() or next((str(path) for path in kept), None)


def _found_by_uv() -> str | None:
    find = (find_uv_bin(), "python", "find", "--no-project", "--no-python-downloads", PYTHON)
    process = subprocess.run(find, capture_output=True, text=True, check=False)  # noqa: S603  ours
    return process.stdout.strip() or None
