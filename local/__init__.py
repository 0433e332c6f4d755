"""The laptop's door: an embedded cloud that drives the real handlers."""
