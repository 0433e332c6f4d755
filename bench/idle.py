"""Price of a month in which nothing happens, counted from the template of the stack.

``python -m bench.idle`` writes the table of docs/deploy.md anew; a test holds the page to it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import prices
from bench.page import replace_between, table_line

ROOT = Path(__file__).parent.parent
TEMPLATE = ROOT / "local" / "template.json"
PAGE = ROOT / "docs" / "deploy.md"
BEGIN, END = "<!-- counted by python -m bench.idle -->\n", "<!-- end of the count -->\n"

MINUTES = 30 * 24 * 60
POLLERS, POLLS_A_MINUTE = 5, 3
"""Lambda's pollers of an idle queue with a maximum concurrency, each waiting 20 s for a message.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""

SCHEDULER_SECONDS, SCHEDULER_READ_UNITS = 0.3, 13
"""Of a call that finds nothing due."""

SCHEDULER_LOG_BYTES = 500
"""Lambda's own three lines; a call that finds nothing writes none, and no metric."""

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    name: str
    dollars: float
    is_monitoring: bool = False  # left out where the stage has neither alarms nor a dashboard


def idle_rows(template: Json) -> Sequence[Row]:
    """Count what is billed while it waits; the dashboard is an extra of any stage."""
    alarms = list(_resources(template, "AWS::CloudWatch::Alarm"))
    watched = sum(map(_count_metrics, alarms))
    keys, secrets, queues = (
        len(list(_resources(template, type_)))
        for type_ in (
            "AWS::KMS::Key",
            "AWS::SecretsManager::Secret",
            "AWS::Lambda::EventSourceMapping",
        )
    )
    polls = queues * POLLERS * POLLS_A_MINUTE * MINUTES
    return (
        Row(
            f"{watched} metrics, watched by {len(alarms)} alarms",
            watched * prices.ALARM_METRIC,
            is_monitoring=True,
        ),
        Row("the KMS key", keys * prices.KMS_KEY),
        Row(f"{secrets} secret", secrets * prices.SECRET),
        Row(f"idle polling of {queues} queues", polls / 1e6 * prices.SQS_FIFO_REQUESTS),
        Row(f"the scheduler: {MINUTES:,} calls, their reads and log", _scheduler(template)),
    )


def _resources(template: Json, type_: str) -> Iterator[Json]:
    """Yield what each stack has; resources under a condition are extras."""
    for resource in template["Resources"].values():
        if resource["Type"] == type_ and "Condition" not in resource:
            yield resource["Properties"]


def _count_metrics(alarm: Json) -> int:
    """Count as CloudWatch bills: each metric that an expression reads, or the only one."""
    return sum("MetricStat" in metric for metric in alarm.get("Metrics", [])) or 1


def _scheduler(template: Json) -> float:
    (function,) = (
        function
        for function in _resources(template, "AWS::Lambda::Function")
        if ".scheduler." in function["Handler"]
    )
    gigabyte_seconds: float = SCHEDULER_SECONDS * function["MemorySize"] / 1024
    a_call = (
        prices.LAMBDA_REQUESTS / 1e6
        + gigabyte_seconds * prices.LAMBDA_GB_SECOND
        + SCHEDULER_READ_UNITS * prices.DYNAMODB_READ_UNITS / 1e6
        + SCHEDULER_LOG_BYTES * prices.LOGS_GB / 1e9
    )
    return MINUTES * a_call


def monthly_dollars(rows: Sequence[Row], *, monitored: bool) -> float:
    return sum(row.dollars for row in rows if monitored or not row.is_monitoring)


def table(template: Json) -> str:
    rows = idle_rows(template)
    sums = [monthly_dollars(rows, monitored=monitored) for monitored in (True, False)]
    production, trial = (f"${dollars:.2f}" for dollars in sums)
    keyed_production, keyed_trial = (f"${dollars - prices.KMS_KEY:.2f}" for dollars in sums)
    return "\n".join(
        (
            "| each month, used or not | `production` | `try` |",
            "|---|---|---|",
            *map(_line, rows),
            f"| **together** | **{production}** | **{trial}** |",
            f"| together, where the stage names a key | {keyed_production} | {keyed_trial} |",
            "",
        )
    )


def _line(row: Row) -> str:
    trial = "" if row.is_monitoring else f"${row.dollars:.2f}"
    return table_line(row.name, f"${row.dollars:.2f}", trial)


def main() -> None:
    template = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    replace_between(PAGE, BEGIN, END, f"\n{table(template)}\n")


if __name__ == "__main__":
    main()
