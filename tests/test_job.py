"""What the Job controller does in a cluster, run first in, first out, to its end."""

import pytest
from cluster_runs import fifo, get, objects, settled, step_to, walk

from kspec_models.building import build
from kspec_models.controllers.job import JobController
from kspec_models.controllers.job_facts import TRACKING_FINALIZER
from kspec_models.controllers.job_memory import JobMemory
from kspec_models.host import Call, View
from kspec_models.requests import FORBIDDEN, NAMESPACE_TERMINATING, Create, Response, Update
from kspec_models.worlds import delete
from kspec_models.worlds_jobs import job, jobs_world
from kspec_properties.jobs import a_job_keeps_within_its_parallelism


def patch(name, **spec):
    """The operation that patches the spec of a Job."""
    return {"patch": {"kind": "Job", "name": name, "patch": {"spec": spec}}}


def run(*given, **options):
    """The state in which a world of these Jobs comes to rest."""
    return settled(build(jobs_world(*given, granularity="reconcile", **options)))


def ended(state, name="pi"):
    """The type and the reason of the condition that a Job ended with."""
    status = get(state, f"jobs/default/{name}").status
    return [(c.type, c.reason) for c in status.conditions if c.type in ("Complete", "Failed")]


def status(state, name="pi"):
    return get(state, f"jobs/default/{name}").status


def phases(state):
    return [pod.status.phase for pod in objects(state, "pods")]


def test_a_job_runs_its_completions_and_counts_them():
    state = run(job("pi", parallelism=2, completions=3))
    assert ended(state) == [("Complete", "")]
    assert (status(state).succeeded, status(state).failed, status(state).active) == (3, 0, 0)
    assert phases(state) == ["Succeeded"] * 3
    assert all(TRACKING_FINALIZER not in pod.metadata.finalizers for pod in objects(state, "pods"))


def test_a_job_tells_of_its_end_before_it_is_over():
    conditions = [c.type for c in status(run(job("pi"))).conditions]
    assert conditions == ["SuccessCriteriaMet", "Complete"]
    conditions = [c.type for c in status(run(job("pi", exit_code="1", backoffLimit=0))).conditions]
    assert conditions == ["FailureTarget", "Failed"]


def test_failed_pods_are_replaced_after_10_20_40_seconds_until_the_backoff_limit():
    state = run(job("pi", exit_code="1", backoffLimit=3))
    made = [pod.metadata.creation_timestamp for pod in objects(state, "pods")]
    assert made == [0, 10, 30, 70]
    assert ended(state) == [("Failed", "BackoffLimitExceeded")]
    assert status(state).failed == 4


def test_active_stays_true_while_a_replacement_waits():
    """Until 1.36.2 it was 0 meanwhile, and less than ready (kubernetes/kubernetes#139457)."""
    given = job("pi", parallelism=2, completions=2, exit_code="1,0", exits_after=7)
    cluster = build(jobs_world(given, granularity="reconcile"))
    for _, state in fifo(cluster):
        found = status(state)
        assert (found.ready or 0) <= found.active


@pytest.mark.parametrize(
    ("options", "end", "failed"),
    [
        ({"activeDeadlineSeconds": 30, "exits_after": 100}, "DeadlineExceeded", 1),
        ({"restart": "OnFailure", "exit_code": "1", "backoffLimit": 2}, "BackoffLimitExceeded", 1),
        (
            {
                "exit_code": "42",
                "podFailurePolicy": {
                    "rules": [
                        {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}
                    ]
                },
            },
            "PodFailurePolicy",
            1,
        ),
    ],
)
def test_a_job_fails_for_its_reason(options, end, failed):
    state = run(job("pi", **options))
    assert ended(state) == [("Failed", end)]
    assert (status(state).failed, status(state).active) == (failed, 0)


def test_ignored_failures_do_not_count_towards_the_limit():
    rule = {"action": "Ignore", "onExitCodes": {"operator": "In", "values": [3]}}
    policy = {"rules": [rule]}
    given = job("pi", exit_code="3", backoffLimit=0, podFailurePolicy=policy)
    given["spec"]["activeDeadlineSeconds"] = 45
    state = run(given)
    assert ended(state) == [("Failed", "DeadlineExceeded")]
    assert status(state).failed == 0 and len(phases(state)) == 3  # at 0, 10 and 30


def test_an_indexed_job_runs_each_index_once():
    state = run(job("pi", completionMode="Indexed", completions=3, parallelism=2))
    assert (status(state).completed_indexes, status(state).succeeded) == ("0-2", 3)
    pods = objects(state, "pods")
    assert [pod.name for pod in pods] == ["pi-0-1", "pi-1-1", "pi-2-1"]
    assert [pod.spec.hostname for pod in pods] == ["pi-0", "pi-1", "pi-2"]


def test_each_index_has_a_backoff_limit_of_its_own():
    options = {"completions": 2, "parallelism": 2, "backoffLimitPerIndex": 1}
    state = run(job("pi", completionMode="Indexed", exit_code="1", **options))
    assert ended(state) == [("Failed", "FailedIndexes")]
    assert (status(state).failed_indexes, status(state).failed) == ("0,1", 4)


def test_a_success_policy_ends_a_job_before_its_completions():
    policy = {"rules": [{"succeededIndexes": "0"}]}
    given = {"completions": 3, "parallelism": 2, "exits_after": 10, "successPolicy": policy}
    state = run(job("pi", completionMode="Indexed", **given))
    assert ended(state) == [("Complete", "SuccessPolicy")]
    assert status(state).completed_indexes in ("0", "0,1")


def test_a_suspended_job_has_no_pods_and_starts_its_time_when_it_resumes():
    given = job("pi", exits_after=20, suspend=True)
    assert status(run(given)).start_time is None
    state = run(given, operations=(patch("pi", suspend=False),))
    assert ended(state) == [("Complete", "")]
    start, end = status(state).start_time, status(state).completion_time
    assert start is not None and end == start + 20


def test_suspending_a_job_deletes_its_pods_without_counting_them():
    operation = patch("pi", suspend=True)
    state = run(job("pi", exits_after=50, parallelism=2, completions=2), operations=(operation,))
    assert not objects(state, "pods")
    assert (status(state).failed, status(state).active) == (0, 0)
    assert [c.type for c in status(state).conditions] == ["Suspended"]


def test_a_smaller_parallelism_deletes_the_surplus_without_counting_it():
    cluster = build(
        jobs_world(
            job("pi", exits_after=50, parallelism=3, completions=3),
            granularity="reconcile",
            operations=(patch("pi", parallelism=1),),
        )
    )
    state = settled(cluster)
    assert ended(state) == [("Complete", "")]
    assert (status(state).succeeded, status(state).failed) == (3, 0)


def test_a_deleted_pod_counts_as_failed_and_is_replaced():
    operation = delete("Pod", "pi-1")
    state = run(job("pi", exits_after=50), operations=(operation,))
    assert (status(state).succeeded, status(state).failed) == (1, 1)


def test_a_deleted_job_leaves_no_pod_behind():
    state = run(job("pi", exits_after=50, parallelism=2), operations=(delete("Job", "pi"),))
    assert not objects(state, "jobs") and not objects(state, "pods")


def test_a_job_with_a_time_to_live_is_deleted_when_it_is_over():
    cluster = build(
        jobs_world(job("pi", exits_after=30, ttlSecondsAfterFinished=60), granularity="reconcile")
    )
    gone = next(s.clock for _, s in fifo(cluster) if get(s, "jobs/default/pi") is None)
    assert gone == 90


def test_an_orphan_that_matches_is_adopted_with_the_finalizer():
    given = job("pi", exits_after=50, manualSelector=True)
    given["spec"]["selector"] = {"matchLabels": {"app": "pi"}}
    given["spec"]["template"]["metadata"]["labels"] = {"app": "pi"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "loose", "labels": {"app": "pi"}},
    }
    pod["spec"] = given["spec"]["template"]["spec"]
    cluster = build(jobs_world(given, pod, granularity="reconcile"))
    state = step_to(cluster, cluster.init(), "Reconcile(job")
    found = get(state, "pods/default/loose")
    assert [owner.kind for owner in found.metadata.owner_references] == ["Job"]
    assert TRACKING_FINALIZER in found.metadata.finalizers
    assert len(objects(state, "pods")) == 1


def test_a_restart_counts_no_pod_twice():
    given = job("pi", parallelism=2, completions=2, exit_code="0,1")
    cluster = build(jobs_world(given, faults={"crash": 2}))
    for seed in range(8):
        for _, _, state in walk(cluster, seed, 400):
            found = get(state, "jobs/default/pi").status
            listed = found.uncounted_terminated_pods
            waiting = len(listed.succeeded) + len(listed.failed) if listed else 0
            made = state.api.names.get("pods/default/pi-", 0)
            assert found.succeeded + found.failed + waiting <= made


def test_a_job_without_seeing_its_own_pods_makes_no_more():
    cluster = build(jobs_world(job("pi", parallelism=2, completions=4), granularity="reconcile"))
    state = step_to(cluster, cluster.init(), "Reconcile(job", "Sync(controller-manager, jobs")
    before, after = state, step_to(cluster, state, "Reconcile(job")
    assert a_job_keeps_within_its_parallelism.holds(before, after)
    assert len(objects(after, "pods")) == 2


def test_a_stale_check_keeps_a_job_from_making_a_pod_that_it_does_not_need():
    """Without it a pod is made where the informer of Jobs lags behind that of pods."""
    found = {}
    for is_checked in (False, True):
        cluster = build(
            jobs_world(job("pi"), granularity="reconcile", stale_controller_check=is_checked)
        )
        walks = (walk(cluster, seed, 150) for seed in range(60))
        made = [
            state.api.names.get("pods/default/pi-", 0) for steps in walks for *_, state in steps
        ]
        found[is_checked] = max(made)
    assert found == {False: 2, True: 1}


def manage(refused=""):
    """The requests of one pass over a Job of seven pods, refused from the first create on."""
    given = build(jobs_world(job("pi", parallelism=7, completions=7))).init()
    caches = {name: given.api.store.bucket(name) for name in ("jobs", "pods")}
    view, controller = View(caches, 0), JobController()
    worked = controller.reconcile(JobMemory(), "default/pi", view)
    sent = []
    while worked.requests:
        request, *rest = worked.requests
        sent.append(request)
        reason = refused if isinstance(request, Create) else ""
        entry = caches["jobs"].get("jobs/default/pi") if isinstance(request, Update) else None
        call = Call("default/pi", tuple(rest), worked.phase)
        answer = Response(reason, entry)
        worked = controller.answer(worked.memory, call, request, answer, view)
    return sent, worked


def test_pods_are_created_in_growing_batches_until_one_is_refused():
    sent, worked = manage()
    assert sum(isinstance(request, Create) for request in sent) == 7
    assert not worked.memory.expectations.are_satisfied("default/pi", 0)
    sent, worked = manage(FORBIDDEN)
    assert sum(isinstance(request, Create) for request in sent) == 1
    assert worked.failed and worked.memory.expectations.are_satisfied("default/pi", 0)
    assert sent[-1].object.status.active == 0


def test_a_namespace_that_ends_is_no_error_and_leaves_the_expectations():
    sent, worked = manage(NAMESPACE_TERMINATING)
    assert sum(isinstance(request, Create) for request in sent) == 7
    assert not worked.failed and not worked.memory.expectations.are_satisfied("default/pi", 0)


@pytest.mark.parametrize(("policy", "replaces"), [("TerminatingOrFailed", True), ("Failed", False)])
def test_a_replacement_may_have_to_wait_until_a_pod_has_failed(policy, replaces):
    given = job("pi", exits_after=50, podReplacementPolicy=policy)
    operations = (delete("Pod", "pi-1"),)
    cluster = build(jobs_world(given, granularity="reconcile", operations=operations))
    state = step_to(cluster, cluster.init(), "Reconcile(job", "Sync(scheduler", "Schedule(", "User")
    assert [pod.is_terminating for pod in objects(state, "pods")] == [True]
    caches = {name: state.api.store.bucket(name) for name in ("jobs", "pods")}
    worked = JobController().reconcile(JobMemory(), "default/pi", View(caches, now=100))
    assert any(isinstance(request, Create) for request in worked.requests) == replaces
