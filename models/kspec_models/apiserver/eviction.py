"""The eviction subresource of pods: a delete that a disruption budget may refuse.

After pkg/registry/core/pod/storage/eviction.go at 1.36 (Create, checkAndDecrement, canIgnorePDB,
addConditionAndDeletePod). A pod that is over, pending or terminating already is deleted without
asking a budget. An unready pod goes where its budget is kept anyway, or allows it always. Otherwise
the budget is counted down and notes the pod before the pod is deleted.

Left out: that the budget's status, the pod's condition and its deletion are written by three
requests with retries on conflict, so that others may come in between: here they are one action.
What falls between the first and the last is what `disruptedPods` is for, and the disruption
controller is told of them one by one; an API server that stops half way leaves a pod noted that is
not deleted, which its controller forgets after two minutes.

`Drain` is what kubectl drain does once: cordon the node and evict all its pods but a DaemonSet's.
"""

from __future__ import annotations

from typing import Final

from kspec_models import requests as api
from kspec_models.apiserver.deletion import Deleting
from kspec_models.apiserver.replies import Api, Reply, put, refuse
from kspec_models.budgets import (
    BUDGETS,
    DISRUPTION_TARGET,
    EVICTION_BY_API,
    guards,
    is_evicted,
    is_ready,
    with_condition_updated,
)
from kspec_models.objects import (
    Condition,
    Pod,
    PodDisruptionBudget,
    Time,
    controller_of,
    with_condition,
)
from kspec_models.objects.record import encode_time
from kspec_models.requests import Response
from kspec_models.store import Change, Entry

MAX_DISRUPTED_POD_SIZE: Final = 2000
_OVER: Final = ("Succeeded", "Failed")
_VIOLATES: Final = "Cannot evict pod as it would violate the pod's disruption budget."


class Evicting(Deleting):
    """The part of the API server that evicts."""

    def evict(self, state: Api, request: api.Evict, now: int) -> Reply:
        """POST to pods/eviction."""
        old = state.store.get(f"pods/{request.key}")
        if old is None:
            return refuse(state, api.NOT_FOUND)
        if request.uid not in (None, old.value.uid):
            return refuse(state, api.CONFLICT, "the uid differs")
        if _ignores_budgets(old.value):
            return self._evicted(state, old, request, now)
        budgets = budgets_of(state, old.value)
        if len(budgets) > 1:
            text = "This pod has more than one PodDisruptionBudget"
            return refuse(state, api.INTERNAL_ERROR, f"{text}, which eviction does not support.")
        if not budgets or _is_spared(old.value, budgets[0].value):
            return self._evicted(state, old, request, now)
        counted = self.count_down(state, budgets[0], old.value, now)
        if not counted.response.ok:
            return counted
        reply = self._evicted(counted.api, old, request, now)
        return reply._replace(changes=counted.changes + reply.changes)

    def count_down(self, state: Api, entry: Entry, pod: Pod, now: int) -> Reply:
        """checkAndDecrement: take one disruption from the budget and note the pod."""
        budget: PodDisruptionBudget = entry.value
        status = budget.status
        if status.observed_generation < budget.metadata.generation:
            return refuse(state, api.TOO_MANY_REQUESTS, f"{_VIOLATES} {budget.name} is not synced.")
        if status.disruptions_allowed < 0:
            return refuse(state, api.FORBIDDEN, "pdb disruptions allowed is negative")
        if len(status.disrupted_pods) > MAX_DISRUPTED_POD_SIZE:
            return refuse(state, api.FORBIDDEN, "DisruptedPods map too big")
        if status.disruptions_allowed == 0:
            return refuse(state, api.TOO_MANY_REQUESTS, f"{_VIOLATES} DisruptionBudget")
        left = status.disruptions_allowed - 1
        noted = status.disrupted_pods.set(pod.name, encode_time(now))
        new = budget.replace(status=status.replace(disruptions_allowed=left, disrupted_pods=noted))
        return put(state, entry.key, with_condition_updated(new, now) if left == 0 else new)

    def _evicted(self, state: Api, old: Entry, request: api.Evict, now: int) -> Reply:
        """addConditionAndDeletePod."""
        marked = _marked(old.value, now)
        changes: tuple[Change, ...] = ()
        if marked != old.value:
            reply = put(state, old.key, marked)
            state, changes = reply.api, reply.changes
        grace = request.grace_period_seconds
        delete = api.Delete("pods", request.key, grace_period_seconds=grace)
        reply = self.delete(state, delete, now)
        return reply._replace(changes=changes + reply.changes)

    def drain(self, state: Api, request: api.Drain, now: int) -> Reply:
        """kubectl drain, once: cordon the node and ask for an eviction of each of its pods."""
        cordoned = self.cordon(state, request.node)
        state, changes = cordoned.api, cordoned.changes
        refused = cordoned.response
        for entry in state.store.bucket("pods").indexed(f"node/{request.node}"):
            owner = controller_of(entry.value)
            if owner is not None and owner.kind == "DaemonSet":
                continue
            reply = self.evict(state, api.Evict(entry.value.key), now)
            state, changes = reply.api, changes + reply.changes
            refused = refused if reply.response.ok else reply.response
        return Reply(state, refused, changes)

    def cordon(self, state: Api, name: str) -> Reply:
        """Mark a node as unschedulable."""
        old = state.store.get(f"nodes/{name}")
        if old is None:
            return refuse(state, api.NOT_FOUND)
        node = old.value
        if node.spec.unschedulable:
            return Reply(state, Response("", old))
        return put(state, old.key, node.replace(spec=node.spec.replace(unschedulable=True)))


def _marked(pod: Pod, now: int) -> Pod:
    """The pod with the condition that says why it goes."""
    if is_evicted(pod):
        return pod
    new = Condition(
        type=DISRUPTION_TARGET,
        status="True",
        reason=EVICTION_BY_API,
        message="Eviction API: evicting",
        last_transition_time=Time(now),
    )
    conditions = with_condition(pod.status.conditions, new)
    return pod.replace(status=pod.status.replace(conditions=conditions))


def _ignores_budgets(pod: Pod) -> bool:
    """canIgnorePDB: the pod is disrupted already, or does not run yet."""
    return pod.status.phase in (*_OVER, "Pending") or pod.is_terminating


def _is_spared(pod: Pod, budget: PodDisruptionBudget) -> bool:
    """Whether an unready pod may go without being counted."""
    if is_ready(pod):
        return False
    if budget.spec.unhealthy_pod_eviction_policy == "AlwaysAllow":
        return True
    status = budget.status
    return status.current_healthy >= status.desired_healthy > 0


def budgets_of(state: Api, pod: Pod) -> tuple[Entry, ...]:
    """getPodDisruptionBudgets: the budgets that guard the pod, in the order of their names."""
    entries = state.store.bucket(BUDGETS).entries()
    return tuple(entry for entry in entries if guards(entry.value, pod))
