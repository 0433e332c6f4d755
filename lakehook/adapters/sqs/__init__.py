"""The queues: events, deliveries, and dead letters."""
