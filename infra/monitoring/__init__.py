"""Metrics, alarms, the dashboard, and saved queries."""
