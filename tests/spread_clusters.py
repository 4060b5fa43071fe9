"""Pods, nodes and small clusters for the tests of PodTopologySpread."""

from hypothesis import strategies as st

from kspec_models.objects import Node, Pod
from kspec_models.scheduler.framework import SKIP, Context
from kspec_models.scheduler.nodeinfo import node_info
from kspec_models.scheduler.plugins.pod_topology_spread import HOSTNAME, PodTopologySpread

HARD, SOFT = "DoNotSchedule", "ScheduleAnyway"
PLUGIN = PodTopologySpread()


def constraint(key="zone", skew=1, when=HARD, labels=(("app", "x"),), **more):
    selector = {"matchLabels": dict(labels)}
    return {
        "maxSkew": skew,
        "topologyKey": key,
        "whenUnsatisfiable": when,
        "labelSelector": selector,
    } | more


def pod(name, *constraints, labels=(("app", "x"),), namespace="d", owner=None, **spec):
    metadata = {"name": name, "namespace": namespace, "uid": name, "labels": dict(labels)}
    if owner:
        metadata["ownerReferences"] = [{**owner, "controller": True}]
    containers = [{"name": "c"}]
    made = {"containers": containers, "topologySpreadConstraints": list(constraints)} | spec
    return Pod.from_json({"metadata": metadata, "spec": made})


def node(name, **labels):
    taints = labels.pop("taints", [])
    labels = {key.replace("_host", HOSTNAME): value for key, value in labels.items()}
    status = {"allocatable": {"cpu": "8", "memory": "8Gi", "pods": "110"}}
    return Node.from_json(
        {
            "metadata": {"name": name, "labels": labels},
            "spec": {"taints": taints},
            "status": status,
        }
    )


def infos_of(counts, **labels):
    """Nodes by name and zone, each with so many pods of app=x."""
    return tuple(
        node_info(
            node(name, zone=zone, **labels),
            tuple(pod(f"{name}-{i}", nodeName=name) for i in range(count)),
        )
        for (name, zone), count in counts.items()
    )


def codes(plugin, made, infos, **caches):
    status, _, state = plugin.pre_filter(made, Context(tuple(infos), caches))
    if status.code == SKIP:
        return [SKIP] * len(infos)
    return [plugin.filter_with(state, made, info).code for info in infos]


def scores(plugin, made, infos, others=(), **caches):
    context = Context((*infos, *others), caches)
    status, state = plugin.pre_score(made, infos, context)
    if not status.ok:
        return status.code
    raw = [plugin.score_with(state, made, info) for info in infos]
    return list(plugin.normalize_with(state, raw, infos))


VALUES = st.sampled_from(["a", "b"])
LABELS = st.dictionaries(st.sampled_from(["app", "tier"]), VALUES, max_size=2)
MOSTLY = st.sampled_from(["a", "b", "a", "b", ""])
NAMESPACES = st.sampled_from(["d", "d", "e"])
TAINT = {"key": "k", "value": "v", "effect": "NoSchedule"}
SELECTORS = st.sampled_from(
    [
        None,
        {"matchLabels": {"app": "a"}},
        {"matchExpressions": [{"key": "app", "operator": "Exists"}]},
        {"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["a"]}]},
    ]
)
POLICIES = st.sampled_from([None, "Honor", "Ignore"])


@st.composite
def constraints(draw, when=HARD):
    """Distinct keys, as the API demands of constraints of one kind."""
    found = []
    for key in draw(st.lists(st.sampled_from(["zone", "rack", HOSTNAME]), min_size=1, unique=True)):
        optional = {
            "minDomains": draw(st.sampled_from([None, 1, 2, 3])) if when == HARD else None,
            "nodeAffinityPolicy": draw(POLICIES),
            "nodeTaintsPolicy": draw(POLICIES),
            "labelSelector": draw(SELECTORS),
        }
        if optional["labelSelector"] is not None:
            optional["matchLabelKeys"] = draw(st.sampled_from([None, ["tier"], ["absent"]]))
        made = constraint(key, draw(st.sampled_from([1, 1, 2])), when)
        del made["labelSelector"]
        found.append(made | {k: v for k, v in optional.items() if v is not None})
    return found


@st.composite
def clusters(draw, terminating=True):
    infos = []
    for index in range(draw(st.integers(1, 5))):
        labels = {key: draw(MOSTLY) for key in ("zone", "rack", "disk")}
        labels = {key: value for key, value in labels.items() if value}
        if draw(st.booleans()):
            labels["_host"] = f"n{index}"
        taints = [TAINT] if draw(st.booleans()) else []
        info = node_info(node(f"n{index}", taints=taints, **labels))
        for number in range(draw(st.integers(0, 3))):
            namespace = draw(NAMESPACES)
            made = existing(f"p{index}-{number}", draw(LABELS), info.name, namespace)
            if terminating and draw(st.integers(0, 4)) == 0:
                made = made.with_metadata(deletion_timestamp=1)
            info = info.with_pod(made)
        infos.append(info)
    return tuple(infos)


def existing(name, labels, on, namespace="d"):
    return pod(name, labels=labels.items(), namespace=namespace, nodeName=on)


@st.composite
def incoming(draw, when=HARD):
    spec = draw(
        st.sampled_from(
            [{}, {"nodeSelector": {"disk": "a"}}, {"tolerations": [{"operator": "Exists"}]}]
        )
    )
    return pod("in", *draw(constraints(when)), labels=draw(LABELS).items(), **spec)
