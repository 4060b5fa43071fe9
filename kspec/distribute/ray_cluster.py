"""A Ray cluster: an existing one by its address, or a local one that is started and ended here.

Every node needs kspec, and the models and properties of the search, importable. Nothing is sent
there but recipes, tasks and marks.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from kspec.distribute.ray_executor import RayExecutor
from kspec.distribute.ray_fleet import RayFleet
from kspec.distribute.ray_parts import Package
from kspec.distribute.recipe import Recipe, pickled
from kspec.errors import InputError
from kspec.explore.search import AHEAD

LOCAL = "local"
PATIENCE = 5.0
"""Seconds to wait for a cluster to answer at all."""

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_IGNORE_UNHANDLED_ERRORS": "1",  # the calls of a search that is over, or of a lost worker
}
"""Environment of the driver, where the user has not set it: no statistics sent, no noise."""


@attrs.frozen
class Cluster:
    """A cluster that the driver is connected to."""

    ray: Any

    @property
    def cores(self) -> int:
        return int(self.ray.cluster_resources().get("CPU", 0))

    @property
    def ahead(self) -> int:
        """How many rounds a random search should plan ahead, so that no core waits.

        It is part of what the outcome is a function of, beside the seed.
        """
        return max(AHEAD, self.cores)

    def executor(self, recipe: Recipe) -> RayExecutor:
        """For `search`: its runs as tasks."""
        return RayExecutor(self.ray, _package(recipe))

    def fleet(
        self, recipe: Recipe, memory: int | None = None, spill: Path | None = None
    ) -> RayFleet:
        """For `fleet_bfs`: expanders and shards as actors.

        memory is shared by all shards; each spills to a temporary directory of its own node.
        """
        return RayFleet(self.ray, _package(recipe), memory=memory)


def _must_answer(address: str) -> None:
    """Raise InputError where nobody listens: Ray would ask for minutes, and loudly."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host:
        return  # a word that Ray knows, such as auto
    try:
        socket.create_connection((host, int(port)), PATIENCE).close()
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Ray cluster at {address!r}: {error}",
            expected='"local", or the HOST:PORT of a running cluster',
        ) from error


def _package(recipe: Recipe) -> Package:
    return pickled(recipe), tuple(os.path.abspath(place) for place in sys.path)


@contextmanager
def connected(address: str = LOCAL) -> Iterator[Cluster]:
    """Within this, the driver is connected; "local" starts a cluster of this machine's cores.

    address: as `ray.init` takes it (HOST:PORT, ray://HOST:PORT, auto). Raises InputError where
    Ray is not installed or no cluster answers.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise InputError("Ray is not installed", expected='pip install "kspec[ray]"') from error
    options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address == LOCAL:
        options |= {"address": LOCAL, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    else:
        _must_answer(address)
        options["address"] = address
        host = address.rpartition(":")[0]
        if host.startswith("127."):  # a cluster on this machine alone: the driver is on it too
            options["_node_ip_address"] = host
    try:
        ray.init(**options)
    except Exception as error:
        problem = " ".join(str(error).split())
        raise InputError(
            f"no Ray cluster at {address!r}: {problem}",
            expected='"local", or the address of a running cluster',
        ) from error
    try:
        yield Cluster(ray)
    finally:
        ray.shutdown()
