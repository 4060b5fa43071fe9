"""Jobs and CronJobs as the API server completes and refuses them, with upstream's field paths."""

import pytest

from kspec.errors import InputError
from kspec_models.apiserver.batch import controller_uid_label
from kspec_models.building import build
from kspec_models.manifests import Document, read_object
from kspec_models.worlds_jobs import cronjob, job, jobs_world

POLICY = {"action": "Ignore", "onExitCodes": {"operator": "In", "values": [1]}}


def stored(document):
    """The object as the API server has stored it."""
    state = build(jobs_world(document)).init()
    resource = document["kind"].lower() + "s"
    return state.api.store.get(f"{resource}/default/{document['metadata']['name']}").value


def with_template(document, **changes):
    """The Job with changes to its pod template."""
    document["spec"]["template"].update(changes)
    return document


def test_a_job_gets_its_defaults():
    spec = stored(job("pi")).spec
    assert (spec.parallelism, spec.completions, spec.backoff_limit) == (1, 1, 6)
    assert (spec.completion_mode, spec.suspend) == ("NonIndexed", False)
    assert spec.pod_replacement_policy == "TerminatingOrFailed"
    assert stored(job("pi", parallelism=2)).spec.completions is None
    indexed = {"completionMode": "Indexed", "completions": 2, "backoffLimitPerIndex": 1}
    assert stored(job("pi", **indexed)).spec.backoff_limit == 2**31 - 1
    failing = stored(job("pi", podFailurePolicy={"rules": [POLICY]})).spec
    assert failing.pod_replacement_policy == "Failed"


def test_a_job_selects_the_pods_of_its_own_uid():
    found = stored(job("pi"))
    label = controller_uid_label(found.uid)
    labels = found.spec.template.metadata.labels
    assert found.spec.selector["matchLabels"] == {"batch.kubernetes.io/controller-uid": label}
    assert labels["batch.kubernetes.io/job-name"] == labels["job-name"] == "pi"
    assert labels["controller-uid"] == label


def test_two_incarnations_of_a_job_have_labels_of_their_own():
    first, second = (controller_uid_label(f"jobs/default/pi#{i}") for i in (0, 1))
    assert first != second
    real = "4c3ae5a1-43e6-4b1a-94b0-6b7c9a1f0c11"
    assert controller_uid_label(real) == real


def test_a_cronjob_gets_its_defaults():
    spec = stored(cronjob("tick")).spec
    assert (spec.concurrency_policy, spec.suspend) == ("Allow", False)
    assert (spec.successful_jobs_history_limit, spec.failed_jobs_history_limit) == (3, 1)
    assert spec.job_template.spec.selector is None and spec.job_template.spec.completions is None


INDEXED = {"completionMode": "Indexed", "completions": 2}


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (job("pi", parallelism=-1), "spec.parallelism: Invalid value: -1: must be greater"),
        (job("pi", completions=-2), "spec.completions: Invalid value: -2: must be greater"),
        (job("pi", backoffLimit=-1), "spec.backoffLimit: Invalid value: -1"),
        (job("pi", ttlSecondsAfterFinished=-1), "spec.ttlSecondsAfterFinished: Invalid value"),
        (job("pi", activeDeadlineSeconds=-1), "spec.activeDeadlineSeconds: Invalid value: -1"),
        (
            job("pi", restart="Always"),
            'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
        ),
        (
            job("pi", completionMode="Indexed", parallelism=1),
            "spec.completions: Required value: when completion mode is Indexed",
        ),
        (job("pi", completionMode="Odd"), 'spec.completionMode: Unsupported value: "Odd"'),
        (
            job("pi", backoffLimitPerIndex=1),
            "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode",
        ),
        (
            job("pi", **INDEXED, maxFailedIndexes=1),
            "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified",
        ),
        (
            job("pi", **INDEXED, maxFailedIndexes=3, backoffLimitPerIndex=1),
            "spec.maxFailedIndexes: Invalid value: 3: must be less than or equal to completions",
        ),
        (
            job("pi", restart="OnFailure", podFailurePolicy={"rules": [POLICY]}),
            'spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never"',
        ),
        (
            job("pi", podFailurePolicy={"rules": [{**POLICY, "action": "FailIndex"}]}),
            "spec.podFailurePolicy.rules[0].action: Invalid value",
        ),
        (
            job("pi", podFailurePolicy={"rules": [{"action": "Count"}]}),
            "spec.podFailurePolicy.rules[0]: Invalid value: specifying one of",
        ),
        (
            job("pi", successPolicy={"rules": [{"succeededCount": 1}]}),
            "spec.successPolicy: Invalid value: requires indexed completion mode",
        ),
        (
            job("pi", **INDEXED, successPolicy={"rules": [{"succeededIndexes": "1-5"}]}),
            "spec.successPolicy.rules[0].succeededIndexes: Invalid value",
        ),
        (
            job("pi", podReplacementPolicy="Never"),
            'spec.podReplacementPolicy: Unsupported value: "Never"',
        ),
        (job("pi", manualSelector=True), "spec.selector: Required value"),
        (
            job("pi", manualSelector=True, selector={"matchLabels": {"a": "b"}}),
            "spec.template.metadata.labels: Invalid value: {}: `selector` does not match",
        ),
        (
            job("pi", selector={"matchLabels": {"a": "b"}}),
            'spec.selector: Invalid value: {"matchLabels":{"a":"b","batch',
        ),
        (
            with_template(job("pi"), metadata={"labels": {"job-name": "x"}}),
            "spec.template.metadata.labels: Invalid value: \"x\": must be 'pi'",
        ),
        (job("pi", exit_code="one"), "spec.template.metadata.annotations: Invalid value"),
        (
            cronjob("tick", "bad"),
            'spec.schedule: Invalid value: "bad": expected exactly 5 fields, found 1: [bad]',
        ),
        (cronjob("tick", ""), "spec.schedule: Required value"),
        (
            cronjob("tick", "TZ=UTC * * * * *"),
            'spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ',
        ),
        (cronjob("tick", timeZone="Asia/Tokyo"), 'spec.timeZone: Invalid value: "Asia/Tokyo"'),
        (
            cronjob("tick", concurrencyPolicy="Maybe"),
            'spec.concurrencyPolicy: Unsupported value: "Maybe": supported values: "Allow"',
        ),
        (
            cronjob("tick", startingDeadlineSeconds=-1),
            "spec.startingDeadlineSeconds: Invalid value: -1",
        ),
        (
            cronjob("tick", failedJobsHistoryLimit=-1),
            "spec.failedJobsHistoryLimit: Invalid value: -1",
        ),
        (
            cronjob("tick", template=job("x", restart="Always")["spec"]),
            "spec.jobTemplate.spec.template.spec.restartPolicy: Required value",
        ),
        (cronjob("t" * 53), "metadata.name: Invalid value"),
    ],
)
def test_what_the_api_server_refuses_is_told_with_its_path(document, problem):
    with pytest.raises(InputError) as caught:
        read_object(Document("file", document))
    name = document["metadata"]["name"]
    assert str(caught.value).startswith(f"file: {document['kind']} {name}: {problem}")


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("completions", 5, "spec.completions: Invalid value: 5: field is immutable"),
        ("completionMode", "Indexed", "spec.completionMode: Invalid value"),
        ("template", {"metadata": {"labels": {"a": "b"}}}, "spec.template: Invalid value"),
        ("selector", {"matchLabels": {"a": "b"}}, "spec."),
    ],
)
def test_an_update_may_not_change_what_a_job_is(field, value, problem):
    patch = {"kind": "Job", "name": "pi", "patch": {"spec": {field: value}}}
    cluster = build(jobs_world(job("pi"), operations=({"patch": patch},)))
    state = cluster.init()
    user = next(a for a in cluster.enabled(state) if cluster.encode(a).startswith("User"))
    after = cluster.step(state, user)
    assert after.answered[0].response.message.startswith(problem)


def test_indexed_jobs_grow_in_tandem_and_a_parallelism_may_change():
    for spec in ({"parallelism": 5}, {"completions": 5, "parallelism": 5}):
        patch = {"kind": "Job", "name": "pi", "patch": {"spec": spec}}
        cluster = build(jobs_world(job("pi", **INDEXED), operations=({"patch": patch},)))
        state = cluster.init()
        user = next(a for a in cluster.enabled(state) if cluster.encode(a).startswith("User"))
        assert cluster.step(state, user).answered[0].response.ok
