"""Entry point of the CDK: read the stage, build its stack, synthesize."""

import sys
from pathlib import Path

from aws_cdk import App

from infra.bundle import ROOT
from infra.stack import LakehookStack
from infra.stage import STAGES, InvalidStages, read_stage


def main() -> None:
    app = App(analytics_reporting=False)
    stage = app.node.try_get_context("stage") or "production"
    stages = app.node.try_get_context("stages") or ROOT / STAGES
    LakehookStack(app, stage=read_stage(stage, Path(stages)))
    app.synth()


if __name__ == "__main__":
    try:
        main()
    except InvalidStages as error:
        print(error, file=sys.stderr)  # noqa: T201  a command tells its user
        sys.exit(2)
