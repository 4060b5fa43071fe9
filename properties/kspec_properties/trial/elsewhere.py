"""The decisions of a policy in another process, on another day: what they must not depend on.

Within one process `hash` of a text and the order of a set of texts stay the same, and a clock that
is read in hours does. So some clusters are decided once more by a new interpreter with another seed
for hashes and a clock that is `LATER` ahead, for whoever reads it by `time` or `datetime`. A policy
that a new interpreter cannot load or that fails there is judged in this process alone.
"""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from kspec_models.scheduler.policies import load_policy
from kspec_properties.trial.generated import instances
from kspec_properties.trial.judging import judge

CLUSTERS = 80
LATER = 12 * 3600.0 + 100 * 86400.0
"""Seconds: another half of the day, whatever the hour, another day and season."""
_PATIENCE = 120.0
_SEED = "PYTHONHASHSEED"
Decision = list[Any]
"""The best nodes and the scores of all that are feasible."""


def decisions(policy: Any, seed: int, count: int = CLUSTERS) -> Iterator[Decision]:
    """What the policy decides on the first clusters of a seed."""
    for instance in instances(seed, count):
        found = judge(policy, instance.pending[0], instance.context())
        yield [list(found.best), list(found.scores)]


def decisions_elsewhere(name: str, seed: int, count: int = CLUSTERS) -> list[Decision]:
    """The same by another process, for the policy of that name; empty where that fails."""
    paths = os.pathsep.join(path or os.curdir for path in sys.path)
    hashes = "2" if os.environ.get(_SEED) == "1" else "1"
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__, name, str(seed), str(count)],
            env={**os.environ, "PYTHONPATH": paths, _SEED: hashes},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE,
            check=True,
        )
        found: list[Decision] = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return []
    return found


class _Later(datetime.datetime):
    """The time of day, later."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return datetime.datetime.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> Any:
        return cls.now(datetime.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Any:
        return cls.now()


def _set_clock_ahead() -> None:
    """For modules that are imported from here on, and those that call by the module's name."""
    now, local, universal = time.time, time.localtime, time.gmtime

    def later() -> float:
        return now() + LATER

    def of(function: Callable[[float], Any]) -> Any:
        return lambda at=None: function(later() if at is None else at)

    clock: Any = time
    clock.time, clock.time_ns = later, lambda: int(later() * 1e9)
    clock.localtime, clock.gmtime = of(local), of(universal)
    days: Any = datetime
    days.datetime = _Later


def main() -> None:
    """Write the decisions of a policy as one line of JSON; see `decisions_elsewhere`."""
    name, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    _set_clock_ahead()
    found = list(decisions(load_policy(name), seed, count))
    sys.stdout.write("\n" + json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
