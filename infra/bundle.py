"""Deployment package of a function: its code, the library, and the wheels the runtime lacks.

Lambda's file system is read-only, so every cold start would compile the code; the package has the
bytecode. It is the same for every processor and every release of one minor version; any other
Python ignores it (https://peps.python.org/pep-3147/).
"""

import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

from uv import find_uv_bin

PYTHON = "3.13"

WHERE_IT_RUNS = "/var/task"
"""Path in tracebacks, instead of one of the building machine."""

NONE_FOUND = f"no Python {PYTHON} here to compile for Lambda's, so functions will start slower"

ROOT = Path(__file__).parents[1]

FUNCTIONS_DIR, LIBRARY, REQUIREMENTS = "functions", "lakehook", "requirements.txt"

COMMANDS = "bin"
"""Scripts that contain a path of the building machine, and are not used on Lambda."""

LOCK = ".lock"
"""What uv leaves in a folder that it has installed to."""

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

MEGABYTE = 1_000_000


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


def function_names() -> list[str]:
    return sorted(handler.parent.name for handler in ROOT.glob(f"{FUNCTIONS_DIR}/*/handler.py"))


def sources_of(function: str) -> tuple[str, ...]:
    """Return everything that determines the bundle, including its recipe."""
    shared = (f"{FUNCTIONS_DIR}/__init__.py", f"{FUNCTIONS_DIR}/{REQUIREMENTS}")
    return (
        LIBRARY,
        f"{FUNCTIONS_DIR}/{function}",
        *shared,
        "infra/bundle.py",
    )


def write_bundle(function: str, out: Path, *, processor: str = LAMBDAS_PROCESSOR) -> None:
    """Build the bundle without Docker: uv fetches wheels for another platform."""
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
    """Install wheels for Amazon Linux 2023, which has glibc 2.34."""
    subprocess.run(  # noqa: S603  uv, with arguments of our own
        [
            *(find_uv_bin(), "pip", "install", "--quiet", "--no-deps"),
            *("--python-platform", f"{processor}-manylinux_2_28", "--python-version", PYTHON),
            *("--only-binary", ":all:", "--link-mode", "copy"),
            *(word for path in requirements for word in ("--requirement", str(path))),
            *("--target", str(out)),
        ],
        check=True,
    )
    (out / LOCK).unlink(missing_ok=True)


def remove_unused_files(out: Path) -> None:
    shutil.rmtree(out / COMMANDS, ignore_errors=True)
    for data in DATA_NOBODY_READS:
        shutil.rmtree(out / data, ignore_errors=True)


def digest(bundle: Path) -> str:
    """Hash every file's name and content: the same sources give the same digest on any machine."""
    whole = sha256()
    for path in files(bundle):
        content = sha256(path.read_bytes()).hexdigest()
        whole.update(f"{content} {path.relative_to(bundle)}\n".encode())
    return whole.hexdigest()


def size(bundle: Path) -> int:
    return sum(path.stat().st_size for path in files(bundle))


def files(bundle: Path) -> Iterator[Path]:
    return (path for path in sorted(bundle.rglob("*")) if path.is_file())


def main(out: Path) -> None:
    for name in function_names():
        write_bundle(name, out / name)
        line = f"{size(out / name) / MEGABYTE:5.1f} MB  {digest(out / name)[:16]}"
        print(f"{name:<12}{line}")  # noqa: T201  it is what one asked for


if __name__ == "__main__":
    main(Path(sys.argv[1]))
