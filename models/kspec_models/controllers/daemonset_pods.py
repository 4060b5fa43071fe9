"""The pods of a DaemonSet by node, and the creates and deletes of one step of a pass.

After getDaemonPods, getNodesToDaemonPods and syncNodes of pkg/controller/daemon, in
daemon_controller.go, at Kubernetes 1.36. Creates start slowly: batches of 1, 2, 4, ... and a batch
in which one failed is the last, so that a quota that is used up is not asked hundreds of times.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from kspec.values import Memo
from kspec_models.controllers import claims as claiming
from kspec_models.controllers.claims import Claims
from kspec_models.controllers.daemonset_nodes import pod_for, target_node
from kspec_models.controllers.daemonset_steps import Cached, Expect, Lower, Steps
from kspec_models.controllers.pods import is_finished, selector_of, slow_start
from kspec_models.controllers.steps import WriteFailed, claimed
from kspec_models.objects import ApiObject, DaemonSet, Pod
from kspec_models.requests import NAMESPACE_TERMINATING, NOT_FOUND, Create, Delete, Response
from kspec_models.store import Entry

BURST_REPLICAS: Final = 250

ByNode = Mapping[str, tuple[Pod, ...]]


class Change(NamedTuple):
    """What one step of a pass is to create, by node, and to delete, by key of the pod."""

    nodes: tuple[str, ...] = ()
    pods: tuple[str, ...] = ()


class _Candidates(NamedTuple):
    owner: ApiObject
    entries: tuple[Entry, ...]


def _claim(candidates: _Candidates) -> Claims:
    selector = selector_of(candidates.owner.spec.selector)  # type: ignore[attr-defined]
    return claiming.claim(candidates.owner, selector, candidates.entries)


_claims: Memo[_Candidates, Claims] = Memo("claims of a daemonset", _claim)


def claimed_from_cache(daemon_set: DaemonSet, resource: str) -> Steps[tuple[Entry, ...]]:
    """The cached objects that are the DaemonSet's, after adoption and release."""
    entries: tuple[Entry, ...] = yield Cached(resource)
    claims = _claims(_Candidates(daemon_set, entries))
    if not claims.in_order:
        return claims.claimed
    return (yield from claimed(daemon_set, claims))


def daemon_pods(daemon_set: DaemonSet, *, with_deleted: bool = False) -> Steps[ByNode]:
    """The pods by the node where they run or are meant to.

    Without those that are finished and deleted, with which there is nothing left to do.
    """
    entries = yield from claimed_from_cache(daemon_set, "pods")
    found: dict[str, tuple[Pod, ...]] = {}
    for entry in entries:
        pod: Pod = entry.value
        node = target_node(pod)
        if node and (with_deleted or not (pod.is_terminating and is_finished(pod))):
            found[node] = (*found.get(node, ()), pod)
    return found


def by_age(pods: tuple[Pod, ...]) -> tuple[Pod, ...]:
    """podByCreationTimestampAndPhase: scheduled pods first, then by age, then by name."""
    return tuple(sorted(pods, key=_age))


def _age(pod: Pod) -> tuple[bool, int, str]:
    born = pod.metadata.creation_timestamp
    return not pod.spec.node_name, -(2**63) if born is None else born, pod.name


def sync_nodes(daemon_set: DaemonSet, revision: str, change: Change) -> Steps[None]:
    """Create and delete within the burst; raises WriteFailed for the first that failed."""
    nodes, pods = change.nodes[:BURST_REPLICAS], change.pods[:BURST_REPLICAS]
    yield Expect(len(nodes), len(pods))
    failed = yield from _create(daemon_set, revision, nodes)
    for key in pods:
        response: Response = yield Delete("pods", key)
        if response.ok:
            continue
        yield Lower(deletions=1)
        if response.reason != NOT_FOUND:
            failed = failed or response
    if failed is not None:
        raise WriteFailed(failed)


def _create(daemon_set: DaemonSet, revision: str, nodes: tuple[str, ...]) -> Steps[Response | None]:
    """The first failure. While the namespace is terminating every create fails, and nobody cares:
    then the expectation is left to expire."""
    failed: Response | None = None
    done = 0
    for size in slow_start(len(nodes)):
        for node in nodes[done : done + size]:
            response: Response = yield Create(pod_for(daemon_set, revision, node))
            if not response.ok and response.reason != NAMESPACE_TERMINATING:
                yield Lower(creations=1)
                failed = failed or response
        done += size
        if failed is not None:
            if done < len(nodes):
                yield Lower(creations=len(nodes) - done)
            break
    return failed
