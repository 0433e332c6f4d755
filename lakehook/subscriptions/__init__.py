"""Subscriptions: create, change, pause, preview, rotate secrets, and apply files."""
