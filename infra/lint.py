"""Lint rules on the stack: cdk-nag's packs, the CDK's own, and cfn-lint.

https://github.com/cdklabs/cdk-nag, https://github.com/aws-cloudformation/cfn-lint
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from infra.config import Network, Producers
from infra.packaging.bundle import ROOT
from infra.stack import LakehookStack
from infra.stage import Stage, stage_named

SUPERFLUOUS = "W3005"
"""A dependency that CloudFormation would have seen itself; the CDK writes them down."""


REPORT = "validation-report.json"


def lint(out: Path) -> int:
    """More than 0 if a rule is broken without an excuse; each is printed."""
    app = App(context=_context(), outdir=str(out), analytics_reporting=False)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    for stage in (stage_named("production"), _everything_chosen()):
        LakehookStack(app, stage=stage)
    app.synth()  # raises where a rule is broken
    templates = [str(path) for path in out.glob("*.template.json")]
    return max(_is_warned(out), _lint(templates))


def _is_warned(out: Path) -> int:
    """The CDK lets its own validator warn and goes on; here a warning wants an excuse too."""
    report = json.loads((out / REPORT).read_text("utf-8"))
    return int(any(of["violations"] for of in report["pluginReports"]))


def _lint(templates: Sequence[str]) -> int:
    lint = [str(Path(sys.executable).parent / "cfn-lint"), "--ignore-checks", SUPERFLUOUS]
    return subprocess.run([*lint, "--", *templates], check=False).returncode  # noqa: S603


def _everything_chosen() -> Stage:
    network = Network.of(subnets=["subnet-01234567"], security_groups=["sg-01234567"])
    producers = Producers(("210987654321", "arn:aws:iam::210987654321:role/pipeline-service"))
    return stage_named("chosen", {"network": vars(network), "producers": producers.names})


def _context() -> dict[str, object]:
    """As the command reads it, but nothing is bundled."""
    flags: dict[str, object] = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
    return flags | {"aws:cdk:bundling-stacks": []}


if __name__ == "__main__":
    with TemporaryDirectory() as directory:
        sys.exit(lint(Path(directory)))
