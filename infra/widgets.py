"""What the dashboard is made of: headings, graphs, numbers, on a grid of 24 columns."""

from aws_cdk import aws_cloudwatch as cloudwatch

WIDTH, HALF, THIRD, TALL = 24, 12, 8, 6


def heading(question: str, answer: str) -> cloudwatch.TextWidget:
    return cloudwatch.TextWidget(markdown=f"## {question}\n{answer}", width=WIDTH, height=2)


def graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=THIRD, height=TALL)


def numbers(
    title: str, *metrics: cloudwatch.IMetric, over_all: bool = False
) -> cloudwatch.SingleValueWidget:
    return cloudwatch.SingleValueWidget(
        title=title,
        metrics=list(metrics),
        set_period_to_time_range=over_all,
        width=THIRD,
        height=TALL,
    )
