"""The best possible placement, and policies measured against it and under tie rules."""

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kspec.errors import InputError
from kspec_models.objects import Node, Pod
from kspec_models.scheduler.framework import SUCCESS, UNSCHEDULABLE, Status
from kspec_models.scheduler.policies import POLICIES, load_policy
from kspec_models.scheduler.profile import LOCAL_FILTERS, Profile
from kspec_models.world import World
from kspec_models.worlds import application, deployment
from kspec_properties.trial import quality, ties
from kspec_properties.trial.counts import problem_of, total
from kspec_properties.trial.from_world import instance_of
from kspec_properties.trial.instances import Instance
from kspec_properties.trial.optimum import has_cp_sat, optimum, solve
from kspec_properties.trial.placement import place
from kspec_properties.trial.samples import samples

GPU = "example.com/gpu"
SOLVERS = ["z3", pytest.param("cp-sat", marks=pytest.mark.skipif(not has_cp_sat(), reason="extra"))]


def node(name, cpu=4, memory=4, pods=9, gpus=0, **spec):
    room = {"cpu": str(cpu), "memory": f"{memory}Gi", "pods": str(pods), GPU: str(gpus)}
    labels = {"name": name}
    return Node.from_json(
        {
            "metadata": {"name": name, "labels": labels},
            "spec": spec,
            "status": {"allocatable": room},
        }
    )


def pod(name, cpu=1, memory=1, gpus=0, bound="", **spec):
    requests = {"cpu": str(cpu), "memory": f"{memory}Gi"} | ({GPU: str(gpus)} if gpus else {})
    container = {"name": "c", "resources": {"requests": requests}}
    return Pod.from_json(
        {
            "metadata": {"name": name, "namespace": "d", "uid": name},
            "spec": {"containers": [container], "nodeName": bound, **spec},
        }
    )


amounts = st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 1))


@st.composite
def instances(draw):
    """A few nodes with something bound to them, and up to five pods, some of them picky."""
    count = draw(st.integers(1, 3))
    nodes = tuple(
        node(f"n{i}", *draw(st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 3))))
        for i in range(count)
    )
    if draw(st.booleans()):
        taint = [{"key": "k", "effect": "NoSchedule"}]
        nodes = (node("n0", 4, 4, 3, draw(st.integers(0, 2)), taints=taint), *nodes[1:])
    bound = (pod("old", 1, 1, bound="n0"),) if draw(st.booleans()) else ()
    pending = []
    for i in range(draw(st.integers(0, 5))):
        cpu, memory, gpus = draw(amounts)
        picky = {"nodeSelector": {"name": f"n{draw(st.integers(0, 2))}"}}
        tolerant = {"tolerations": [{"operator": "Exists"}]}
        spec = draw(st.sampled_from([{}, picky, tolerant]))
        pending.append(pod(f"p{i}", cpu, memory, gpus, **spec))
    return Instance(nodes, bound, tuple(pending))


REFERENCE = Profile("hard constraints", LOCAL_FILTERS)


def brute_force(instance):
    """The most pods that any assignment of pods to nodes, or to none, places."""
    best, infos = 0, instance.infos()
    for places in itertools.product(range(-1, len(infos)), repeat=len(instance.pending)):
        if sum(at >= 0 for at in places) > best and is_possible(instance, infos, places):
            best = sum(at >= 0 for at in places)
    return best


def is_possible(instance, infos, places):
    current, context = list(infos), instance.context()
    for waiting, at in zip(instance.pending, places, strict=True):
        if at < 0:
            continue
        if not REFERENCE.filter(waiting, current[at], context).ok:
            return False
        current[at] = current[at].with_pod(waiting)
    return True


@pytest.mark.parametrize("solver", SOLVERS)
@settings(max_examples=40, deadline=None)
@given(instance=instances())
def test_the_optimum_is_what_trying_every_placement_finds(solver, instance):
    found = optimum(instance, solver=solver)
    assert found.is_solved and found.placed == brute_force(instance) == total(found.counts)


@settings(max_examples=40, deadline=None)
@given(instance=instances(), name=st.sampled_from(["default", "first-fit", "most-allocated"]))
def test_no_policy_places_more_than_the_optimum(instance, name):
    placed = place(load_policy(name), instance)
    assert len(placed.bound) <= optimum(instance).placed
    assert len(placed.bound) + len(placed.waiting) == len(instance.pending)


def test_the_optimum_of_a_large_cluster_that_fits_takes_no_solver():
    nodes = tuple(node(f"n{i}", 16, 64, 110) for i in range(40))
    pending = tuple(pod(f"p{i}", 1 + i % 4, 1 + i % 7) for i in range(200))
    start = time.process_time()
    found = optimum(Instance(nodes, (), pending))
    assert (found.placed, found.how) == (200, "first-fit-decreasing")
    assert time.process_time() - start < 5


def test_a_solver_that_gives_up_is_not_called_an_optimum(monkeypatch):
    from kspec_properties.trial import z3_counts

    monkeypatch.setattr(z3_counts, "_STEPS", 1)
    nodes = tuple(node(f"n{i}", 7, 7, 110) for i in range(3))
    pending = tuple(pod(f"p{i}", 2 + i % 2, 2 + i % 3) for i in range(12))
    problem = problem_of(Instance(nodes, (), pending))
    found = solve(problem)
    assert not found.is_solved and found.placed < found.upper <= problem.pods
    row = quality.measure("x", load_policy("first-fit"), Instance(nodes, (), pending)).row
    assert row["best_is"].startswith("unknown") and not row["missed"] and row["undecided"]


def test_constraints_among_waiting_pods_make_it_an_upper_bound():
    term = {"labelSelector": {}, "topologyKey": "name"}
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    instance = Instance((node("n0"),), (), (pod("a"), pod("b", affinity=apart)))
    assert optimum(instance).couplings == ("pod anti-affinity",)
    row = quality.measure("x", load_policy("first-fit"), instance).row
    assert row["best_is"] == "an upper bound, without pod anti-affinity"


def test_an_unknown_solver_is_refused():
    with pytest.raises(InputError, match="no solver is called 'magic'; expected auto or z3"):
        optimum(Instance(()), solver="magic")


def test_workloads_become_the_pods_that_their_controllers_make():
    instance = instance_of(World(objects=(deployment("web", 3),), nodes=2)).instance
    assert [p.metadata.labels["app"] for p in instance.pending] == ["web"] * 3
    assert len(instance.nodes) == 2 and not instance.bound
    assert len(instance_of(application()).instance.pending) == 3


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_a_built_in_policy_is_measured_and_not_charged(name):
    made = quality.section(load_policy(name), time.perf_counter)
    assert {finding.verdict for finding in made.findings} == {"NoViolation"}
    assert len(made.rows) == len(samples())
    for row in made.rows:
        assert row["best_is"] == "optimum" and row["placed"] <= row["best"] <= row["pods"]
        has_left = bool(row["missed"] or row["unschedulable"])
        assert has_left == (row["placed"] < row["pods"]) and "undecided" not in row


def test_what_is_left_is_unschedulable_in_truth_or_missed():
    rows = {r["instance"]: r for r in quality.section(load_policy("default"), time.time).rows}
    assert rows["overloaded"]["unschedulable"] == "default/giant-1, default/small-3"
    assert rows["picky-pods-last"]["missed"] == "default/picky-2"
    assert rows["small-before-large"]["percent"] == 100.0


class NeverTheLastNode(Profile):
    """Refuses a node that has every right to take the pod."""

    def __init__(self):
        super().__init__("picky")

    def filter(self, pod, node_info, context):
        if node_info.name == context.nodes[-1].name:
            return Status(UNSCHEDULABLE, ("not there",), self.name)
        return super().filter(pod, node_info, context)


class Forgetful:
    """Refuses nothing: places more than there is room for."""

    name = "forgetful"

    def filter(self, pod, node_info, context):
        return SUCCESS

    def score(self, pod, node_infos, context):
        return [0] * len(node_infos)


def test_a_pod_that_fits_and_waits_is_charged():
    made = quality.section(NeverTheLastNode(), time.perf_counter)
    (charge,) = made.charges
    assert charge.name == "leaves-a-fitting-pod" and "waits though it fits n" in charge.text
    assert "kind: Pod" in charge.input and "test_trial_optimum.py" in charge.place


def test_a_policy_that_over_commits_does_not_raise_the_optimum():
    made = quality.section(Forgetful(), time.perf_counter)
    assert all(row["best_is"] == "optimum" for row in made.rows)
    assert any(row["placed"] > row["best"] for row in made.rows)


def test_tie_rules_are_told_apart():
    def shares(name):
        return {r["instance"]: r for r in ties.section(load_policy(name), time.time).rows}

    first_fit = shares("first-fit")["picky-pods-last"]
    assert first_fit["lowest_name"] < first_fit["highest_name"]
    assert first_fit["random_sd"] > 0
    assert shares("first-fit") == shares("first-fit")
