"""The CDK's way in: pick the stage, build its one stack, synthesize."""

from aws_cdk import App

from infra.stack import LakehookStack
from infra.stage import stage_named


def main() -> None:
    app = App(analytics_reporting=False)
    stage = stage_named(app.node.try_get_context("stage") or "production")
    LakehookStack(app, stage=stage)
    app.synth()


if __name__ == "__main__":
    main()
