"""Deployment controller: one ReplicaSet per pod template, and the pods moved from old to new.

After pkg/controller/deployment/deployment_controller.go at Kubernetes 1.36: the event handlers and
what a pass reads from its caches. The pass itself is in `deployment_sync`, its parts in
deployment_{revisions,scaling,rolling,status,conditions,steps}. The controller remembers nothing
between passes.

Left out: the live list of ReplicaSets when a pod of a Recreate Deployment is deleted; the cache is
read instead, so the key may be enqueued a moment too early, which costs an idle pass. Events.
"""

from __future__ import annotations

from typing import NamedTuple

import attrs

from kspec.values import Memo
from kspec_models.controllers import claims as claiming
from kspec_models.controllers.claims import Claims
from kspec_models.controllers.deployment_conditions import (
    NEW_REPLICA_SET_AVAILABLE,
    PAUSED,
    PROGRESSING,
    TIMED_OUT,
)
from kspec_models.controllers.deployment_steps import RECREATE, WriteFailed
from kspec_models.controllers.deployment_sync import Inputs, sync
from kspec_models.controllers.pods import is_finished, resolve_controller, selecting, selector_of
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.indexes import controlled_by, orphans
from kspec_models.objects import Deployment, Pod, ReplicaSet, condition, controller_of
from kspec_models.requests import ALREADY_EXISTS, Create, Request, Response
from kspec_models.store import Entry

NOTHING: tuple[()] = ()


class Waiting(NamedTuple):
    """A pass that waits for an answer: what it read, and the answers that it got so far."""

    inputs: Inputs
    answers: tuple[Response, ...] = ()


class _Candidates(NamedTuple):
    deployment: Deployment
    owned: tuple[Entry, ...]
    orphans: tuple[Entry, ...]


def _claim_candidates(candidates: _Candidates) -> Claims:
    deployment, owned, loose = candidates
    everyone = sorted((*owned, *loose), key=lambda entry: entry.key)
    return claiming.claim(deployment, selector_of(deployment.spec.selector), everyone)


_claims: Memo[_Candidates, Claims] = Memo("replicasets of a deployment", _claim_candidates)


class _Settled(NamedTuple):
    deployment: Deployment
    claims: Claims
    running: frozenset[str]


_NONE: frozenset[str] = frozenset()


def _looks_settled(deployment: Deployment) -> bool:
    """Whether a pass may well find nothing to do: saves a second run where it cannot."""
    status = deployment.status
    if status.observed_generation != deployment.metadata.generation:
        return False
    found = condition(status.conditions, PROGRESSING)
    return found is None or found.reason in (NEW_REPLICA_SET_AVAILABLE, TIMED_OUT, PAUSED)


def _finds_nothing(settled: _Settled) -> bool:
    """Whether the pass sends nothing and need not look again, whatever the time.

    A pass that depends on the time asks to be called again, so one that does not ask would find
    nothing at any time: that makes the answer good for all of them.
    """
    deployment, claims, running = settled
    entry = Entry(f"deployments/{deployment.key}", deployment, 0, 0, 0)
    worked = _continue(Waiting(Inputs(entry, claims, running, 0)))
    return not worked.requests and worked.requeue_after is None and not worked.failed


_is_idle: Memo[_Settled, bool] = Memo("deployments that rest", _finds_nothing)


@attrs.frozen
class DeploymentController:
    """The deployment controller of kube-controller-manager."""

    name: str = "deployment"
    watches: tuple[Watch, ...] = (Watch("deployments"), Watch("replicasets"), Watch("pods"))

    def initial(self) -> tuple[()]:
        return NOTHING

    def handle(
        self, memory: tuple[()], event: Notification, view: View
    ) -> tuple[tuple[()], tuple[str, ...]]:
        """Enqueue the Deployments that the event concerns."""
        if event.resource == "deployments":
            return memory, (event.key,)
        if event.resource == "pods":
            return memory, _on_pod(event, view)
        return memory, _on_replica_set(event, view)

    def reconcile(self, memory: tuple[()], key: str, view: View) -> Worked:
        """One syncDeployment, up to its first request."""
        entry = view.caches["deployments"].get(f"deployments/{key}")
        if entry is None:
            return Worked(memory)
        deployment, replica_sets = entry.value, view.caches["replicasets"]
        owned = controlled_by(replica_sets, deployment.uid)
        loose = orphans(replica_sets, deployment.namespace)
        claims = _claims(_Candidates(deployment, owned, loose))
        is_recreate = deployment.spec.strategy.type == RECREATE
        running = _running(claims, view) if is_recreate else _NONE
        if _looks_settled(deployment) and _is_idle(_Settled(deployment, claims, running)):
            return Worked(memory)
        return _continue(Waiting(Inputs(entry, claims, running, view.now)))

    def answer(
        self, memory: tuple[()], call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """One request was answered: run the pass on to the next.

        The pass looks a ReplicaSet that exists already up in the cache as it is by then.
        """
        phase: Waiting = call.phase
        if response.reason == ALREADY_EXISTS and isinstance(request, Create):
            found = view.caches["replicasets"].get(f"replicasets/{request.object.key}")
            response = response._replace(entry=found)
        return _continue(phase._replace(answers=(*phase.answers, response)))


def _continue(phase: Waiting) -> Worked:
    """Run the pass from its start, with the answers it got, to the next request or its end."""
    steps = sync(phase.inputs)
    try:
        request = next(steps)
        for response in phase.answers:
            request = steps.send(response)
    except StopIteration as end:
        return Worked(NOTHING, requeue_after=end.value)
    except WriteFailed:
        return Worked(NOTHING, failed=True)
    return Worked(NOTHING, (request,), phase)


def _running(claims: Claims, view: View) -> frozenset[str]:
    """The uids of the claimed ReplicaSets that have a pod which has not finished."""
    pods = view.caches["pods"]
    uids = [entry.value.uid for entry in claims.claimed]
    return frozenset(
        uid for uid in uids if any(not is_finished(e.value) for e in controlled_by(pods, uid))
    )


def _owner(replica_set: ReplicaSet, view: View) -> Deployment | None:
    owner: Deployment | None = resolve_controller(
        view.caches, Deployment, replica_set.namespace, controller_of(replica_set)
    )
    return owner


def _keys(owner: Deployment | None) -> tuple[str, ...]:
    return () if owner is None else (owner.key,)


def _adopters(replica_set: ReplicaSet, view: View) -> tuple[str, ...]:
    return tuple(d.key for d in selecting(view.caches, "deployments", replica_set))


def _on_replica_set(event: Notification, view: View) -> tuple[str, ...]:
    old, new = event.old, event.new
    if new is None:
        assert old is not None
        return _keys(_owner(old.value, view))
    current: ReplicaSet = new.value
    is_orphan = controller_of(current) is None
    if old is None:
        if is_orphan and not current.is_terminating:
            return _adopters(current, view)
        return _keys(_owner(current, view))
    if old.mod_revision == new.mod_revision:
        return ()
    former: ReplicaSet = old.value
    has_new_owner = controller_of(former) != controller_of(current)
    keys = _keys(_owner(former, view)) if has_new_owner else ()
    if not is_orphan:
        return keys + _keys(_owner(current, view))
    if has_new_owner or former.metadata.labels != current.metadata.labels:
        return keys + _adopters(current, view)
    return keys


def _on_pod(event: Notification, view: View) -> tuple[str, ...]:
    """Only the deletion of the last pod of a Recreate Deployment matters."""
    if event.new is not None or event.old is None:
        return ()
    pod: Pod = event.old.value
    replica_set = resolve_controller(view.caches, ReplicaSet, pod.namespace, controller_of(pod))
    owner = _owner(replica_set, view) if replica_set is not None else None
    if owner is None or owner.spec.strategy.type != RECREATE:
        return ()
    owned = controlled_by(view.caches["replicasets"], owner.uid)
    pods = view.caches["pods"]
    if any(controlled_by(pods, entry.value.uid) for entry in owned):
        return ()
    return (owner.key,)
