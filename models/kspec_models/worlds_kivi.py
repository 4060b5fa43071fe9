"""The eight cases of Kivi (USENIX ATC 2024) as worlds, by how many nodes there are.

Each violates one thing that nobody promises but everybody expects; who wants it judged says so in
an annotation, `kspec.dev/expect`. c5, c7 and c8 are loops, which no-fight finds in every world; in
c5 and c8 already the first eviction is in vain. The sizes, requests and counts are Kivi's own, and
its semantics are flags of upstream's components: an autoscaler without a stabilization window that
trusts a pod's CPU usage at once. Of many nodes only those have a kubelet where something happens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from kspec_models.world import World
from kspec_models.worlds_autoscaling import autoscaler, load, load_by_age, set_load
from kspec_models.worlds_running import deployment_of, machine, pod_template, running

Json = dict[str, Any]

EXPECT: Final = "kspec.dev/expect"
HPA: Final = "horizontal-pod-autoscaler-controller"
KIVI_FLAGS: Final = {
    "syncPeriodSeconds": 0,
    "downscaleStabilizationSeconds": 0,
    "cpuInitializationPeriodSeconds": 0,
    "initialReadinessDelaySeconds": 0,
}
"""An autoscaler as Kivi has it: nothing dampens it but its tolerance and its rate."""
_WORKLOADS: Final = ("deployment-controller", "replicaset-controller")
_REQUEST, _MEMORY = "8", "8Gi"
MANY: Final = 10
ACTIVE: Final = 3


def _names(count: int) -> list[str]:
    width = len(str(count))
    return [f"n{i:0{width}}" for i in range(1, count + 1)]


def _few(names: list[str]) -> tuple[str, ...] | None:
    """The nodes that have processes where what happens stays on the first ones."""
    return tuple(names[:ACTIVE]) if len(names) > MANY else None


def _expecting(document: Json, name: str) -> Json:
    metadata = {**document["metadata"], "annotations": {EXPECT: name}}
    return {**document, "metadata": metadata}


def _world(
    name: str, objects: tuple[Json, ...], *, judge: tuple[str, ...] = (), **more: Any
) -> World:
    """A world of running things that judges what its objects expect, or what is given."""
    controllers = (*_WORKLOADS, *more.pop("controllers", ()))
    marks = (data["metadata"].get("annotations", {}).get(EXPECT) for data in objects)
    return World(
        judge=judge or tuple(dict.fromkeys(mark for mark in marks if mark)),
        name=name,
        objects=objects,
        granularity="reconcile",
        keep_status=True,
        controllers=controllers,
        **more,
    )


def startup_spike(nodes: int, flags: Mapping[str, Any] = KIVI_FLAGS) -> World:
    """c1: fresh pods use all that they request, later a third: the autoscaler swings.

    Under upstream's flags usage falls when a pod is 30 s old; its first window of metrics is not
    counted, and the replicas come nowhere near the maximum. Under Kivi's the first pods have just
    started, and usage falls once the autoscaler asks for the maximum, well within 30 s.
    """
    least, most = max(1, nodes // 5), 2 * nodes
    template = pod_template(_REQUEST, _MEMORY)
    fall = {"load": "web", "steps": [{"replicas": most, "spec": {"value": "3"}}]}
    names, workload = _names(nodes), deployment_of(template, least)
    return _world(
        "kivi/c1",
        (
            *map(machine, names),
            *(running(workload, names[:least]) if flags else (workload,)),
            _expecting(autoscaler(50, least, most), "no-swing"),
            load(value="8", windowSeconds=0) if flags else load_by_age((0, "8"), (30, "3")),
        ),
        controllers=(HPA,),
        components={HPA: dict(flags), "loadPattern": fall} if flags else {},
    )


def apply_without_replicas(nodes: int, flags: Mapping[str, Any] = KIVI_FLAGS) -> World:
    """c2: `kubectl apply` of a manifest without replicas falls below the autoscaler's minimum."""
    template = pod_template(_REQUEST, _MEMORY)
    names = _names(nodes)
    reset = {"spec": {"replicas": None}}
    return _world(
        "kivi/c2",
        (
            *(machine(name, labels={"topology.kubernetes.io/zone": "z1"}) for name in names),
            *running(deployment_of(template, nodes, strategy={"type": "Recreate"}), names),
            _expecting(autoscaler(50, nodes, nodes + 2), "at-least-the-minimum"),
            load(value="16"),
        ),
        active_nodes=_few(names),
        operations=(
            {
                "patch": {
                    "kind": "Deployment",
                    "name": "web",
                    "namespace": "default",
                    "patch": reset,
                }
            },
        ),
        controllers=(HPA,),
        components={HPA: dict(flags)} if flags else {},
    )


def conflicting_constraints(nodes: int, flags: Mapping[str, Any] = KIVI_FLAGS) -> World:
    """c3: two hard spread constraints leave no node for the one pod more that is scaled up to."""
    half = nodes // 2
    names = _names(2 * half + 1)
    zones = {name: "z2" if i > half else "z1" for i, name in enumerate(names)}
    places = [name for i, name in enumerate(names) for _ in range(1 if i == half else 2)]
    count = len(places)
    template = pod_template(
        _REQUEST,
        _MEMORY,
        topologySpreadConstraints=[
            spread(key, "DoNotSchedule")
            for key in ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
        ],
    )
    workload = _expecting(deployment_of(template, count), "always-schedulable")
    return _world(
        "kivi/c3",
        (
            *(machine(n, labels={"topology.kubernetes.io/zone": zones[n]}) for n in names),
            *running(workload, places),
            autoscaler(91, count, count + 1),
            load(total=str(8 * count)),
        ),
        active_nodes=_few(names),
        operations=(set_load(total=str(-(-8 * count * 102 // 100))),),
        controllers=(HPA,),
        components={HPA: dict(flags)} if flags else {},
    )


def spread(key: str, when: str, skew: int = 1) -> Json:
    """A topology spread constraint over the pods of the application."""
    return {
        "maxSkew": skew,
        "topologyKey": key,
        "whenUnsatisfiable": when,
        "labelSelector": {"matchLabels": {"app": "web"}},
    }


def kernel_panic(nodes: int) -> World:
    """c4: three pods that fit one node leave its kernel too little: it panics, and again.

    All but the last pod run already, two on each node.
    """
    template = pod_template(
        "21",
        "21Gi",
        tolerations=[_at_once("not-ready"), _at_once("unreachable")],
        topologySpreadConstraints=[
            spread("kubernetes.io/hostname", "ScheduleAnyway", 3),
            spread("topology.kubernetes.io/zone", "ScheduleAnyway", 5),
        ],
    )
    names = _names(nodes)
    machines = [_expecting(machine(name), "no-panic") for name in names]
    return _world(
        "kivi/c4",
        (
            *machines,
            *running(deployment_of(template, 2 * nodes + 1), [*names, *names]),
            load(value="21"),
        ),
        active_nodes=_few(names),
        controllers=("taint-eviction-controller", "node-lifecycle-controller"),
        components={"kernelPanic": {"percent": 98}},
    )


def _at_once(kind: str) -> Json:
    """The toleration of a pod that leaves such a node at once."""
    return {
        "key": f"node.kubernetes.io/{kind}",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 0,
    }


def duplicates(nodes: int, *, node_fit: bool = False) -> World:
    """c5: RemoveDuplicates counts on nodes that have no room (descheduler #1237)."""
    full, three = -(-3 * nodes // 5), -(-nodes // 5)
    names = _names(nodes)
    shapes = [(4, 1)] * full + [(40, 3)] * three
    shapes = (shapes + [(32, 4)] * nodes)[:nodes]
    places = [name for name, (_, n) in zip(names, shapes, strict=True) for _ in range(n)]
    template = pod_template(_REQUEST, _MEMORY)
    return _world(
        "kivi/c5",
        (
            *(
                machine(name, str(left + 8 * n), f"{left + 8 * n}Gi")
                for name, (left, n) in zip(names, shapes, strict=True)
            ),
            *running(deployment_of(template, len(places)), places),
        ),
        judge=("an-eviction-is-not-in-vain",),
        active_nodes=_few(names),
        components={"descheduler": _descheduler("RemoveDuplicates", node_fit)},
    )


def _descheduler(plugin: str, node_fit: bool = False, **args: Any) -> Json:
    config = [{"name": plugin, "args": args}] if args else []
    evictor = {"name": "DefaultEvictor", "args": {"nodeFit": node_fit}}
    plugins = {"balance": {"enabled": [plugin]}}
    profile = {"name": "default", "pluginConfig": [evictor, *config], "plugins": plugins}
    return {"profiles": [profile]}


def maintenance(nodes: int) -> World:
    """c6: nodes are drained one after the other; what is drained piles up on the next one."""
    template = pod_template(
        _REQUEST,
        _MEMORY,
        topologySpreadConstraints=[spread("kubernetes.io/hostname", "ScheduleAnyway")],
    )
    names = _names(nodes)
    workload = _expecting(deployment_of(template, nodes), "at-most-one-missing")
    return _world(
        "kivi/c6",
        (*map(machine, names), *running(workload, names)),
        active_nodes=_few(names),
        components={"maintenance": {"timeoutSeconds": 60}},
    )


def tainted(nodes: int) -> World:
    """c7: a template with nodeName puts its pods on a node whose taint evicts them at once."""
    template = pod_template(_REQUEST, _MEMORY, nodeName=_names(nodes)[0])
    taint = {"key": "key1", "value": "value1", "effect": "NoExecute"}
    first, *others = _names(nodes)
    return _world(
        "kivi/c7",
        (
            machine(first, taints=[taint]),
            *map(machine, others),
            _expecting(deployment_of(template, nodes), "no-churn"),
        ),
        active_nodes=_few(_names(nodes)),
        controllers=("taint-eviction-controller",),
    )


def soft_constraints(nodes: int) -> World:
    """c8: the scheduler prefers what the descheduler evicts: soft spread against affinity.

    It starts with the pods where the scheduler puts them when they come one after the other.
    """
    on_demand = -(-nodes // 5)
    names = _names(nodes)
    each, rest = min(4, nodes), nodes - on_demand
    twice = 2 * nodes - each * on_demand - rest
    counts = [each] * on_demand + [2] * twice + [1] * (rest - twice)
    places = [name for name, n in zip(names, counts, strict=True) for _ in range(n)]
    preferred = [_preference("spot", 4), _preference("on-demand", 5)]
    template = pod_template(
        _REQUEST,
        _MEMORY,
        topologySpreadConstraints=[
            spread("kubernetes.io/hostname", "ScheduleAnyway"),
            spread("lifecycle", "ScheduleAnyway"),
        ],
        affinity={"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}},
    )
    machines = (
        machine(name, labels={"lifecycle": "on-demand" if i < on_demand else "spot"})
        for i, name in enumerate(names)
    )
    both = ["DoNotSchedule", "ScheduleAnyway"]
    plugin = "RemovePodsViolatingTopologySpreadConstraint"
    return _world(
        "kivi/c8",
        (*machines, *running(deployment_of(template, 2 * nodes), places)),
        judge=("an-eviction-is-not-in-vain",),
        active_nodes=_few(names),
        components={"descheduler": _descheduler(plugin, constraints=both)},
    )


def _preference(lifecycle: str, weight: int) -> Json:
    expression = {"key": "lifecycle", "operator": "In", "values": [lifecycle]}
    return {"weight": weight, "preference": {"matchExpressions": [expression]}}


def _upstream(make: Callable[..., World]) -> Callable[[int], World]:
    """The same case with the flags that upstream has by default."""

    def made(nodes: int) -> World:
        world = make(nodes, {})
        return attrs.evolve(world, name=f"{world.name}-upstream")

    return made


KIVI: Final[Mapping[str, Callable[[int], World]]] = {
    "kivi/c1": startup_spike,
    "kivi/c2": apply_without_replicas,
    "kivi/c3": conflicting_constraints,
    "kivi/c4": kernel_panic,
    "kivi/c5": duplicates,
    "kivi/c6": maintenance,
    "kivi/c7": tainted,
    "kivi/c8": soft_constraints,
    "kivi/c1-upstream": _upstream(startup_spike),
    "kivi/c2-upstream": _upstream(apply_without_replicas),
    "kivi/c3-upstream": _upstream(conflicting_constraints),
}
"""The cases, as functions of how many nodes there are; those with an autoscaler in both semantics.

Of these three only c1 is dampened by upstream's. The other five have nothing that Kivi means in
another way: they violate under upstream's own semantics.
"""
