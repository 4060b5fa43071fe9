"""Deployment controller: one ReplicaSet per pod template, and the pods moved from old to new.

After pkg/controller/deployment/deployment_controller.go at Kubernetes 1.36: the event handlers and
what a pass reads from its caches. The pass is in `deployment_{pass,sync}`, its parts in
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
from kspec_models.controllers.concerns import concerns_owner
from kspec_models.controllers.deployment_pass import Waiting, decide
from kspec_models.controllers.deployment_steps import RECREATE
from kspec_models.controllers.deployment_sync import Inputs
from kspec_models.controllers.pods import is_finished, resolve_controller, selecting, selector_of
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.indexes import controlled_by, orphans
from kspec_models.objects import Deployment, Pod, ReplicaSet, controller_of
from kspec_models.requests import ALREADY_EXISTS, Create, Request, Response
from kspec_models.store import Entry

NOTHING: tuple[()] = ()


class _Candidates(NamedTuple):
    deployment: Deployment
    owned: tuple[Entry, ...]
    orphans: tuple[Entry, ...]


def _claim_candidates(candidates: _Candidates) -> Claims:
    deployment, owned, loose = candidates
    everyone = sorted((*owned, *loose), key=lambda entry: entry.key)
    return claiming.claim(deployment, selector_of(deployment.spec.selector), everyone)


_claims: Memo[_Candidates, Claims] = Memo("replicasets of a deployment", _claim_candidates)


_NONE: frozenset[str] = frozenset()


@attrs.frozen
class DeploymentController:
    """The deployment controller of kube-controller-manager."""

    name: str = "deployment"
    watches: tuple[Watch, ...] = (Watch("deployments"), Watch("replicasets"), Watch("pods"))

    def initial(self) -> tuple[()]:
        return NOTHING

    def concerns(self, event: Notification) -> bool:
        """Of pods, only the deletion of one that a ReplicaSet owns."""
        if event.resource == "pods":
            return event.new is None and concerns_owner(event, ReplicaSet.KIND)
        return event.resource == "deployments" or concerns_owner(event, Deployment.KIND)

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
    request, has_failed, requeue_after = decide(phase)
    if request is not None:
        return Worked(NOTHING, (request,), phase)
    return Worked(NOTHING, failed=has_failed, requeue_after=requeue_after)


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
