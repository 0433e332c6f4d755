"""Requests out: lanes, attempts, the circuit breaker, rate limits, and the scheduler."""
