"""Entry point of the CDK: read the stages, build their stacks, synthesize."""

import sys
from pathlib import Path

from aws_cdk import App

from infra.bundle import ROOT
from infra.stack import LakehookStack
from infra.stage import PRODUCTION, STAGES, InvalidStages, read_stage


def main() -> None:
    app = App(analytics_reporting=False)
    names = app.node.try_get_context("stage") or PRODUCTION
    stages = app.node.try_get_context("stages") or ROOT / STAGES
    for name in names.split(","):  # several are built once, for one deployment after another
        LakehookStack(app, stage=read_stage(name, Path(stages)))
    app.synth()


if __name__ == "__main__":
    try:
        main()
    except InvalidStages as error:
        print(error, file=sys.stderr)  # noqa: T201  a command tells its user
        sys.exit(2)
