"""Deployment package of a function: its code, the library, and the wheels the runtime lacks."""

import platform
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from infra.packaging.bytecode import PYTHON, write_bytecode

ROOT = Path(__file__).parents[2]

FUNCTIONS_DIR, LIBRARY, REQUIREMENTS = "functions", "lakehook", "requirements.txt"

COMMANDS = "bin"
"""They begin with a path of the machine that built them, and nobody types on Lambda."""

NOT_SHIPPED = ("__pycache__", "cli")
"""The operator's command is in the wheel, and in no function."""

DATA_NOBODY_READS = (
    "babel/locale-data",  # with the next, 36 MB for filters and tags that are not among ours
    "pytz/zoneinfo",
    "aws_lambda_powertools/event_handler/openapi/swagger_ui",  # a page for browsers: we show none
)

LEFT_UNCOMPILED = ("api",)
"""With its bytecode it would weigh a quarter more than any should, and no pipeline waits for it."""

LAMBDAS_PROCESSOR = "aarch64"


def function_names() -> list[str]:
    return sorted(handler.parent.name for handler in ROOT.glob(f"{FUNCTIONS_DIR}/*/handler.py"))


def sources_of(function: str) -> tuple[str, ...]:
    """All that decides what is in the bundle, and the recipe."""
    shared = (f"{FUNCTIONS_DIR}/__init__.py", f"{FUNCTIONS_DIR}/{REQUIREMENTS}")
    return (
        LIBRARY,
        f"{FUNCTIONS_DIR}/{function}",
        *shared,
        "infra/packaging/bundle.py",
        "infra/packaging/bytecode.py",
    )


def write_bundle(function: str, out: Path, *, processor: str = LAMBDAS_PROCESSOR) -> None:
    """Needs no Docker: pip fetches wheels for another machine than the one it runs on."""
    _install_wheels(_requirements_of(function), out, processor)
    remove_unused_files(out)
    for package in (LIBRARY, f"{FUNCTIONS_DIR}/{function}"):
        shutil.copytree(ROOT / package, out / package, ignore=shutil.ignore_patterns(*NOT_SHIPPED))
    shutil.copy(ROOT / FUNCTIONS_DIR / "__init__.py", out / FUNCTIONS_DIR)
    if function not in LEFT_UNCOMPILED:
        write_bytecode(out)


def this_processor() -> str:
    return platform.machine()


def _requirements_of(function: str) -> list[Path]:
    """What all functions need, and what this one needs beside."""
    asked = (ROOT / FUNCTIONS_DIR / REQUIREMENTS, ROOT / FUNCTIONS_DIR / function / REQUIREMENTS)
    return [path for path in asked if path.exists()]


def _install_wheels(requirements: list[Path], out: Path, processor: str) -> None:
    subprocess.run(  # noqa: S603  pip, with arguments of our own
        [
            *_pip(),
            *("install", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--no-compile"),
            *_wheels_for(processor),
            *(word for path in requirements for word in ("--requirement", str(path))),
            *("--target", str(out)),
        ],
        check=True,
    )


def _wheels_for(processor: str) -> list[str]:
    """Amazon Linux 2023 runs both kinds; some projects have stopped building the older one."""
    return [
        *("--platform", f"manylinux2014_{processor}"),
        *("--platform", f"manylinux_2_28_{processor}"),
        *("--implementation", "cp"),
        *("--python-version", PYTHON),
        *("--only-binary", ":all:"),
    ]


def remove_unused_files(out: Path) -> None:
    shutil.rmtree(out / COMMANDS, ignore_errors=True)
    for data in DATA_NOBODY_READS:
        shutil.rmtree(out / data, ignore_errors=True)


def _pip() -> list[str]:
    """Any pip will do: the one beside this Python, else (uv makes none) the one on the path."""
    if find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    on_path = shutil.which("pip")
    if not on_path:
        raise FileNotFoundError("no pip to bundle with: python -m ensurepip, or uv pip install pip")
    return [on_path]
