"""Mutants of the HorizontalPodAutoscaler, the descheduler, and what moves pods in Kivi's worlds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from kspec_models.components import Components
from kspec_models.controllers.hpa import HorizontalPodAutoscalerController
from kspec_models.controllers.hpa_behavior import Behavior
from kspec_models.controllers.hpa_metrics import Seen
from kspec_models.controllers.hpa_pods import Patience
from kspec_models.controllers.tainteviction import TaintEvictionController
from kspec_models.controllers.worker import Worked
from kspec_models.descheduler import Descheduler
from kspec_models.host import View
from kspec_models.kernel_panic import KernelPanic
from kspec_models.maintenance import Maintenance
from kspec_models.objects import HorizontalPodAutoscaler, Pod
from kspec_models.world import World
from kspec_models.worlds import set_image
from kspec_models.worlds_autoscaling import autoscaler, load, load_by_age
from kspec_models.worlds_kivi import EXPECT, HPA, duplicates, kernel_panic, tainted
from kspec_models.worlds_running import deployment_of, machine, pod_template, running
from kspec_properties.mutants.mutant import (
    Change,
    ModelMutant,
    WrappedPolicy,
    misreading,
    replacing_controller,
    with_policy,
)


def replacing_other(name: str, make: Callable[[Any], Any]) -> Change:
    """Replace the optional component of that name by what `make` makes of it."""

    def change(parts: Components) -> Components:
        changed = tuple(make(c) if c.name == name else c for c in parts.others)
        return attrs.evolve(parts, others=changed)

    return change


def _replacing_hpa(kind: type[HorizontalPodAutoscalerController]) -> Change:
    return replacing_controller("hpa", lambda made: kind(made.targets, made.settings))


class CountsSurgePods(HorizontalPodAutoscalerController):
    def seen(
        self, hpa: HorizontalPodAutoscaler, scale: Any, behavior: Behavior | None, view: View
    ) -> Seen:
        seen = super().seen(hpa, scale, behavior, view)
        return seen._replace(target=seen.target._replace(replicas=scale.status.replicas))


class TrustsYoungPods(HorizontalPodAutoscalerController):
    def seen(
        self, hpa: HorizontalPodAutoscaler, scale: Any, behavior: Behavior | None, view: View
    ) -> Seen:
        seen = super().seen(hpa, scale, behavior, view)
        return seen._replace(target=seen.target._replace(patience=Patience(0, 0)))


class NeverScales(HorizontalPodAutoscalerController):
    def answer(self, *args: Any) -> Worked:
        worked = super().answer(*args)
        wanted = [r for r in worked.requests if getattr(r, "subresource", "status")]
        return worked if wanted or not worked.requests else worked._replace(requests=())


class _MisreadsAutoscalers(HorizontalPodAutoscalerController):
    """A controller that sees something wrong in every autoscaler."""

    def _wrong(self, hpa: HorizontalPodAutoscaler) -> HorizontalPodAutoscaler:
        raise TypeError("a mutant says what it misreads")

    def reconcile(self, memory: Any, key: str, view: View) -> Worked:
        wrong = misreading(view, "horizontalpodautoscalers", self._wrong)
        return super().reconcile(memory, key, wrong)


class IgnoresMaximum(_MisreadsAutoscalers):
    def _wrong(self, hpa: HorizontalPodAutoscaler) -> HorizontalPodAutoscaler:
        return hpa.replace(spec=hpa.spec.replace(max_replicas=hpa.spec.max_replicas + 10))


class ForgetsMinimum(_MisreadsAutoscalers):
    def _wrong(self, hpa: HorizontalPodAutoscaler) -> HorizontalPodAutoscaler:
        return hpa.replace(spec=hpa.spec.replace(min_replicas=1))


class FindsNoNode(WrappedPolicy):
    def filter(self, pod: Pod, node_info: Any, context: Any) -> Any:
        far = node_info.node.status.replace(
            allocatable=node_info.node.status.allocatable.set("cpu", "0")
        )
        changed = node_info.with_node(node_info.node.replace(status=far))
        return self.policy.filter(pod, changed, context)


class DoesNotWait(Maintenance):
    def is_settled(self, view: View, node: str) -> bool:
        return True


class IgnoresTolerations(TaintEvictionController):
    def reconcile(self, memory: Any, key: str, view: View) -> Worked:
        return super().reconcile(memory, key, misreading(view, "pods", _without_tolerations))


def _without_tolerations(pod: Pod) -> Pod:
    return pod.replace(spec=pod.spec.replace(tolerations=()))


def _ignoring_node_fit(made: Descheduler) -> Descheduler:
    profiles = (p._replace(limits=p.limits._replace(node_fit=False)) for p in made.profiles)
    return attrs.evolve(made, profiles=tuple(profiles))


_TEMPLATE = pod_template("100m", "64Mi")
_NODES = tuple(machine(f"n{i}") for i in (1, 2, 3))
_NAMES = ("n1", "n2", "n3")


def _scaled(
    name: str, workload: tuple[Any, ...], *objects: Any, flags: Any = None, **more: Any
) -> World:
    return World(
        name=name,
        objects=(*_NODES, *workload, *objects),
        granularity="reconcile",
        keep_status=True,
        controllers=("deployment-controller", "replicaset-controller", HPA),
        components={HPA: flags} if flags else {},
        **more,
    )


def _asking(document: Any, name: str) -> Any:
    return {**document, "metadata": {**document["metadata"], "annotations": {EXPECT: name}}}


_BUSY = _scaled(
    "more-load-than-it-may-scale-to",
    running(deployment_of(_TEMPLATE, 3), _NAMES),
    autoscaler(50, 1, 4),
    load(value="100m"),
)
SLOW_ROLLOUT = _scaled(
    "a-slow-rollout-under-steady-load",
    running(
        {
            **deployment_of(_TEMPLATE, 3),
            "spec": {**deployment_of(_TEMPLATE, 3)["spec"], "minReadySeconds": 40},
        },
        _NAMES,
    ),
    autoscaler(100, 1, 20),
    load(value="100m"),
    operations=(set_image("web", "app:2"),),
)
_SPIKE = _scaled(
    "a-spike-at-each-start",
    (deployment_of(_TEMPLATE, 1),),
    _asking(autoscaler(50, 1, 6), "no-swing"),
    load_by_age((0, "100m"), (30, "37m"), windowSeconds=30),
    flags={"syncPeriodSeconds": 5},
)
_IDLE = _scaled(
    "an-idle-application-at-its-minimum",
    running(deployment_of(_TEMPLATE, 3), _NAMES),
    _asking(autoscaler(50, 3, 5), "at-least-the-minimum"),
    load(value="10m"),
    flags={"downscaleStabilizationSeconds": 0},
)


def _room_for_all() -> World:
    """Conflicting with nothing: a Deployment on three empty nodes."""
    workload = _asking(deployment_of(_TEMPLATE, 2), "always-schedulable")
    return attrs.evolve(_scaled("room-for-all", (workload,)), controllers=())


def _apart() -> World:
    """Two pods that may not share a node, and three nodes to be maintained."""
    term = {
        "labelSelector": {"matchLabels": {"app": "web"}},
        "topologyKey": "kubernetes.io/hostname",
    }
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    template = pod_template("100m", "64Mi", affinity=apart)
    workload = _asking(deployment_of(template, 2), "at-most-one-missing")
    world = _scaled("maintenance-with-room", running(workload, ("n1", "n2")))
    return attrs.evolve(world, controllers=(), components={"maintenance": {}})


def _light() -> World:
    """Kernel panics where the pods of a node use a third of it."""
    world = kernel_panic(1)
    docs = tuple(
        {**o, "spec": {**o["spec"], "replicas": 2}} if "replicas" in o["spec"] else o
        for o in world.objects
    )
    return attrs.evolve(world, name="kernels-with-room", objects=docs)


def _tolerated() -> World:
    """Pods that tolerate the taint of the node that their template names."""
    world, tolerated = tainted(1), {"key": "key1", "operator": "Exists", "effect": "NoExecute"}
    template = pod_template("8", "8Gi", nodeName="n1", tolerations=[tolerated])
    workload = _asking(deployment_of(template, 1), "no-churn")
    docs = tuple(workload if o["kind"] == "Deployment" else o for o in world.objects)
    return attrs.evolve(world, name="a-tolerated-taint", objects=docs)


def _fitting() -> World:
    """Duplicates that no other node has room for, and a descheduler that asks for room."""
    return duplicates(3, node_fit=True)


MUTANTS = (
    ModelMutant(
        name="hpa-ignores-its-maximum",
        description="the autoscaler reads a maximum that is ten too large",
        property="an-autoscaler-stays-within-its-bounds",
        world=_BUSY,
        change=_replacing_hpa(IgnoresMaximum),
    ),
    ModelMutant(
        name="hpa-counts-surge-pods",
        description="the autoscaler starts from status.replicas, which has the pods of a surge too",
        property="within-tolerance-nothing-is-scaled",
        world=SLOW_ROLLOUT,
        change=_replacing_hpa(CountsSurgePods),
    ),
    ModelMutant(
        name="hpa-never-scales",
        description="the autoscaler computes and reports, and does not write the scale",
        property="autoscaled-targets-end-within-bounds",
        world=attrs.evolve(
            _BUSY,
            objects=(*_NODES, *running(deployment_of(_TEMPLATE, 3), _NAMES), autoscaler(50, 1, 2)),
        ),
        change=_replacing_hpa(NeverScales),
    ),
    ModelMutant(
        name="hpa-trusts-young-pods",
        description="the autoscaler counts the CPU usage of pods that have only just started",
        property="no-swing",
        world=_SPIKE,
        change=_replacing_hpa(TrustsYoungPods),
    ),
    ModelMutant(
        name="hpa-forgets-its-minimum",
        description="the autoscaler takes its minimum for one",
        property="at-least-the-minimum",
        world=_IDLE,
        change=_replacing_hpa(ForgetsMinimum),
    ),
    ModelMutant(
        name="scheduler-finds-no-node",
        description="the scheduler takes every node for full",
        property="always-schedulable",
        world=_room_for_all(),
        change=with_policy(FindsNoNode),
    ),
    ModelMutant(
        name="kernels-panic-early",
        description="a kernel stops when half of its CPU is used",
        property="no-panic",
        world=_light(),
        change=replacing_other("kernel-panic", lambda _: KernelPanic(50)),
    ),
    ModelMutant(
        name="maintenance-does-not-wait",
        description="the next node is drained before the pods of the last one are replaced",
        property="at-most-one-missing",
        world=_apart(),
        change=replacing_other("maintenance", lambda _: DoesNotWait()),
    ),
    ModelMutant(
        name="taint-eviction-ignores-tolerations",
        description="taint eviction takes no pod for one that tolerates a taint",
        property="no-churn",
        world=_tolerated(),
        change=replacing_controller("tainteviction", lambda _: IgnoresTolerations()),
    ),
    ModelMutant(
        name="descheduler-ignores-node-fit",
        description="the descheduler evicts whether another node has room or not",
        property="an-eviction-is-not-in-vain",
        world=_fitting(),
        change=replacing_other("descheduler", _ignoring_node_fit),
    ),
)
