"""Python's cycle collector during a search.

States, actions and memo entries hold no cycles: counting references frees them. The collector would
go through all of them again and again for the few cycles that exceptions and generators leave, and
take 8 % of a random walk. So what is there at the start is set aside, and it seldom looks at the
rest; memory stays bounded, because it still looks.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_THRESHOLDS = (100_000, 20, 20)


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Within this, the collector runs seldom and leaves alone what was there before."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
