"""Whether a container is started again: by its own policy and rules, or by those of its pod.

After ShouldContainerBeRestarted in pkg/kubelet/container/helpers.go and ContainerShouldRestart in
pkg/api/v1/pod/util.go at 1.36. Since 1.35 a container may have a restartPolicy and
restartPolicyRules of its own (ContainerRestartRules): first the rules in their order, then the
container's policy, then the pod's.

Left out: the rule action RestartAllContainers, which is alpha: a rule with it leaves the
decision to the policy, as upstream does for any action that it does not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from kspec_models.objects import Container, FrozenMap

CREATED: Final = "created"
RUNNING: Final = "running"
EXITED: Final = "exited"
UNKNOWN: Final = "unknown"

ALWAYS: Final = "Always"
ON_FAILURE: Final = "OnFailure"
NEVER: Final = "Never"


class ContainerRun(NamedTuple):
    """One run of a container, as the runtime tells it."""

    state: str
    exit_code: int = 0


class RestartPolicy(NamedTuple):
    """What decides for one container: the policy that is in force, and rules that go before it."""

    policy: str = ALWAYS
    rules: tuple[FrozenMap[Any], ...] = ()

    def restarts(self, exit_code: int) -> bool:
        """ContainerShouldRestart: whether an exit with that code is followed by another start."""
        first = next((rule for rule in self.rules if _matches(rule, exit_code)), None)
        if first is not None and first.get("action") == "Restart":
            return True
        return self.policy == ALWAYS or (self.policy == ON_FAILURE and exit_code != 0)

    @property
    def is_always(self) -> bool:
        """Whether it never lets the container be over."""
        return self.policy == ALWAYS


def _matches(rule: FrozenMap[Any], exit_code: int) -> bool:
    codes = rule.get("exitCodes") or {}
    is_named = exit_code in tuple(codes.get("values") or ())
    operator = codes.get("operator")
    return is_named if operator == "In" else operator == "NotIn" and not is_named


def restart_policy_of(container: Container, pod_policy: str) -> RestartPolicy:
    """The policy of a container in a pod with that restartPolicy; an unknown one is Always."""
    own = container.restart_policy
    rules = tuple(container.extra.get("restartPolicyRules") or ()) if own else ()
    policy = own if own in (ALWAYS, ON_FAILURE, NEVER) else pod_policy
    return RestartPolicy(policy if policy in (ON_FAILURE, NEVER) else ALWAYS, rules)


def should_be_restarted(
    policy: RestartPolicy, history: Sequence[ContainerRun], *, is_pod_deleted: bool
) -> bool:
    """ShouldContainerBeRestarted: whether to start a container, given its runs, newest first."""
    if is_pod_deleted:
        return False
    if not history:
        return True
    latest = history[0]
    if latest.state == RUNNING:
        return False
    if latest.state in (UNKNOWN, CREATED):
        return True
    return policy.restarts(latest.exit_code)
