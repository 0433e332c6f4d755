"""What of DevLake's notices wakes people: DevLake posts each one once."""

from collections.abc import Sequence

from infra.measures import Measures, total
from infra.tail import tail
from infra.watch import MINUTE, Watch
from lakehook import metrics as names

MAX_LAG_SECONDS = 30 * MINUTE
RECONCILE_FAILED = "'\"reconcile_failed\"'"


def watches_of_notices(measures: Measures) -> Sequence[Watch]:
    reconcile = f"lakehook reconcile --devlake http://devlake:8080 --stack {measures.namespace}"
    return (
        Watch(
            name="NoticesLost",
            metric=total(
                {
                    "trouble": measures.ours(names.TROUBLE, "ingress"),
                    "errors": measures.of_function("Errors", "ingress"),
                },
                label="Notices lost",
            ),
            above=0,
            minutes=5,
            means="The ingress has failed at notices, which DevLake does not repeat."
            " Ask your DevLake, by its URL, what they were.",
            type=reconcile,
        ),
        Watch(
            name="NoticesRefused",
            metric=measures.devlake_refused(),
            above=0,
            minutes=5,
            within=60,
            means="Notices in DevLake's form were refused while few or none were accepted, and"
            " DevLake does not repeat them. The command shows the last one. signature: a readable"
            " notice by another secret, so DevLake's NOTIFICATION_SECRET is not the stack's."
            " no_signature, not_a_notice: perhaps somebody else.",
            type=f"lakehook devlake check --stack {measures.namespace}",
        ),
        Watch(
            name="NoticesTurnedAway",
            metric=measures.of_function("Throttles", "ingress"),
            above=0,
            minutes=5,
            means="Lambda has turned notices away, which DevLake does not repeat."
            " Ask your DevLake, by its URL, what they were.",
            type=reconcile,
        ),
        Watch(
            name="ReconcileFailing",
            metric=measures.ours(names.RECONCILE_LAG, "clock", "Maximum"),
            above=MAX_LAG_SECONDS,
            minutes=5,
            means="For half an hour DevLake's API has not been read: lost notices stay lost.",
            type=tail(measures, "clock", pattern=RECONCILE_FAILED),
        ),
    )
