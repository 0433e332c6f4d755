"""Events in: DevLake's notifications, fan-out, stalled pipelines, and reconciliation."""
