"""Several API servers promise: each serves what it knows itself, and writes go to one store."""

from __future__ import annotations

import pytest
from cluster_runs import fifo, get, objects, settled, step_to, walk

from kspec.errors import InputError, NotEnabled
from kspec_models import actions
from kspec_models.building import build
from kspec_models.objects import Pod
from kspec_models.requests import Create
from kspec_models.world import World
from kspec_models.worlds import delete, deployment, namespace, pod

FIRST, SECOND = "kube-apiserver-1", "kube-apiserver-2"


def served(*, clients=None, **fields):
    options = {"replicas": 2, "clients": clients or {}}
    usual = {"nodes": 1, "objects": (pod("a"),), "granularity": "reconcile", "faults": {"crash": 1}}
    return build(World(**{**usual, "components": {"kube-apiserver": options}, **fields}))


def names(cluster, state, prefix):
    return [n for n in map(cluster.encode, cluster.enabled(state)) if n.startswith(prefix)]


def test_a_watch_gets_what_its_own_server_has_received():
    cluster = served(clients={"kubelet/n1": SECOND})
    state = step_to(cluster, cluster.init(), "Schedule(scheduler")
    assert not names(cluster, state, "Sync(kubelet/n1") + names(cluster, state, "Sync(scheduler")
    first = step_to(cluster, state, f"Sync({FIRST}, pods")
    assert names(cluster, first, "Sync(scheduler, pods")
    assert not names(cluster, first, "Sync(kubelet/n1")
    with pytest.raises(NotEnabled):
        cluster.step(first, actions.Sync("kubelet/n1", "pods", "default/a@2"))
    second = step_to(cluster, first, f"Sync({SECOND}, pods")
    assert names(cluster, second, "Sync(kubelet/n1, pods")


def test_everything_that_runs_with_one_server_runs_with_two():
    fields = {"objects": (deployment("web", 2),), "nodes": 2}
    for world in (served(**fields), served(**fields, components={})):
        end = settled(world)
        assert {p.status.phase for p in objects(end, "pods")} == {"Running"}


def test_one_server_has_no_watch_cache_of_its_own():
    cluster = served(components={"kube-apiserver": {"replicas": 1}})
    assert not cluster.layout.servers
    assert len(cluster.layout.slots) == len(served(components={}).layout.slots)


def rested(cluster):
    """Everything has come to rest before the users do anything."""
    return _without(cluster, cluster.init(), "nobody")


def test_a_first_list_at_resource_version_0_may_be_old():
    cluster = served(operations=(delete("Pod", "a"),))
    state = rested(cluster)
    state = step_to(cluster, state, "User(")
    state = _without(cluster, state, SECOND)
    assert get(state, "pods/default/a") is None
    state = step_to(cluster, state, "Crash(kubelet/n1)", f"StartOn(kubelet/n1, to={SECOND})")
    state = step_to(cluster, state, "List(kubelet/n1, pods")
    cache = state.slots[cluster.layout.by_informer["kubelet/n1", "pods"]].cache
    assert not cache.get("pods/default/a").value.is_terminating
    end = settled(cluster, state)
    assert state.environment.clients == (("kubelet/n1", SECOND),)
    assert not end.slots[cluster.layout.by_host["runtime/n1"]].pods


def test_a_first_list_by_watch_list_waits_for_its_server():
    cluster = served(operations=(delete("Pod", "a"),), initial_lists="watchList")
    state = step_to(cluster, rested(cluster), "User(")
    state = _without(cluster, state, SECOND)
    state = step_to(cluster, state, "Crash(kubelet/n1)", f"StartOn(kubelet/n1, to={SECOND})")
    assert not names(cluster, state, "List(kubelet/n1, pods")
    while names(cluster, state, f"Sync({SECOND}, pods"):
        state = step_to(cluster, state, f"Sync({SECOND}, pods")
    state = step_to(cluster, state, "List(kubelet/n1, pods")
    cache = state.slots[cluster.layout.by_informer["kubelet/n1", "pods"]].cache
    assert not cache.entries()


def _without(cluster, state, server):
    """Everything but the watch caches of one server comes to rest."""
    for _ in range(200):
        mine = [
            a
            for a in cluster.enabled(state)
            if not str(a[0]).startswith(server)
            and not isinstance(a, actions.Crash | actions.User | actions.Advance)
        ]
        if not mine:
            return state
        state = cluster.step(state, mine[0])
    raise AssertionError("no rest")


def admits(cluster, state, process):
    """Whether a pod can be created through the server of a process."""
    made = pod("late")
    made["metadata"]["namespace"] = "staging"
    draft = state.draft()
    return cluster.steps.apply(draft, process, Create(Pod.from_json(made)), process).ok


def test_admission_goes_by_the_namespaces_that_its_own_server_knows():
    cluster = served(
        clients={"controller-manager": SECOND},
        objects=(namespace("staging"),),
        operations=(delete("Namespace", "staging"),),
    )
    state = cluster.init()
    assert admits(cluster, state, "scheduler") and admits(cluster, state, "controller-manager")
    state = step_to(cluster, state, "User(")
    assert not admits(cluster, state, "scheduler")  # the first has deleted it, and looks it up
    assert admits(cluster, state, "controller-manager")
    state = step_to(cluster, state, f"Sync({SECOND}, namespaces")
    assert admits(cluster, state, "controller-manager")
    state = step_to(cluster, state, f"Sync({SECOND}/admission, namespaces")
    assert not admits(cluster, state, "controller-manager")


def test_walks_keep_every_client_behind_its_server():
    cluster = served(objects=(deployment("web", 2),), nodes=2, granularity="request")
    layout = cluster.layout
    for seed in range(5):
        for _, _, state in walk(cluster, seed, 250):
            for (actor, resource), slot in layout.by_informer.items():
                process = layout.process_named(actor)
                if process.is_server or not state.slots[process.up] or not state.slots[slot].synced:
                    continue
                server = dict(state.environment.clients).get(actor, FIRST)
                known = state.slots[layout.by_informer[server, resource]].resume
                assert state.slots[slot].resume <= known


BAD = (
    {"replicas": 0},
    {"replicas": 2, "clients": {"nobody": FIRST}},
    {"clients": {"scheduler": 2}},
)


@pytest.mark.parametrize("options", BAD)
def test_bad_options_are_refused_in_a_line(options):
    with pytest.raises(InputError) as caught:
        served(components={"kube-apiserver": options})
    assert "kube-apiserver" in str(caught.value) and "\n" not in str(caught.value)


def test_servers_come_to_rest_with_everything_else():
    cluster = served(objects=(deployment("web", 1),))
    count = sum(1 for _ in fifo(cluster))
    end = settled(cluster)
    assert count and not end.system
