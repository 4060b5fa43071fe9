"""Hypothesis strategies for worlds: small clusters, applications, and what users do to them.

Every drawn world is valid: it reads back from its own document and builds. Worlds are small on
purpose, since most bugs need two pods and one node; everything shrinks to fewer and plainer things.

    @settings(deadline=None)
    @given(worlds(), runs())
    def test_my_policy(world, run):
        check_example(build(world, policy=MyPolicy()), [no_over_committed_binding], run)

Left out: passive kinds, node labels and taints, and affinity; pass `objects` to add your own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from kspec_models.actions import FAULT_CLASSES
from kspec_models.world import World

Json = dict[str, Any]
FAULTS = tuple(FAULT_CLASSES.values())
GRANULARITIES = ("reconcile", "request")
NAMES = ("web", "api", "db", "cache")
NAMESPACES = ("default", "shop")
IMAGES = ("app:v1", "app:v2", "app:v3")
_CHANGES = ("scale", "patch")
CPU = ("100m", "500m", "1", "1500m", "2")
MEMORY = ("64Mi", "256Mi", "1Gi", "2Gi")


def capacities(*, max_pods: int = 8) -> st.SearchStrategy[dict[str, str]]:
    """What one node has: few pods fit, so that there is something to run out of."""
    return st.fixed_dictionaries(
        {
            "cpu": st.sampled_from(("1", "2", "4", "1500m")),
            "memory": st.sampled_from(("1Gi", "2Gi", "4Gi", "1536Mi")),
            "pods": st.integers(1, max_pods).map(str),
        }
    )


def requests() -> st.SearchStrategy[dict[str, str]]:
    """What one container asks for; often nothing at all."""
    return st.fixed_dictionaries(
        {}, optional={"cpu": st.sampled_from(CPU), "memory": st.sampled_from(MEMORY)}
    )


def rollout_strategies() -> st.SearchStrategy[Json]:
    """Recreate, or RollingUpdate with bounds that are not both zero."""
    bounds = st.sampled_from((1, 0, 2, "25%", "50%", "100%"))
    rolling = st.fixed_dictionaries({"maxSurge": bounds, "maxUnavailable": bounds})
    rolling = rolling.filter(lambda drawn: any(drawn.values()))
    return st.one_of(
        rolling.map(lambda drawn: {"type": "RollingUpdate", "rollingUpdate": drawn}),
        st.just({"type": "Recreate"}),
    )


def _pod_spec(asked: Mapping[str, str], grace: int) -> Json:
    container = {
        "name": "app",
        "image": IMAGES[0],
        "ports": [{"containerPort": 8080}],
        "resources": {"requests": dict(asked)},
    }
    return {"containers": [container], "terminationGracePeriodSeconds": grace}


def _metadata(name: str, namespace: str, **more: Any) -> Json:
    return {"name": name, "namespace": namespace, **more}


@st.composite
def pods(draw: st.DrawFn, name: str, namespace: str = "default") -> Json:
    """A bare pod of that name."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _metadata(name, namespace, labels={"app": name}),
        "spec": _pod_spec(draw(requests()), draw(st.sampled_from((30, 0)))),
    }


@st.composite
def deployments(
    draw: st.DrawFn, name: str, namespace: str = "default", *, max_replicas: int = 3
) -> Json:
    """A Deployment of that name; its pods carry the label app=NAME."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(name, namespace),
        "spec": {
            "replicas": draw(st.integers(1, max_replicas) | st.just(0)),
            "strategy": draw(rollout_strategies()),
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": _pod_spec(draw(requests()), 30),
            },
        },
    }


def service(name: str, namespace: str = "default") -> Json:
    """The Service in front of the pods with the label app=NAME."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(name, namespace),
        "spec": {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]},
    }


@st.composite
def applications(
    draw: st.DrawFn,
    *,
    names: Sequence[str] = NAMES,
    max_workloads: int = 2,
    max_replicas: int = 3,
) -> tuple[Json, ...]:
    """Deployments and bare pods, some with a Service in front, in one or two namespaces."""
    objects: list[Json] = []
    for name in names[: draw(st.integers(1, min(max_workloads, len(names))))]:
        namespace = draw(st.sampled_from(NAMESPACES))
        workload = st.one_of(
            deployments(name, namespace, max_replicas=max_replicas), pods(name, namespace)
        )
        objects.append(draw(workload))
        if draw(st.booleans()):
            objects.append(service(name, namespace))
    return tuple(objects)


@st.composite
def operations(
    draw: st.DrawFn, objects: Iterable[Mapping[str, Any]], *, max_replicas: int = 3
) -> Json:
    """Something a user does to these objects: scale, roll out, delete a workload or a namespace."""
    targets = [_target(obj) for obj in objects]
    spaces = dict.fromkeys(t["namespace"] for t in targets if t["namespace"] != "default")
    choices = [(verb, t) for t in targets if t["kind"] == "Deployment" for verb in _CHANGES]
    choices += [("delete", target) for target in targets]
    choices += [("delete", {"kind": "Namespace", "name": name}) for name in spaces]
    verb, target = draw(st.sampled_from(choices))
    if verb == "scale":
        return {"scale": {**target, "replicas": draw(st.integers(0, max_replicas))}}
    if verb == "patch":
        container = {"name": "app", "image": draw(st.sampled_from(IMAGES[1:]))}
        template = {"spec": {"containers": [container]}}
        return {"patch": {**target, "patch": {"spec": {"template": template}}}}
    return {"delete": target}


def _target(data: Mapping[str, Any]) -> Json:
    meta = data["metadata"]
    return {"kind": data["kind"], "name": meta["name"], "namespace": meta["namespace"]}


def fault_budgets(
    classes: Iterable[str] = FAULTS, *, max_each: int = 2, max_classes: int = 2
) -> st.SearchStrategy[dict[str, int]]:
    """How many faults of each class the environment may use; shrinks to none."""
    order = tuple(classes)
    drawn = st.dictionaries(
        st.sampled_from(order), st.integers(1, max_each), max_size=min(max_classes, len(order))
    )
    return drawn.map(lambda budget: {name: budget[name] for name in order if name in budget})


@st.composite
def worlds(
    draw: st.DrawFn,
    *,
    objects: Iterable[Mapping[str, Any]] = (),
    faults: Iterable[str] = FAULTS,
    max_nodes: int = 3,
    max_workloads: int = 2,
    max_replicas: int = 3,
    max_operations: int = 2,
    max_schedulers: int = 1,
) -> World:
    """A whole world.

    objects: Kubernetes JSON that is in each of them, beside what is drawn under other names.
    faults: the classes that a budget is drawn of, () for a fault-free world.
    """
    given = tuple(objects)
    taken = {obj["metadata"].get("name") for obj in given}
    names = [name for name in NAMES if name not in taken]
    application = applications(names=names, max_workloads=max_workloads, max_replicas=max_replicas)
    drawn = draw(application)
    steps = st.lists(operations(drawn, max_replicas=max_replicas), max_size=max_operations)
    classes = tuple(faults)
    return World(
        name="drawn",
        objects=(*given, *drawn),
        nodes=draw(st.integers(1, max_nodes)),
        node_capacity={"ephemeral-storage": "100Gi", **draw(capacities())},
        schedulers=draw(st.integers(1, max_schedulers)),
        faults=draw(fault_budgets(classes)) if classes else {},
        granularity=draw(st.sampled_from(GRANULARITIES)),
        atomic_replace=draw(st.booleans()),
        proxy_mode=draw(st.sampled_from(("iptables", "ipvs"))),
        operations=tuple(draw(steps)),
    )
