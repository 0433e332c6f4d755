"""Environments of the witnesses, each with its own pins, apart from the project's dependencies.

LocalStack's are resolved from ``localstack-core[base-runtime]``, ``cbor2<6``, ``pyopenssl<=25.0``
and ``service_identity``, without which its last release that asks for no token does not start.
"""

import os
import shutil
import subprocess
from pathlib import Path

from uv import find_uv_bin

from infra.bundle import PYTHON, ROOT, lambdas_python

HOME = ROOT / ".venv-witness"
PINS = Path(__file__).with_name("pins")


class Unavailable(Exception):
    """A witness cannot run on this machine; the text names what to install."""


def install(witness: str) -> None:
    """Install what its pins name, or ``Unavailable``; what is installed already costs a look."""
    pins = PINS / f"{witness}.txt"
    if pins.exists():
        _install_python(HOME / witness, pins)
    else:
        _install_java(_class_path(witness), PINS / f"{witness}.xml")


def is_installed(witness: str) -> bool:
    return (HOME / witness / "bin").exists() or _class_path(witness).exists()


def script(witness: str, name: str) -> str:
    return str(HOME / witness / "bin" / name)


def java(witness: str) -> list[str]:
    """Return the command of a Java that has the classes of a witness."""
    return ["java", "-cp", _class_path(witness).read_text(encoding="utf-8")]


def _class_path(witness: str) -> Path:
    return HOME / f"{witness}.classpath"


def _install_python(home: Path, pins: Path) -> None:
    """Use the functions' Python: ministack runs them, and LocalStack needs a new one."""
    python = os.environ.get("PYTHON_OF_FUNCTIONS") or lambdas_python()  # noqa: TID251
    if not python:
        raise Unavailable(f"it needs Python {PYTHON}: uv python install {PYTHON}")
    _uv("venv", "--allow-existing", "--python", python, str(home))
    _uv("pip", "sync", "--python", str(home / "bin" / "python"), str(pins))


def _uv(*arguments: str) -> None:
    subprocess.run([find_uv_bin(), *arguments, "--quiet"], check=True)


def _install_java(class_path: Path, pins: Path) -> None:
    maven = shutil.which("mvn")
    if not shutil.which("java") or not maven:
        raise Unavailable("it needs Java and Maven: apt install default-jdk-headless maven")
    if class_path.exists() and class_path.stat().st_mtime > pins.stat().st_mtime:
        return  # Maven takes seconds to find that nothing has changed
    class_path.parent.mkdir(exist_ok=True)
    ask = ("dependency:build-classpath", f"-Dmdep.outputFile={class_path}")
    command = [maven, "-q", "-B", "-Dstyle.color=never", "-f", str(pins), *ask]
    completed = subprocess.run(command, capture_output=True, text=True, check=False)
    if completed.returncode:
        errors = [line for line in completed.stdout.splitlines() if "ERROR" in line]
        raise Unavailable(f"Maven cannot fetch it: {errors[0] if errors else completed.stderr}")
