"""A world as an instance: its nodes, what is bound to them, and the pods that wait for a scheduler.

Workloads are turned into pods by the model's own API server and controllers, run first in, first
out until they have nothing to do, with no scheduler, no kubelet and no user operation in between.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kspec.errors import InputError
from kspec_models.building import build
from kspec_models.objects import MODELLED, Pod
from kspec_models.scheduler.filtering import priority_of
from kspec_models.scheduler.handlers import is_terminal
from kspec_models.state import State
from kspec_models.world import World
from kspec_properties.reading import nodes, pods, values
from kspec_properties.trial.instances import Instance

STEPS = 500_000
_LEFT_OUT = ("scheduler", "kubelet", "kube-proxy", "runtime")
_NOT_READ = ("pods", "nodes", "endpointslices", "serviceaccounts", "leases", "deployments")


class Loaded(NamedTuple):
    """gated: the pods that no scheduler may take yet, because of scheduling gates."""

    instance: Instance
    gated: tuple[Pod, ...] = ()


def instance_of(world: World) -> Loaded:
    """The instance that a world starts with.

    Raises InputError where the world cannot be built, or its workloads do not come to rest.
    """
    state = _at_rest(world)
    live = [pod for pod in pods(state) if not is_terminal(pod)]
    waiting = [pod for pod in live if not pod.spec.node_name and not pod.is_terminating]
    gated = tuple(pod for pod in waiting if pod.spec.scheduling_gates)
    pending = [pod for pod in waiting if not pod.spec.scheduling_gates]
    others: list[Any] = []
    for cls in MODELLED:
        if cls.RESOURCE not in _NOT_READ:
            others += values(state, cls.RESOURCE)
    return Loaded(
        Instance(
            tuple(nodes(state)),
            tuple(pod for pod in live if pod.spec.node_name),
            tuple(sorted(pending, key=lambda pod: -priority_of(pod))),
            tuple(others),
        ),
        gated,
    )


def _at_rest(world: World) -> State:
    cluster = build(world)
    state: State = cluster.init()
    for _ in range(STEPS):
        action = next((a for a in cluster.enabled(state) if _is_of_workloads(cluster, a)), None)
        if action is None:
            return state
        state = cluster.step(state, action)
    raise InputError(f"world {world.name}: its workloads did not come to rest in {STEPS:,} steps")


def _is_of_workloads(cluster: Any, action: Any) -> bool:
    process = cluster.actor(action).partition("/")[0]
    return cluster.kind_of(action) == "system" and not process.startswith(_LEFT_OUT)
