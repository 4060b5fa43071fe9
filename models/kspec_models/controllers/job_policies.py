"""What a Job's pod failure policy says of a failed pod, and whether its success policy is met.

After pkg/controller/job/{pod_failure_policy,success_policy}.go at Kubernetes 1.36. Both policies
are frozen JSON that validation has accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from kspec_models.objects import ContainerStatus, FrozenMap, Job, Pod

IGNORE, FAIL_INDEX, FAIL_JOB, COUNT = "Ignore", "FailIndex", "FailJob", "Count"
NO_ACTION: Final = ""


class Match(NamedTuple):
    """action: of the first rule that matches. is_counted: towards the backoff limits.

    message: why the Job fails at once, "" where it does not.
    """

    action: str = NO_ACTION
    is_counted: bool = True
    message: str = ""


def match_failure_policy(job: Job, pod: Pod) -> Match:
    """matchPodFailurePolicy; without a policy every failure counts."""
    policy = job.spec.pod_failure_policy
    if policy is None:
        return Match()
    for index, rule in enumerate(policy.get("rules") or ()):
        cause = _cause(rule, pod)
        if cause:
            action = str(rule.get("action"))
            end = f"matching {action} rule at index {index}"
            message = f"{cause} {end}" if action == FAIL_JOB else ""
            return Match(action, action != IGNORE, message)
    return Match()


def _cause(rule: FrozenMap[Any], pod: Pod) -> str:
    """Why a rule matches a failed pod, in the words of upstream; "" where it does not."""
    codes = rule.get("onExitCodes")
    if codes is not None:
        status = _failed_container(pod, codes)
        if status is None:
            return ""
        code = status.state["terminated"]["exitCode"]
        return f"Container {status.name} for pod {pod.key} failed with exit code {code}"
    for condition in pod.status.conditions:
        for pattern in rule.get("onPodConditions") or ():
            if (condition.type, condition.status) == (pattern.get("type"), pattern.get("status")):
                return f"Pod {pod.key} has condition {condition.type}"
    return ""


def _failed_container(pod: Pod, codes: FrozenMap[Any]) -> ContainerStatus | None:
    """The first container that ended with a code that the rule names, containers before inits."""
    statuses: Iterable[ContainerStatus] = (
        *pod.status.container_statuses,
        *pod.status.init_container_statuses,
    )
    for status in statuses:
        ended = status.state.get("terminated")
        if ended is None or codes.get("containerName") not in (None, status.name):
            continue
        code = ended.get("exitCode", 0)
        is_named = code in tuple(codes.get("values") or ())
        if code != 0 and is_named == (codes.get("operator") == "In"):
            return status
    return None


class SuccessRule(NamedTuple):
    """A rule of a success policy: indexes that must succeed, or how many of them are enough."""

    indexes: str | None
    enough: int | None


def success_rules(job: Job) -> Sequence[SuccessRule]:
    """The rules of the Job's success policy, none without one."""
    policy = job.spec.success_policy
    if policy is None:
        return ()
    return tuple(
        SuccessRule(rule.get("succeededIndexes"), rule.get("succeededCount"))
        for rule in policy.get("rules") or ()
    )
