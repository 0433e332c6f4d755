"""What of the functions, as Lambda measures them, wakes people."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.measures import PERIOD, REPEATED, Measures, total
from infra.stage import Stage
from infra.tail import ENDED_BADLY, tail
from infra.watch import Watch

FED = ("fanout", "deliver", "clock")
"""What Lambda turns away of theirs comes again."""


def watches_of_functions(measures: Measures, stage: Stage) -> Sequence[Watch]:
    return (
        Watch(
            name="FunctionErrors",
            metric=total(
                {one: measures.of_function("Errors", one) for one in REPEATED},
                label="Errors",
            ),
            above=2,
            minutes=5,
            means="Functions end in an error: what they had taken comes again in three minutes.",
            type=tail(measures, *REPEATED, pattern=ENDED_BADLY),
        ),
        Watch(
            name="Timeouts",
            metric=_share_of_timeout(measures, stage),
            above=99,
            minutes=5,
            means="A function was stopped in the midst of its work, which comes again.",
            type=tail(measures, *REPEATED, pattern="'\"timed out\"'"),
        ),
        Watch(
            name="Throttles",
            metric=total(
                {one: measures.of_function("Throttles", one) for one in FED}, label="Throttles"
            ),
            above=0,
            minutes=15,
            means="Lambda has no room for us in this account: everything is late.",
            type="aws lambda get-account-settings",
        ),
        Watch(
            name="WorkersBusy",
            metric=measures.of_function("ConcurrentExecutions", "deliver", "Maximum"),
            above=0.9 * stage.deliveries_at_once,
            minutes=15,
            means="All workers are busy, so that every subscriber waits for the slow ones.",
            type=f"lakehook lanes list --held --stack {measures.namespace}",
        ),
    )


def _share_of_timeout(measures: Measures, stage: Stage) -> cloudwatch.MathExpression:
    """Per cent. Lambda reports no duration longer than the timeout.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/lam-metricscollected.html
    """
    seconds = {
        "fanout": stage.fanout_timeout_seconds,
        "deliver": stage.deliver_timeout_seconds,
        "clock": stage.clock_timeout_seconds,
        "api": stage.api_timeout_seconds,
    }
    shares = ", ".join(f"FILL({one}, 0) / {seconds[one] * 10}" for one in REPEATED)
    return cloudwatch.MathExpression(
        expression=f"MAX([{shares}])",
        using_metrics={one: measures.of_function("Duration", one, "Maximum") for one in REPEATED},
        label="Longest run (% of its timeout)",
        period=PERIOD,
    )
