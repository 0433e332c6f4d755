"""The witness's own environment: it runs the functions, so it has their Python and no other."""

import subprocess
import sys
from pathlib import Path

from uv import find_uv_bin

from infra.bundle import PYTHON, lambdas_python

PINS = Path(__file__).with_name("requirements.txt")


def furnish(home: Path, python: str) -> None:
    """What is there already costs a look."""
    _uv("venv", "--allow-existing", "--python", python, str(home))
    _uv("pip", "sync", "--python", str(home / "bin" / "python"), str(PINS))


def _uv(*arguments: str) -> None:
    subprocess.run([find_uv_bin(), *arguments, "--quiet"], check=True)


def main(home: Path, *chosen: str) -> None:
    python = next(iter(chosen), None) or lambdas_python()
    if python:
        furnish(home, python)
    else:
        print(f"no witness: it needs Python {PYTHON}, on which the functions run")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
