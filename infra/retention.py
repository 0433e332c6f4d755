"""For how long a stage remembers what, refused where one span needs another to be longer."""

import re
from dataclasses import dataclass
from math import ceil

from infra.choice import BadChoice

QUEUES_DAYS = 14
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"""

DAY = 24 * 3600

RETRY_SCHEDULE = "5,300,1800,7200,18000,36000,50400,72000,86400"
"""5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h."""

_WEEK = 604_800
_BELOW_A_WEEK = r"0*(?:[0-9]{1,5}|[1-5][0-9]{5}|60[0-3][0-9]{3}|604[0-7][0-9]{2})(?:\.[0-9]+)?"
_DELAY = rf" *(?:{_BELOW_A_WEEK}|0*{_WEEK}(?:\.0+)?|[0-9](?:\.[0-9]+)?e-[0-9]{{1,3}}) *"
SCHEDULE = re.compile(rf"{_DELAY}(?:,{_DELAY}){{0,49}}")
"""All that ``RetrySchedule.parse`` reads."""

JITTER = 1.1
"""Each wait is up to a tenth longer than the schedule says."""

LOGS_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192),
    *(2557, 2922, 3288, 3653),
)
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""


@dataclass(frozen=True, kw_only=True)
class Retention:
    """Events are what a replay reads; records are what explains a delivery."""

    retry_schedule: str = RETRY_SCHEDULE
    events_days: int = 30
    records_days: int = 60
    logs_days: int = 90

    def __post_init__(self) -> None:
        self._check_schedule()
        if self.logs_days not in LOGS_DAYS:
            allowed = f"choose one of {', '.join(map(str, LOGS_DAYS))}"
            raise BadChoice("logs_days", self.logs_days, allowed)
        self._check_span("events_days", QUEUES_DAYS, "that a queue may hold a message back")
        self._check_span("events_days", self._horizon_days(), "that a delivery may be retried")
        self._check_span("records_days", self.events_days, "that an event can be replayed")
        self._check_span("logs_days", self.records_days, "that a delivery can be explained")

    def _check_schedule(self) -> None:
        if not SCHEDULE.fullmatch(self.retry_schedule):
            allowed = f'choose 1 to 50 delays of 0 to {_WEEK} seconds, with commas: "5,300"'
            raise BadChoice("retry_schedule", self.retry_schedule, allowed)

    def _check_span(self, field: str, least: float, why: str) -> None:
        days = getattr(self, field)
        if days < least:
            raise BadChoice(field, days, f"choose at least the {ceil(least)} days {why}")

    def _horizon_days(self) -> float:
        return sum(float(delay) for delay in self.retry_schedule.split(",")) * JITTER / DAY
