"""Defaults and validation of StatefulSet, DaemonSet and ReplicationController."""

from __future__ import annotations

from collections.abc import Mapping

from kspec_models.apiserver import stateful_set
from kspec_models.apiserver.strategy import Strategy

STRATEGIES: Mapping[str, Strategy] = {
    **stateful_set.STRATEGIES,
    "daemonsets": Strategy(),
    "replicationcontrollers": Strategy(),
}
