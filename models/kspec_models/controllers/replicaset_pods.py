"""Which pods belong to a ReplicaSet, as the cache shows them, and the answers to its claims.

After claimPods, getIndirectlyRelatedPods and FilterPodsByOwner in
pkg/controller/replicaset/replica_set.go and pkg/controller/controller_utils.go at Kubernetes 1.36.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kspec.values import Memo
from kspec_models.controllers import claims as claiming
from kspec_models.controllers.claims import Claims
from kspec_models.controllers.pods import in_namespace, is_active, is_terminating, selector_of
from kspec_models.controllers.replicaset_status import Counted
from kspec_models.host import View
from kspec_models.indexes import controlled_by, labelled, orphans
from kspec_models.objects import Pod, ReplicaSet, controller_of
from kspec_models.requests import Get, Request, Response
from kspec_models.store import Entry, Snapshot


class Claiming(NamedTuple):
    """Adoptions and releases are being answered."""

    replica_set: Entry
    claims: Claims
    terminating: int | None
    is_satisfied: bool
    has_failed: bool = False

    @property
    def counted(self) -> Counted:
        """The pods that count, once every claim is answered."""
        return Counted(_pods(self.claims.claimed), self.terminating)


class _Candidates(NamedTuple):
    replica_set: ReplicaSet
    owned: tuple[Entry, ...]
    orphans: tuple[Entry, ...]


class Observed(NamedTuple):
    """The cached pods of a ReplicaSet: its claims on them, and the pods that count."""

    claims: Claims
    counted: Counted


def _observe_candidates(candidates: _Candidates) -> Observed:
    replica_set, owned, loose = candidates
    selector = selector_of(replica_set.spec.selector)
    everyone = sorted((*owned, *loose), key=lambda entry: entry.key)
    claims = claiming.claim(replica_set, selector, (e for e in everyone if is_active(e.value)))
    ending = [e.value for e in owned if is_terminating(e.value)]
    terminating = sum(selector.matches(pod.metadata.labels) for pod in ending)
    return Observed(claims, Counted(_pods(claims.claimed), terminating))


_observe: Memo[_Candidates, Observed] = Memo("pods of a replicaset", _observe_candidates)


def _pods(entries: tuple[Entry, ...]) -> tuple[Pod, ...]:
    return tuple(entry.value for entry in entries)


def observe(replica_set: ReplicaSet, view: View) -> Observed:
    """The pods that the ReplicaSet owns, and the orphans of its namespace, sorted out."""
    pods = view.caches["pods"]
    owned, loose = controlled_by(pods, replica_set.uid), orphans(pods, replica_set.namespace)
    return _observe(_Candidates(replica_set, owned, loose))


def claimed(
    phase: Claiming, rest: tuple[Request, ...], request: Request, response: Response
) -> tuple[Claiming, tuple[Request, ...]]:
    """The phase and the requests that remain after one claim was answered.

    After a live read that forbids adoption, releases still go on. A pod that is gone is not ours.
    """
    if isinstance(request, Get):
        if claiming.can_adopt(phase.replica_set.value, response):
            return phase, rest
        releases = tuple(r for r in rest if not claiming.is_adoption(r))
        return phase._replace(has_failed=True), releases
    if response.ok:
        return phase, rest
    if not claiming.is_harmless(request, response):
        phase = phase._replace(has_failed=True)
    kept = tuple(e for e in phase.claims.claimed if e.value.key != getattr(request, "key", ""))
    return phase._replace(claims=phase.claims._replace(claimed=kept)), rest


def related_pods(replica_set: ReplicaSet, view: View) -> tuple[Pod, ...]:
    """The pods selected by any ReplicaSet of the same controlling owner, each once."""
    owner = controller_of(replica_set)
    if owner is None:
        return ()
    found: dict[str, Pod] = {}
    for entry in controlled_by(view.caches[replica_set.RESOURCE], owner.uid):
        for pod in _selected(entry.value, view.caches["pods"]):
            found.setdefault(pod.key, pod)
    return tuple(found.values())


def _selected(replica_set: ReplicaSet, pods: Snapshot) -> list[Pod]:
    selector = selector_of(replica_set.spec.selector)
    wanted = replica_set.spec.selector
    labels = dict(wanted.get("matchLabels") or {}) if wanted is not None else {}
    candidates: tuple[Any, ...] = in_namespace(pods, "pods", replica_set.namespace)
    if labels:
        candidates = _pods(labelled(pods, replica_set.namespace, labels))
    return [pod for pod in candidates if selector.matches(pod.metadata.labels)]
