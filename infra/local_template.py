"""The synthesized template in a file, so that a laptop needs neither Node.js nor the CDK."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infra.bundle import ROOT
from infra.node import node_environment
from infra.stage import STAGES, stage_named

Template = dict[str, Any]

SNAPSHOT = ROOT / "local" / "template.json"

SNAPSHOT_CHOICES = "dashboard = true"
"""All that an operator sees is in the snapshot, for its picture and its tests."""

ANY_BUNDLE = "bundle.zip"
"""Replaces the asset's key, which changes with every line of code."""


def synthesize(choices: Mapping[str, str], out: Path, **context: str) -> dict[str, Template]:
    """Run ``app.py`` as the CDK's command would, and return the template of each stage.

    It bundles nothing and skips the CDK's validation. An operator's settings in a file do not
    apply to the laptop.
    """
    stages = out / STAGES
    chosen = (f"[{stage}]\n{settings}\n" for stage, settings in choices.items())
    stages.write_text("".join(chosen), encoding="utf-8")
    where = {"stage": ",".join(choices), "stages": str(stages)}
    environment = _cdk_environment(context | where, out)
    subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=environment, check=True)
    return {stage: _template_of(stage, out) for stage in choices}


def _template_of(stage: str, out: Path) -> Template:
    path = out / f"{stage_named(stage).stack_name}.template.json"
    template: Template = json.loads(path.read_text(encoding="utf-8"))
    return template


def _cdk_environment(choice: dict[str, str], out: Path) -> dict[str, str]:
    flags = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    context = flags | choice | {"aws:cdk:bundling-stacks": []}
    return {
        **os.environ,  # noqa: TID251  a command hands its environment on
        **node_environment(),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_OUTDIR": str(out),
        "CDK_VALIDATION": "false",
    }


def as_snapshot(template: dict[str, Any]) -> str:
    """Return the template without the parts that depend on the machine or the code only."""
    kept = deepcopy(template)
    del kept["Rules"], kept["Parameters"]["BootstrapVersion"]
    for code in _function_codes(kept):
        code["S3Key"] = ANY_BUNDLE
    return json.dumps(kept, indent=2, sort_keys=True) + "\n"


def _function_codes(template: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            yield resource["Properties"]["Code"]


def main() -> None:
    with TemporaryDirectory() as out:
        template = synthesize({"production": SNAPSHOT_CHOICES}, Path(out))["production"]
        SNAPSHOT.write_text(as_snapshot(template), encoding="utf-8")


if __name__ == "__main__":
    main()
