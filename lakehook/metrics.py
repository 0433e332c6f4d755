"""Names of the metrics, for the functions that count and the alarms that read."""

NOTIFICATIONS_RECEIVED = "NotificationsReceived"  # of DevLake's, taken
NOTIFICATIONS_REJECTED = "NotificationsRejected"  # whoever has sent them
DEVLAKE_REFUSED = "DevlakeNotificationsRejected"  # of those, what has the form of DevLake's

EVENTS = "Events"  # numbered and fanned out
EVENTS_REDELIVERED = "EventsRedelivered"  # known already
EVENTS_INFERRED = "EventsInferred"  # filled in, and counted as events too
EVENTS_DEDUPLICATED = "EventsDeduplicated"  # told before, perhaps inferred
EVENTS_STALE = "EventsStale"  # too late for their place, recorded and not sent
STALLS_DISCARDED = "StallsDiscarded"  # before they could be told
PATTERNS_EXHAUSTED = "PatternsExhausted"  # took too long on an event, which went out
INVALID_MESSAGES = "InvalidMessages"  # bad, put aside whole

DELIVERED = "DeliveriesDelivered"
FAILED = "AttemptsFailed"
DEAD = "DeliveriesDead"
DISCARDED = "DeliveriesDiscarded"
DISABLED = "SubscriptionsDisabled"  # by the endpoint's response, or after failing too long
ATTEMPT_DURATION = "AttemptDuration"  # milliseconds, from DNS to the last byte

PIPELINES_STALLED = "PipelinesStalled"  # told so by the clock
EVENTS_RECONCILED = "EventsReconciled"  # whose notifications were lost
RECONCILE_LAG = "ReconcileLag"  # seconds since the last success, of the DevLake furthest behind

LANES_RESUMED = "LanesResumed"
REPLAYED = "DeliveriesReplayed"  # lined up by the clock to be sent again

LANES_HELD = "LanesHeld"
OLDEST_HELD_LANE_AGE = "OldestHeldLaneAge"  # seconds that the longest held lane has been held
BREAKERS_OPEN = "BreakersOpen"

INTERNAL_ERRORS = "InternalErrors"  # AWS failed us, or a fault of ours

API_REQUESTS = "ApiRequests"  # answered as asked
API_CLIENT_ERRORS = "ApiClientErrors"  # 4xx: the caller's doing
API_SERVER_ERRORS = "ApiServerErrors"  # 5xx: ours, or AWS's
