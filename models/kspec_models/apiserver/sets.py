"""Defaults and validation of StatefulSet, DaemonSet and ReplicationController."""

from __future__ import annotations

from collections.abc import Mapping

from kspec_models.apiserver.strategy import Strategy

STRATEGIES: Mapping[str, Strategy] = {
    "statefulsets": Strategy(),
    "daemonsets": Strategy(),
    "replicationcontrollers": Strategy(),
}
