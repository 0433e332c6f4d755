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
"""Scripts that contain a path of the building machine, and are not used on Lambda."""

NOT_SHIPPED = ("__pycache__", "cli", "console")
"""The operator's command is in the wheel, and in no function."""

DATA_NOBODY_READS = (
    "babel/locale-data",  # with the next, 36 MB for filters and tags that we do not use
    "pytz/zoneinfo",
    "aws_lambda_powertools/event_handler/openapi/swagger_ui",  # an unused page for browsers
)

LEFT_UNCOMPILED = ("api",)
"""Bytecode would exceed the size limit by a quarter, and no pipeline waits for this function."""

LAMBDAS_PROCESSOR = "aarch64"


def function_names() -> list[str]:
    return sorted(handler.parent.name for handler in ROOT.glob(f"{FUNCTIONS_DIR}/*/handler.py"))


def sources_of(function: str) -> tuple[str, ...]:
    """Return everything that determines the bundle, including its recipe."""
    shared = (f"{FUNCTIONS_DIR}/__init__.py", f"{FUNCTIONS_DIR}/{REQUIREMENTS}")
    return (
        LIBRARY,
        f"{FUNCTIONS_DIR}/{function}",
        *shared,
        "infra/packaging/bundle.py",
        "infra/packaging/bytecode.py",
    )


def write_bundle(function: str, out: Path, *, processor: str = LAMBDAS_PROCESSOR) -> None:
    """Build the bundle without Docker: pip fetches wheels for another platform."""
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
    """Return the requirements of all functions, and those of this one."""
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
    """Return the platforms of wheels: Amazon Linux 2023 runs both; some have dropped the older."""
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
    """Return any pip: this Python's, or (uv installs none) the one on the path."""
    if find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    on_path = shutil.which("pip")
    if not on_path:
        raise FileNotFoundError("no pip to bundle with: python -m ensurepip, or uv pip install pip")
    return [on_path]
