"""One thing that wakes people: what is watched, what it means, the first command to type."""

from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch

MINUTE, HOUR, DAY = 60, 3600, 86_400


@dataclass(frozen=True, kw_only=True)
class Watch:
    """``above`` is the value at which nobody needs to get up yet.

    It rings when that was exceeded for so many ``minutes``: without a break, or, of what happens
    now and then, ``within`` a longer time, so that it does not write for each.
    """

    name: str
    metric: cloudwatch.IMetric
    above: float
    minutes: int
    within: int | None = None  # minutes
    means: str
    type: str  # first

    @property
    def description(self) -> str:
        return f"{self.means} First: {self.type}"
