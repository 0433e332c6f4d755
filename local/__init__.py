"""The local installation: an embedded cloud that drives the real handlers."""
