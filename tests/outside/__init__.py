"""Recordings and vectors of others, each with its source in a SOURCE.md.

Nothing here is ours: what we made ourselves to look like theirs is in ``tests/vectors``, and what
we believe of a service without a source is in ``UNPROVEN.md``.
"""

from pathlib import Path

OUTSIDE = Path(__file__).parent
