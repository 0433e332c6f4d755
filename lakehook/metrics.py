"""Names of the metrics, for the functions that count and the alarms that read them."""

NOTIFICATIONS_RECEIVED = "NotificationsReceived"  # accepted from DevLake
NOTIFICATIONS_REJECTED = "NotificationsRejected"  # from any sender
DEVLAKE_REFUSED = "DevlakeNotificationsRejected"  # those in the form of DevLake's notifications

EVENTS = "Events"  # numbered and fanned out
EVENTS_REDELIVERED = "EventsRedelivered"  # received again
EVENTS_INFERRED = "EventsInferred"  # inferred, and counted as events, too
EVENTS_DEDUPLICATED = "EventsDeduplicated"  # emitted before, perhaps as inferred
EVENTS_STALE = "EventsStale"  # too late for their state; recorded but not sent
STALLS_DISCARDED = "StallsDiscarded"  # over before they were emitted
PATTERNS_EXHAUSTED = "PatternsExhausted"  # over its limit on an event, which was sent unfiltered
INVALID_MESSAGES = "InvalidMessages"  # quarantined unchanged

DELIVERED = "DeliveriesDelivered"
FAILED = "AttemptsFailed"
DEAD = "DeliveriesDead"
DISCARDED = "DeliveriesDiscarded"
DISABLED = "SubscriptionsDisabled"  # by the endpoint's response, or after failures for days
ATTEMPT_DURATION = "AttemptDuration"  # milliseconds, from DNS to the last byte

PIPELINES_STALLED = "PipelinesStalled"  # detected by the scheduler
EVENTS_RECONCILED = "EventsReconciled"  # whose notifications were lost
RECONCILE_LAG = "ReconcileLag"  # seconds since the last success, of the DevLake furthest behind

LANES_RESUMED = "LanesResumed"
SCHEDULER_LAG = "SchedulerLag"  # seconds from a due time to its resume, if over two minutes
REPLAYED = "DeliveriesReplayed"  # enqueued by the scheduler for a replay

LANES_HELD = "LanesHeld"
OLDEST_HELD_LANE_AGE = "OldestHeldLaneAge"  # seconds
BREAKERS_OPEN = "BreakersOpen"

INTERNAL_ERRORS = "InternalErrors"  # AWS failures and faults of ours

API_REQUESTS = "ApiRequests"  # successful ones
API_CLIENT_ERRORS = "ApiClientErrors"  # 4xx: errors of the caller
API_SERVER_ERRORS = "ApiServerErrors"  # 5xx: errors of ours or of AWS
