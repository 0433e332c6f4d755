"""Lakehook: webhooks for pipeline events, at least once and in order."""

__version__ = "0.1.0"
