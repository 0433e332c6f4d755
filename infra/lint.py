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

from infra.bundle import ROOT
from infra.stack import LakehookStack
from infra.stage import Stage, stage_named

REDUNDANT_DEPENDENCY = "W3005"
"""Violated by the CDK, which writes dependencies that CloudFormation would infer."""


REPORT = "validation-report.json"


def lint(out: Path) -> int:
    """Print each rule that is broken without a suppression; return 0 if there is none."""
    app = App(context=_context(), outdir=str(out), analytics_reporting=False)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    for stage in (stage_named("production"), _full_stage()):
        LakehookStack(app, stage=stage)
    app.synth()  # raises if a rule is violated
    templates = [str(path) for path in out.glob("*.template.json")]
    return max(_is_warned(out), _lint(templates))


def _is_warned(out: Path) -> int:
    """Count the CDK's own warnings as failures, which the CDK itself only prints."""
    report = json.loads((out / REPORT).read_text("utf-8"))
    return int(any(plugin["violations"] for plugin in report["pluginReports"]))


def _lint(templates: Sequence[str]) -> int:
    lint = [str(Path(sys.executable).parent / "cfn-lint"), "--ignore-checks", REDUNDANT_DEPENDENCY]
    return subprocess.run([*lint, "--", *templates], check=False).returncode  # noqa: S603


def _full_stage() -> Stage:
    network = {"subnets": ["subnet-01234567"], "security_groups": ["sg-01234567"]}
    producers = ["210987654321", "arn:aws:iam::210987654321:role/pipeline-service"]
    return stage_named(
        "chosen",
        {
            "network": network,
            "producers": producers,
            "alarms": True,
            "dashboard": True,
            "deployment_config": "LambdaCanary10Percent5Minutes",
            "account": "123456789012",
            "region": "eu-central-1",
            "permissions_boundary": "developers",
        },
    )


def _context() -> dict[str, object]:
    """Read the context of ``cdk.json``, and bundle nothing."""
    flags: dict[str, object] = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
    return flags | {"aws:cdk:bundling-stacks": []}


if __name__ == "__main__":
    with TemporaryDirectory() as directory:
        sys.exit(lint(Path(directory)))
