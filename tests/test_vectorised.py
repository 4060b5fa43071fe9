"""The vectorised form of a profile decides as the plain form does, cycle after cycle."""

from hypothesis import given, settings
from hypothesis import strategies as st

from kspec_models.host import Call, Notification, View
from kspec_models.objects import Node, Pod
from kspec_models.requests import Bind, Response
from kspec_models.scheduler.cycle import decide
from kspec_models.scheduler.framework import Context
from kspec_models.scheduler.node_table import SMALLEST, table_of
from kspec_models.scheduler.nodeinfo import node_info
from kspec_models.scheduler.policies import POLICIES
from kspec_models.scheduler.profile import Profile
from kspec_models.scheduler.scheduler import Scheduler
from kspec_models.store import Entry, Snapshot

NODES = SMALLEST + 6
TAINTS = (
    [],
    [{"key": "a", "effect": "NoSchedule"}],
    [{"key": "b", "effect": "PreferNoSchedule"}],
    [{"key": "a", "effect": "PreferNoSchedule"}, {"key": "b", "effect": "PreferNoSchedule"}],
)


def node(i, cpu, memory, pods, taint, cordoned):
    room = {"cpu": f"{cpu}m", "memory": f"{memory}Mi", "pods": str(pods)}
    labels = {"zone": f"z{i % 3}", "kubernetes.io/hostname": f"n{i:03}"}
    return Node.from_json(
        {
            "metadata": {"name": f"n{i:03}", "uid": f"n{i}", "labels": labels},
            "spec": {"unschedulable": cordoned, "taints": TAINTS[taint]},
            "status": {"allocatable": room},
        }
    )


nodes = st.builds(
    lambda specs: [node(i, *spec) for i, spec in enumerate(specs)],
    st.lists(
        st.tuples(
            st.sampled_from((0, 500, 1000, 3333)),
            st.sampled_from((0, 512, 1024, 4097)),
            st.sampled_from((0, 1, 2, 110)),
            st.integers(0, len(TAINTS) - 1),
            st.booleans(),
        ),
        min_size=NODES,
        max_size=NODES,
    ),
)


@st.composite
def pods(draw):
    requests = draw(
        st.sampled_from(
            ({}, {"cpu": "100m"}, {"cpu": "333m", "memory": "100Mi"}, {"memory": "513Mi"})
        )
    )
    spec = {"containers": [{"name": "c", "resources": {"requests": requests}}]}
    if draw(st.booleans()):
        spec["nodeSelector"] = {"zone": draw(st.sampled_from(("z0", "z1", "z9")))}
    if draw(st.booleans()):
        spec["tolerations"] = [{"key": "a", "operator": "Exists"}]
    if draw(st.booleans()):
        term = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["z1"]}]}
        preferred = [{"weight": draw(st.integers(1, 100)), "preference": term}]
        name = "preferredDuringSchedulingIgnoredDuringExecution"
        spec["affinity"] = {"nodeAffinity": {name: preferred}}
    return spec


def scheduled(policy, nodes, specs, *, is_plain):
    """Where each of the pods goes, one cycle after the other, and where the next search starts."""
    host = Scheduler("scheduler", policy, watched=(), is_plain=is_plain)
    memory = host.initial(None)
    caches = {"pods": Snapshot(), "nodes": Snapshot()}

    def see(obj, memory):
        key = f"{obj.resource}/{obj.key}"
        before, entry = caches[obj.resource].get(key), Entry(key, obj, 1, 1, 1)
        caches[obj.resource] = caches[obj.resource].patched(key, entry)
        return host.handle(memory, Notification(obj.resource, before, entry), View(caches, 0))

    for each in nodes:
        memory = see(each, memory)
    for i, spec in enumerate(specs):
        meta = {"name": f"p{i}", "namespace": "d", "uid": f"p{i}"}
        memory = see(Pod.from_json({"metadata": meta, "spec": spec}), memory)
    found = []
    while keys := host.enabled(memory, 0):
        outcome = host.run(memory, keys[0], View(caches, 0))
        memory = outcome.memory
        found.append((keys[0], memory.start, outcome.requests))
        for request in outcome.requests:
            if isinstance(request, Bind):
                call = Call(request.key, (), outcome.phase)
                memory = host.answer(memory, call, request, Response(), View(caches, 0)).memory
    return found


@settings(max_examples=25, deadline=None)
@given(nodes, st.lists(pods(), min_size=1, max_size=12), st.sampled_from(sorted(POLICIES)))
def test_every_cycle_ends_as_in_the_plain_form(nodes, specs, name):
    policy = POLICIES[name]()
    plain = scheduled(policy, nodes, specs, is_plain=True)
    assert scheduled(policy, nodes, specs, is_plain=False) == plain


def test_nodes_are_sampled_from_where_the_last_search_ended():
    many = [node(i, 3333, 4097, 110, 0, False) for i in range(150)]
    specs = [{"containers": [{"name": "c"}]}] * 5
    policy = POLICIES["default"]()
    plain = scheduled(policy, many, specs, is_plain=True)
    assert scheduled(policy, many, specs, is_plain=False) == plain
    assert [start for _, start, _ in plain] == [100, 50, 0, 100, 50]


def test_the_default_profile_decides_at_once():
    """Without this the other tests would compare the plain form with itself."""
    infos = tuple(node_info(node(i, 1000, 1024, 10, 0, False)) for i in range(NODES))
    policy = POLICIES["default"]()
    assert isinstance(policy, Profile) and policy.vectorised is not None
    context = Context(infos, table=table_of(infos))
    pod = Pod.from_json({"metadata": {"name": "p", "namespace": "d", "uid": "p"}})
    _, started = policy.pre_filter(pod, context)
    found = policy.vectorised.find(pod, context, started, (0, 0))
    assert list(found.positions) == list(range(NODES))
    scores = policy.vectorised.scores(pod, found, context, started)
    assert list(scores) == list(policy.score(pod, infos, Context(infos)))
    assert decide(policy, pod, context) == decide(policy, pod, Context(infos))


def test_a_table_follows_its_changes():
    infos = tuple(node_info(node(i, 1000, 1024, 10, 0, False)) for i in range(NODES))
    pod = Pod.from_json(
        {
            "metadata": {"name": "p", "namespace": "d", "uid": "p"},
            "spec": {"containers": [{"resources": {"requests": {"cpu": "70m", "memory": "3"}}}]},
        }
    )
    changed = infos[7].with_pod(pod)
    after = (*infos[:7], changed, *infos[8:])
    patched = table_of(infos).changed(7, infos[7], changed)
    fresh = table_of(after)
    assert (patched.numbers == fresh.numbers).all() and patched.nodes == fresh.nodes
    assert (patched.numbers != table_of(infos).numbers).any()


def test_amounts_that_a_float_does_not_hold_are_left_to_the_plain_form():
    huge = {"allocatable": {"cpu": "1", "memory": "9Pi", "pods": "1"}}
    vast = Node.from_json({"metadata": {"name": "vast"}, "status": huge})
    assert table_of([node_info(vast)] * NODES) is None
