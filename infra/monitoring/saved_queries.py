"""Saved queries of CloudWatch Logs Insights, which its console lists."""

from dataclasses import dataclass

from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.monitoring.metrics import Metrics


@dataclass(frozen=True, kw_only=True)
class SavedQuery:
    name: str
    functions: tuple[str, ...]  # whose logs are read
    query: str


ONE_PIPELINE = SavedQuery(
    name="one pipeline",
    functions=("ingress", "scheduler", "fanout", "deliver"),
    query="""\
fields @timestamp, message, event_type, subscription, sequence, outcome, status, milliseconds, fate
| filter pipeline_id = "39" # the pipeline's id; and source = "staging" where it has one
| sort @timestamp asc
| limit 1000""",
)

ONE_SUBSCRIPTION = SavedQuery(
    name="one subscription",
    functions=("deliver",),
    query="""\
fields @timestamp, message, delivery, event_type, attempt, outcome, status, milliseconds, reason
| filter subscription = "sub_0123" # the id that lakehook subscriptions list shows
| sort @timestamp desc
| limit 1000""",
)

FAILURES = SavedQuery(
    name="failures by reason",
    functions=("deliver",),
    query="""\
filter message = "delivery_attempted" and outcome != "delivered"
| stats count(*) as attempts, count_distinct(delivery) as deliveries \
by subscription, outcome, status
| sort attempts desc
| limit 100""",
)

LATENCY = SavedQuery(
    name="latency",
    functions=("deliver",),
    query="""\
filter message = "delivery_attempted"
| stats count(*) as attempts, pct(milliseconds, 50) as p50, pct(milliseconds, 90) as p90, \
pct(milliseconds, 99) as p99, max(milliseconds) as longest by subscription
| sort p99 desc
| limit 100""",
)

REFUSALS = SavedQuery(
    name="refused notifications",
    functions=("ingress",),
    query="""\
filter message = "notification_rejected"
| stats count(*) as notifications, max(@timestamp) as latest by seems_devlake, kind, status, reason
| sort notifications desc
| limit 100""",
)

INTERNAL_ERRORS = SavedQuery(
    name="internal errors",
    functions=("ingress", "fanout", "deliver", "scheduler", "api"),
    query="""\
fields @timestamp, @log, doing, exception_name, @message
| filter message = "internal_error" or @message like "[ERROR]" or @message like "Error:" \
or @message like "Task timed out"
| sort @timestamp desc
| limit 100""",
)

LOST_NOTIFICATIONS = SavedQuery(
    name="lost notifications",
    functions=("scheduler",),
    query="""\
fields @timestamp, message, source, pipeline_id, event_type, event_id, reason
| filter message = "event_reconciled" or message = "reconcile_failed"
| sort @timestamp desc
| limit 1000""",
)

SAVED_QUERIES = (
    ONE_PIPELINE,
    ONE_SUBSCRIPTION,
    FAILURES,
    LATENCY,
    REFUSALS,
    LOST_NOTIFICATIONS,
    INTERNAL_ERRORS,
)


class SavedQueries(Construct):
    def __init__(self, scope: Construct, id_: str, *, metrics: Metrics) -> None:
        super().__init__(scope, id_)
        for query in SAVED_QUERIES:
            logs.CfnQueryDefinition(
                self,
                query.name.title().replace(" ", ""),
                name=f"{metrics.namespace}/{query.name}",
                query_string=query.query,
                log_group_names=[metrics.log_group(function) for function in query.functions],
            )
