"""The library: what the system knows."""

__version__ = "0.1.0"
