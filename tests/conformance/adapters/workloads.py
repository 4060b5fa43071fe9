"""Adapters of the Deployment sizes and of the order in which a ReplicaSet deletes pods."""

import pytest

from adapters import NotCovered, adapter
from kspec.errors import InputError
from kspec_models.controllers import deployment_rolling as rolling
from kspec_models.controllers import deployment_scaling as scaling
from kspec_models.controllers.deployment_steps import active
from kspec_models.controllers.ranking import Ranking, goes_before
from kspec_models.objects import Deployment, Pod, ReplicaSet
from kspec_models.objects.record import Time
from kspec_models.requests import Response
from kspec_models.store import Entry

NOW = Time(0)  # the cases' time.Now() is the model's epoch


@adapter("deployment_new_rs_replicas")
def check_new_replicas(case):
    given = case["input"]
    deployment = make_deployment(
        given["deploymentReplicas"],
        given["maxSurge"],
        given.get("maxUnavailable", 0),
        given["strategy"],
    )
    # Upstream's test passes the old ReplicaSet as all there are.
    size = scaling.new_size(deployment, given.get("oldRSReplicas", 0), given["newRSReplicas"])
    assert size == case["expected"]["replicas"]


@adapter("deployment_fenceposts")
def check_fenceposts(case):
    given, expected = case["input"], case["expected"]
    limits = (given.get(name) for name in ("maxSurge", "maxUnavailable"))
    surge, unavailable = (0 if limit is None else limit for limit in limits)
    if expected["error"]:
        with pytest.raises(InputError):
            scaling.fenceposts(surge, unavailable, given["desired"])
        return
    answer = scaling.fenceposts(surge, unavailable, given["desired"])
    assert answer == (expected["surge"], expected["unavailable"])


@adapter("deployment_scale")
def check_scale(case):
    given, expected = case["input"], case["expected"]
    deployment = Deployment.from_json(body(given["deployment"]))
    new = entry_of(given["newRS"]) if given["newRS"] else None
    old = tuple(map(entry_of, given["oldRSs"] or ()))
    sizes = dict(drive(scaling.scale(deployment, new, old)))

    def check(entry, size):
        name = entry.value.name
        if name not in (expected.get("notUpdated") or ()):
            assert sizes.get(name, entry.value.spec.replicas) == size, name

    if new is not None and expected["newRS"] is not None:
        check(new, expected["newRS"])
    for entry, size in zip(old, expected["oldRSs"] or (), strict=True):
        check(entry, size)


@adapter("deployment_rolling")
def check_rolling(case):
    given, expected = case["input"], case["expected"]
    for prefix, check in ROLLING.items():
        if given["call"].startswith(prefix):
            return check(given, expected)
    raise NotCovered(f"deployment_rolling call {given['call']!r}")


def check_resize_new(given, expected):
    deployment = make_deployment(given["deploymentReplicas"], given["maxSurge"], 0)
    old, new = sized("foo-v1", given["oldReplicas"]), sized("foo-v2", given["newReplicas"])
    check_scaled(
        rolling.resize_new(deployment, (old, new), new),
        expected["scaleExpected"],
        {"foo-v2": expected.get("expectedNewReplicas")},
    )


def check_shrink_old(given, expected):
    deployment = make_deployment(given["deploymentReplicas"], 0, given["maxUnavailable"])
    old = sized("foo-v2", given["oldReplicas"], given.get("readyPodsFromOldRS", 0))
    new = sized("foo-v1", given["newReplicas"], given.get("readyPodsFromNewRS", 0))
    check_scaled(
        rolling.shrink_old(deployment, (old, new), active((old,)), new),
        expected["scaleExpected"],
        {"foo-v2": expected.get("expectedOldReplicas")},
    )


def check_clean_up(given, expected):
    old = sized("foo-v2", given["oldReplicas"], given["readyPods"])
    steps = rolling.clean_up_unhealthy(make_deployment(10, 2, 2), (old,), given["maxCleanupCount"])
    sizes = dict(drive(steps))
    removed = given["oldReplicas"] - sizes.get("foo-v2", given["oldReplicas"])
    assert removed == expected["cleanupCountExpected"]


def check_scale_down(given, expected):
    deployment = make_deployment(given["deploymentReplicas"], 0, given["maxUnavailable"])
    available = given.get("readyPods", 0)
    old = sized("foo-v2", given["oldReplicas"], available)
    plan = rolling.plan_scale_down(deployment, (old,), (old,))
    assert bool(plan) == expected["scaleExpected"]
    if plan:
        assert plan[0].size == expected["expectedOldReplicas"]


ROLLING = {
    "reconcileNewReplicaSet": check_resize_new,
    "reconcileOldReplicaSets": check_shrink_old,
    "cleanupUnhealthyReplicas": check_clean_up,
    "scaleDownOldReplicaSets": check_scale_down,
}


def check_scaled(steps, is_expected, sizes):
    """A pass writes these sizes, or nothing where no scaling is expected."""
    written = dict(drive(steps))
    assert bool(written) == is_expected
    if is_expected:
        assert written == sizes


@adapter("pod_ranks")
def check_ranks(case):
    given = case["input"]
    ranking = Ranking(NOW, given["podDeletionCost"], given["logarithmicScaleDown"])
    if "lesser" in given:
        (a, rank_a), (b, rank_b) = ranked(given["lesser"]), ranked(given["greater"])
    else:
        a, rank_a = Pod.from_json(body(given["a"])), 1
        b, rank_b = (Pod.from_json(body(given["b"])), 1) if given.get("b") else (a, 1)
    assert goes_before(a, b, rank_a, rank_b, ranking) == case["expected"]["less"]
    assert not goes_before(b, a, rank_b, rank_a, ranking)


def ranked(given):
    return Pod.from_json(body(given["pod"])), given.get("rank", 0)


def body(data):
    """The object without what the model keeps elsewhere."""
    return {key: value for key, value in data.items() if key not in ("kind", "apiVersion")}


def make_deployment(replicas, surge, unavailable, strategy="RollingUpdate"):
    limits = {"maxSurge": surge, "maxUnavailable": unavailable}
    return Deployment.from_json(
        {
            "metadata": {"name": "foo", "namespace": "default"},
            "spec": {
                "replicas": replicas,
                "strategy": {
                    "type": strategy,
                    **({"rollingUpdate": limits} if strategy == "RollingUpdate" else {}),
                },
            },
        }
    )


def sized(name, replicas, available=0):
    return entry_of(
        {
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"replicas": replicas},
            "status": {"availableReplicas": available},
        }
    )


def entry_of(data):
    replica_set = ReplicaSet.from_json(body(data))
    return Entry(f"replicasets/{replica_set.key}", replica_set, 1, 1, 1)


def drive(steps):
    """Answer every write with its object; yields (name, size) of each, in order."""
    answer = None
    while True:
        try:
            request = steps.send(answer)
        except StopIteration:
            return
        replica_set = request.object
        answer = Response(entry=Entry(f"replicasets/{replica_set.key}", replica_set, 1, 2, 2))
        yield replica_set.name, replica_set.spec.replicas
