"""The worlds of a trial: each small, each with one thing that a wrong policy gets wrong.

Every policy must keep its promises in all of them; none is about one policy. They are small, so
that few random steps see most of what can happen in each.
"""

from __future__ import annotations

import attrs

from kspec_models.world import World
from kspec_models.worlds import delete, node, pod, priority_class
from kspec_properties.trial.manifests import (
    apart,
    apply,
    asking,
    best_effort,
    in_namespace,
    in_zones,
    labelled,
    on_port,
    patch,
    replica_set,
    starting,
    with_devices,
    with_spec,
    world,
)

_TIGHT = {"cpu": "4", "memory": "1Gi", "pods": "10", "ephemeral-storage": "10Gi"}
_HIGH, _LOW = priority_class("high", 1000), priority_class("low", 10)

_TAINT = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
_ZONE_A, _ZONE_B = "zone-a", "zone-b"

SAFETY: tuple[World, ...] = (
    World(
        name="tight-memory",
        nodes=2,
        node_capacity=_TIGHT,
        objects=(pod("a", memory="600Mi"), pod("b", memory="600Mi"), pod("c", memory="600Mi")),
    ),
    world(
        "taints-and-cordons",
        with_spec(node("n1"), taints=[_TAINT]),
        with_spec(node("n2"), unschedulable=True),
        node("n3", cpu="200m"),
        pod("a"),
        pod("b", cpu="200m"),
        pod("c", tolerations=[{"key": "dedicated", "operator": "Exists"}], cpu="1"),
    ),
    world(
        "selectors-and-ports",
        labelled(node("n1"), zone=_ZONE_A),
        labelled(node("n2"), zone=_ZONE_B),
        pod("a", nodeSelector={"zone": _ZONE_B}),
        on_port("b", 80),
        on_port("c", 80),
        on_port("d", 80),
    ),
    World(
        name="two-pods-a-node",
        nodes=1,
        node_capacity={**_TIGHT, "pods": "2"},
        objects=(pod("a"), pod("b"), pod("c")),
    ),
    World(
        name="init-containers",
        nodes=1,
        node_capacity=_TIGHT,
        objects=(
            starting("a", "100Mi", "600Mi"),
            starting("b", "100Mi", "600Mi"),
            starting("c", "300Mi", "300Mi", restartPolicy="Always"),
        ),
    ),
    world("anti-affinity", node("n1"), node("n2"), apart("a"), apart("b"), apart("c")),
    world(
        "unwelcome",
        node("n1"),
        apart("a"),
        labelled(pod("b"), app="web"),
        operations=(apply(labelled(pod("c"), app="web")),),
    ),
    world(
        "other-resources",
        with_devices(node("n1"), "1"),
        asking("a", device="1"),
        asking("b", device="1"),
        asking("c", ephemeral_storage="60Gi"),
        asking("d", ephemeral_storage="60Gi"),
    ),
    world(
        "overhead",
        node("n1", memory="1Gi"),
        pod("a", memory="200Mi", overhead={"memory": "400Mi", "cpu": "100m"}),
        pod("b", memory="200Mi", overhead={"memory": "400Mi", "cpu": "100m"}),
    ),
    world(
        "node-affinity",
        labelled(node("n1"), zone=_ZONE_A),
        labelled(node("n2"), zone=_ZONE_B),
        pod("a", affinity=in_zones(_ZONE_B)),
        pod("b", affinity=in_zones("zone-c")),
    ),
    world(
        "one-after-the-other",
        node("n1", cpu="1", memory="1Gi"),
        pod("a", cpu="600m"),
        operations=(apply(pod("b", cpu="600m")), apply(pod("c", memory="900Mi"))),
    ),
    world(
        "preemption",
        _HIGH,
        _LOW,
        node("n1", memory="1Gi"),
        pod("a", memory="500Mi", nodeName="n1"),
        pod("b", memory="500Mi", nodeName="n1", priorityClassName="low"),
        pod("c", memory="400Mi", priorityClassName="high"),
    ),
    world(
        "a-rival-arrives",
        _HIGH,
        _LOW,
        node("n1", memory="1Gi"),
        pod("a", memory="600Mi", nodeName="n1", priorityClassName="low"),
        pod("b", memory="600Mi", priorityClassName="high"),
        operations=(apply(pod("c", memory="600Mi")),),
    ),
    world(
        "two-preemptors",
        _HIGH,
        _LOW,
        node("n1", memory="1Gi"),
        pod("a", memory="500Mi", nodeName="n1", priorityClassName="low"),
        pod("b", memory="500Mi", nodeName="n1", priorityClassName="low"),
        pod("c", memory="400Mi", priorityClassName="high"),
        pod("d", memory="400Mi", priorityClassName="high"),
    ),
    world(
        "nobody-to-preempt",
        _HIGH,
        _LOW,
        node("n1", memory="1Gi"),
        pod("a", memory="600Mi", nodeName="n1", priorityClassName="high"),
        pod("b", memory="300Mi", nodeName="n1"),
        pod("c", memory="600Mi", priorityClassName="high"),
        pod("d", memory="600Mi", priorityClassName="low"),
    ),
)
"""Where a wrong decision shows at once."""

_FULL = pod("a", memory="600Mi", nodeName="n1")
_WAITING = pod("b", memory="600Mi")

LIVENESS: tuple[World, ...] = (
    world(
        "room-is-made", node("n1", memory="1Gi"), _FULL, _WAITING, operations=(delete("Pod", "a"),)
    ),
    world(
        "a-node-is-added",
        node("n1", memory="1Gi"),
        _FULL,
        _WAITING,
        operations=(apply(node("n2", memory="1Gi")),),
    ),
    world(
        "a-node-grows",
        node("n1", memory="512Mi"),
        _WAITING,
        operations=(patch("Node", "n1", status={"allocatable": {"memory": "1Gi"}}),),
    ),
    world(
        "uncordoned",
        with_spec(node("n1"), unschedulable=True),
        pod("a"),
        operations=(patch("Node", "n1", spec={"unschedulable": False}),),
    ),
    world(
        "a-taint-is-removed",
        with_spec(node("n1"), taints=[_TAINT]),
        pod("a"),
        operations=(patch("Node", "n1", spec={"taints": None}),),
    ),
    world(
        "a-label-is-set",
        node("n1"),
        pod("a", nodeSelector={"zone": _ZONE_B}),
        operations=(patch("Node", "n1", metadata={"labels": {"zone": _ZONE_B}}),),
    ),
    world(
        "gates-are-removed",
        node("n1"),
        pod("a", schedulingGates=[{"name": "example.com/gate"}]),
        operations=(patch("Pod", "a", spec={"schedulingGates": None}),),
    ),
    world(
        "a-port-and-company-leave",
        node("n1"),
        on_port("a", 80),
        on_port("b", 80),
        apart("c"),
        apart("d"),
        operations=(delete("Pod", "a"), delete("Pod", "c")),
    ),
    world(
        "low-beside-high",
        _HIGH,
        _LOW,
        node("n1", memory="1Gi"),
        node("n2", memory="1Gi"),
        pod("a", memory="300Mi", priorityClassName="high"),
        pod("b", memory="300Mi", priorityClassName="low"),
        pod("c", memory="300Mi"),
    ),
    world(
        "all-sorts",
        _LOW,
        node("n1", cpu="1", memory="1Gi"),
        node("n2", cpu="1", memory="1Gi"),
        pod("a", cpu="1", memory="1Gi"),
        best_effort("b"),
        labelled(pod("c", tolerations=[{"operator": "Exists"}]), app="web"),
        pod("d", memory="300Mi", priorityClassName="low"),
        operations=(apply(pod("e", cpu="400m")), apply(on_port("f", 80))),
    ),
    world("a-whole-node", node("n1", cpu="1", memory="1Gi"), pod("a", cpu="1", memory="1Gi")),
    world(
        "the-least-of-all",
        priority_class("lowest", -10),
        node("n1"),
        pod("a", priorityClassName="lowest"),
        in_namespace("team", pod("b")),
        labelled(pod("c"), tier="batch"),
    ),
    next(
        attrs.evolve(world, name="preemption-ends-in-a-binding")
        for world in SAFETY
        if world.name == "preemption"
    ),
)
"""Where a pod must be bound in the end, and every event that may help it is one that does."""

LOOPS: tuple[World, ...] = (
    world(
        "victims-come-back",
        _HIGH,
        _LOW,
        node("n1", memory="1Gi"),
        replica_set("web", 2, memory="450Mi", priorityClassName="low"),
        operations=(apply(pod("a", memory="500Mi", priorityClassName="high")),),
    ),
    world(
        "equals-come-back",
        _LOW,
        node("n1", memory="1Gi"),
        replica_set("web", 1, memory="600Mi", priorityClassName="low"),
        operations=(apply(replica_set("api", 1, memory="600Mi", priorityClassName="low")),),
    ),
    world(
        "preemptors-come-back",
        _HIGH,
        _LOW,
        node("n1", memory="1Gi"),
        node("n2", memory="1Gi"),
        replica_set("web", 2, memory="600Mi", priorityClassName="low"),
        operations=(apply(replica_set("api", 2, memory="600Mi", priorityClassName="high")),),
    ),
)
"""Where evicted pods are replaced, so that a policy may evict for ever."""
