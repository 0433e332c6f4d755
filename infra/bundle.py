"""What ships: the two packages and the wheels that the Lambda runtime lacks."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parent.parent

PACKAGES = ("functions", "lakehook")

REQUIREMENTS = ROOT / "functions" / "requirements.txt"

DATA_NOBODY_READS = ("babel/locale-data", "pytz/zoneinfo")
"""36 MB that the template library brings for filters and tags that are not among ours."""

FOR_LAMBDA = (
    # Amazon Linux 2023 runs both; some projects have stopped building for the older one.
    *("--platform", "manylinux2014_aarch64"),
    *("--platform", "manylinux_2_28_aarch64"),
    *("--implementation", "cp"),
    *("--python-version", "3.13"),
    *("--only-binary", ":all:"),
)


def write_bundle(out: Path) -> None:
    """Needs no Docker: pip fetches wheels for another machine than the one it runs on."""
    _install_wheels(out)
    for data in DATA_NOBODY_READS:
        shutil.rmtree(out / data)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, out / package, ignore=shutil.ignore_patterns("__pycache__"))


def _install_wheels(out: Path) -> None:
    subprocess.run(  # noqa: S603  pip, with arguments of our own
        [
            *_pip(),
            *("install", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--no-compile"),
            *FOR_LAMBDA,
            *("--requirement", str(REQUIREMENTS)),
            *("--target", str(out)),
        ],
        check=True,
    )


def _pip() -> list[str]:
    """Any pip will do: the one beside this Python, else (uv makes none) the one on the path."""
    if find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    on_path = shutil.which("pip")
    if not on_path:
        raise FileNotFoundError("no pip to bundle with: python -m ensurepip, or uv pip install pip")
    return [on_path]
