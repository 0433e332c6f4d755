"""What is asked before an endpoint is taken."""

from collections.abc import Callable, Sequence

Resolve = Callable[[str, int], Sequence[str]]
"""Every address of a host and port; ``OSError`` when it has none."""


Warn = Callable[[str], None]
"""Tell the operator of what is allowed and yet may be a mistake."""
