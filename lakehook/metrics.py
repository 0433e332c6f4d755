"""The names of the metrics, for those who count and those who watch."""

NOTICES = "Notices"  # of DevLake's, taken
NOTICES_REFUSED = "NoticesRefused"  # whoever has sent them
DEVLAKE_REFUSED = "DevlakeNoticesRefused"  # of those, what has the form of DevLake's

EVENTS = "Events"  # numbered and fanned out
EVENTS_REPEATED = "EventsRepeated"  # known already
EVENTS_INFERRED = "EventsInferred"  # filled in, and counted as events too
EVENTS_ABSORBED = "EventsAbsorbed"  # told before, perhaps inferred
EVENTS_STALE = "EventsStale"  # too late for their place, recorded and not sent
STALLS_OVER = "StallsOver"  # before they could be told
PATTERNS_EXHAUSTED = "PatternsExhausted"  # took too long on an event, which went out
PARKED = "MessagesParked"  # bad, put aside whole

DELIVERED = "DeliveriesDelivered"
FAILED = "AttemptsFailed"
DEAD = "DeliveriesDead"
DISCARDED = "DeliveriesDiscarded"
DISABLED = "SubscriptionsDisabled"  # by the receiver's word, or for failing too long
EXCHANGE_TIME = "ExchangeTime"  # milliseconds, from DNS to the last byte

PIPELINES_STALLED = "PipelinesStalled"  # told so by the clock
EVENTS_RECONCILED = "EventsReconciled"  # which DevLake's notices had not told
RECONCILE_LAG = "ReconcileLag"  # seconds since the last success, of the DevLake furthest behind

LANES_WOKEN = "LanesWoken"
REPLAYED = "DeliveriesReplayed"  # lined up by the clock to be sent again

LANES_HELD = "LanesHeld"
OLDEST_HELD = "OldestHeld"  # seconds that the longest held lane has been held
BREAKERS_OPEN = "BreakersOpen"

TROUBLE = "OwnTrouble"  # AWS failed us, or a fault of ours

API_CALLS = "ApiCalls"  # answered as asked
API_REFUSED = "ApiRefused"  # 4xx: the caller's doing
API_FAILED = "ApiFailed"  # 5xx: ours, or AWS's
