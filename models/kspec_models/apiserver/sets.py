"""Defaults and validation of StatefulSet, DaemonSet and ReplicationController."""

from __future__ import annotations

from collections.abc import Mapping

from kspec_models.apiserver import daemon_set, replication_controller, stateful_set
from kspec_models.apiserver.strategy import Strategy

STRATEGIES: Mapping[str, Strategy] = {
    **stateful_set.STRATEGIES,
    **daemon_set.STRATEGIES,
    **replication_controller.STRATEGIES,
}
