"""The HorizontalPodAutoscaler: what it scales to, when, and what it says about it."""

import attrs
import pytest
from cluster_runs import fifo, settled

from kspec.errors import InputError
from kspec_models.building import build
from kspec_models.manifests import Document, read_object
from kspec_models.objects import condition
from kspec_models.world import World
from kspec_models.worlds_autoscaling import autoscaler, load, set_load
from kspec_models.worlds_running import deployment_of, machine, pod_template, running

HPA = "horizontal-pod-autoscaler-controller"
NAMES = ("n1", "n2", "n3")
TEMPLATE = pod_template("100m", "64Mi")


def world(replicas, *objects, flags=None, **more):
    """A Deployment whose pods have run for an hour, and what is given."""
    places = [NAMES[i % 3] for i in range(replicas)]
    workload = running(deployment_of(TEMPLATE, replicas), places)
    return World(
        objects=(*map(machine, NAMES), *workload, *objects),
        granularity="reconcile",
        keep_status=True,
        controllers=("deployment-controller", "replicaset-controller", HPA),
        components={HPA: flags} if flags else {},
        **more,
    )


def sizes(world):
    """(virtual second, spec.replicas) at the start and wherever it changed, to the end of a run."""
    cluster = build(world)
    seen = [(0, replicas(cluster.init()))]
    for _, state in fifo(cluster):
        if replicas(state) != seen[-1][1]:
            seen.append((state.clock, replicas(state)))
    return seen


def replicas(state):
    return state.api.store.get("deployments/default/web").value.spec.replicas


def told(state, kind):
    """Reason of a condition of the autoscaler, with ! where it is false."""
    hpa = state.api.store.get("horizontalpodautoscalers/default/web").value
    found = condition(hpa.status.conditions, kind)
    return found.reason if found.status == "True" else f"!{found.reason}"


def by(metric, most=20, **spec):
    document = autoscaler(50, 1, most)
    document["spec"].update(metrics=[metric] if isinstance(metric, dict) else metric, **spec)
    return document


def goal(kind, **target):
    return {"type": kind, **target}


CPU = {"name": "cpu", "target": goal("Utilization", averageUtilization=50)}
QUEUE = {"metric": {"name": "queue"}, "target": goal("AverageValue", averageValue="10")}
INGRESS = {"kind": "Ingress", "name": "main", "apiVersion": "networking.k8s.io/v1"}


def level(source, value, **spec):
    return {**load(source=source, value=value, **spec), "metadata": {"name": f"{source.lower()}-1"}}


@pytest.mark.parametrize(
    ("metric", "used", "size"),
    [
        ({"type": "Resource", "resource": CPU}, load(value="65m"), 4),
        (
            {"type": "ContainerResource", "containerResource": {**CPU, "container": "app"}},
            load(value="65m", container="app"),
            4,
        ),
        (
            {
                "type": "Pods",
                "pods": {
                    "metric": {"name": "qps"},
                    "target": goal("AverageValue", averageValue="5"),
                },
            },
            level("Pods", "8", metric="qps"),
            5,
        ),
        (
            {
                "type": "Object",
                "object": {
                    "metric": {"name": "qps"},
                    "describedObject": INGRESS,
                    "target": goal("Value", value="100"),
                },
            },
            level("Object", "150", metric="qps", describedObject=INGRESS),
            5,
        ),
        (
            {"type": "External", "external": QUEUE},
            level("External", "45", metric="queue", series={"shard": "a"}),
            5,
        ),
    ],
)
def test_each_kind_of_metric_asks_for_its_replicas(metric, used, size):
    assert sizes(world(3, by(metric), used))[1] == (0, size)


def test_the_highest_of_several_metrics_wins():
    metrics = [{"type": "Resource", "resource": CPU}, {"type": "External", "external": QUEUE}]
    queue = level("External", "60", metric="queue")
    assert sizes(world(3, by(metrics), load(value="65m"), queue))[1] == (0, 6)


def test_without_all_metrics_nothing_is_scaled_down_but_up():
    metrics = [{"type": "Resource", "resource": CPU}, {"type": "External", "external": QUEUE}]
    low = settled(build(world(3, by(metrics), load(value="10m"))))
    assert replicas(low) == 3
    assert told(low, "ScalingActive") == "!FailedGetExternalMetric"
    assert sizes(world(3, by(metrics), load(value="65m")))[1] == (0, 4)


def test_without_metrics_the_replicas_stay_and_the_condition_says_why():
    state = settled(build(world(3, autoscaler(50, 1, 10))))
    assert replicas(state) == 3
    assert told(state, "ScalingActive") == "!FailedGetResourceMetric"


def test_a_missing_bound_comes_before_any_metric():
    assert sizes(world(3, autoscaler(50, 5, 10)))[-1][1] == 5
    assert sizes(world(3, autoscaler(50, 1, 2)))[-1][1] == 2


def test_a_target_of_no_replicas_is_left_alone():
    state = settled(build(world(0, autoscaler(50, 1, 10), load(value="100m"))))
    assert replicas(state) == 0
    assert told(state, "ScalingActive") == "!ScalingDisabled"


def test_scaling_up_goes_by_doubling_at_the_ends_of_the_sync_period():
    seen = sizes(world(3, autoscaler(10, 1, 30), load(value="100m")))
    assert seen == [(0, 3), (0, 6), (15, 12), (30, 24), (45, 30)]


def test_scaling_down_waits_for_the_stabilization_window():
    calm = world(4, autoscaler(50, 1, 10), load(value="50m"), operations=(set_load(value="20m"),))
    assert sizes(calm) == [(0, 4), (315, 2), (630, 1)]
    hasty = world(
        4, autoscaler(50, 1, 10), load(value="20m"), flags={"downscaleStabilizationSeconds": 0}
    )
    assert sizes(hasty) == [(0, 4), (0, 2), (15, 1)]


def behaving(most=40, **behavior):
    document = autoscaler(10, 1, most)
    document["spec"]["behavior"] = behavior
    return document


def pods(value, period):
    return {"type": "Pods", "value": value, "periodSeconds": period}


def percent(value, period):
    return {"type": "Percent", "value": value, "periodSeconds": period}


def test_policies_limit_how_fast_it_goes():
    slow = behaving(10, scaleUp={"policies": [pods(2, 60)]})
    assert sizes(world(3, slow, load(value="100m"))) == [
        *((0, 3), (0, 5), (60, 7), (120, 9), (180, 10)),
    ]
    least = {"policies": [pods(4, 60), percent(100, 60)], "selectPolicy": "Min"}
    assert sizes(world(3, behaving(10, scaleUp=least), load(value="100m")))[1] == (0, 6)
    most = {"policies": [pods(4, 60), percent(100, 60)]}
    assert sizes(world(3, behaving(10, scaleUp=most), load(value="100m")))[1] == (0, 7)
    never = {"selectPolicy": "Disabled"}
    assert sizes(world(3, behaving(10, scaleUp=never), load(value="100m"))) == [(0, 3)]


def test_policies_limit_how_fast_it_shrinks():
    slow = behaving(
        scaleDown={"policies": [pods(1, 30)], "stabilizationWindowSeconds": 0},
    )
    assert sizes(world(4, slow, load(value="1m"))) == [(0, 4), (0, 3), (30, 2), (60, 1)]


def test_tolerance_may_differ_by_direction():
    steady = autoscaler(100, 1, 10)
    assert sizes(world(4, steady, load(value="108m"))) == [(0, 4)]
    steady["spec"]["behavior"] = {"scaleUp": {"tolerance": "0.05"}}
    assert sizes(world(4, steady, load(value="108m")))[1] == (0, 5)
    assert sizes(world(4, steady, load(value="92m"))) == [(0, 4)]


def test_a_conflict_on_the_scale_is_met_by_the_next_pass():
    """Between the read and the write of the scale a user writes it too."""
    operations = ({"scale": {"kind": "Deployment", "name": "web", "replicas": 4}},)
    given = world(3, autoscaler(50, 1, 10), load(value="100m"), operations=operations)
    cluster = build(attrs.evolve(given, granularity="request"))
    state, read = cluster.init(), 0
    while True:
        enabled = [cluster.encode(action) for action in state.enabled]
        wanted = "User(" if read == 1 and any(e.startswith("User(") for e in enabled) else "hpa"
        text = next(e for e in enabled if wanted in e)
        read += "Deliver(hpa" in text and "Get" in text
        state = cluster.step(state, cluster.decode(text))
        hpa = state.api.store.get("horizontalpodautoscalers/default/web").value
        if hpa.status.conditions:
            break
    assert replicas(state) == 4
    assert told(state, "AbleToScale") == "!FailedUpdateScale"
    assert replicas(settled(cluster, state)) > 4


def test_two_autoscalers_of_the_same_pods_scale_nothing():
    other = {**autoscaler(10, 1, 9), "metadata": {"name": "other", "namespace": "default"}}
    state = settled(build(world(3, autoscaler(50, 1, 10), other, load(value="100m"))))
    assert replicas(state) == 3
    assert told(state, "ScalingActive") == "!AmbiguousSelector"


def test_an_autoscaler_that_has_nothing_to_do_comes_to_rest():
    cluster = build(world(3, autoscaler(50, 1, 10), load(value="50m")))
    passes = [a for a, _ in fifo(cluster) if cluster.encode(a).startswith("Reconcile(hpa")]
    assert len(passes) == 1


def test_version_one_is_read_as_version_two():
    old = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "maxReplicas": 10,
            "targetCPUUtilizationPercentage": 50,
        },
    }
    assert sizes(world(3, old, load(value="65m")))[1] == (0, 4)


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"minReplicas": 0}, "spec.minReplicas: Invalid value: 0"),
        ({"maxReplicas": 0}, "spec.maxReplicas: Invalid value: 0"),
        ({"minReplicas": 5, "maxReplicas": 4}, "or equal to `minReplicas`"),
        ({"metrics": [{"type": "Resource"}]}, "spec.metrics[0].resource: Required value"),
        ({"metrics": [{"type": "Cloud"}]}, 'spec.metrics[0].type: Unsupported value: "Cloud"'),
        (
            {
                "metrics": [
                    {"type": "Resource", "resource": {**CPU, "target": {"type": "Utilization"}}}
                ]
            },
            "must set averageUtilization or averageValue",
        ),
        (
            {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 4000}}},
            "spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 4000",
        ),
        ({"behavior": {"scaleUp": {"policies": []}}}, "spec.behavior.scaleUp.policies: Required"),
    ],
)
def test_what_the_api_server_refuses_is_refused(spec, why):
    document = autoscaler(50, 1, 10)
    document["spec"].update(spec)
    with pytest.raises(InputError) as refused:
        read_object(Document("a.yaml:1", document))
    assert why in str(refused.value)


@pytest.mark.parametrize(
    "spec",
    [
        {"value": "1", "total": "2"},
        {},
        {"value": "-1"},
        {"source": "Sun", "value": "1"},
        {"vlaue": "1"},
    ],
)
def test_a_load_that_says_nothing_or_two_things_is_refused(spec):
    with pytest.raises(InputError):
        read_object(Document("a.yaml:1", load(**spec)))


@pytest.mark.parametrize(
    "flags", [{"syncPeriod": 15}, {"tolerance": -1}, {"syncPeriodSeconds": "1"}]
)
def test_an_option_that_is_none_is_refused(flags):
    with pytest.raises(InputError):
        build(world(3, autoscaler(50, 1, 10), flags=flags))
