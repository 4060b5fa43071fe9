"""What namespaces, accounts, pods and deletions promise in the end."""

from __future__ import annotations

from kspec.logic import HOLDS, Verdict, fails, forall
from kspec.property import eventually_stable, sometimes, transition
from kspec_models.controllers.pods import is_ready
from kspec_models.objects import MODELLED, Pod
from kspec_models.state import State
from kspec_properties.faults import all_but
from kspec_properties.foreign_finalizers import unless_held
from kspec_properties.reading import fresh, newest, pods, values, written

_NAMESPACED = tuple(cls.RESOURCE for cls in MODELLED if cls.NAMESPACED)


def _namespaces_are_gone(state: State) -> Verdict:
    found = forall(
        values(state, "namespaces"),
        lambda space: not space.is_terminating,
        lambda space: f"namespace {space.name} is still Terminating",
    )
    return unless_held(state, found)


a_deleted_namespace_empties = eventually_stable(
    "a-deleted-namespace-empties",
    promise="A deleted namespace is gone in the end.",
    conditions=(
        "If its finalizers belong to running controllers, its nodes return or are deleted, and one "
        "API server with a current view admits creates."
    ),
    source="https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/",
    when=lambda state: any(space.is_terminating for space in fresh(state, "namespaces")),
    then=_namespaces_are_gone,
    reads=("namespaces",),
    faults=all_but(),
    companion="a-namespace-is-deleted",
    mutants=("namespaces-are-never-finalized",),
)


@transition(
    reads=("namespaces",),
    source="https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/",
    faults=all_but(),
    companion="a-namespace-is-deleted",
    mutants=("namespaces-are-finalized-too-early",),
)
def a_namespace_goes_last(before: State, after: State) -> Verdict:
    """When a namespace is removed nothing is left in it."""
    for change in written(after, "namespaces"):
        if change.entry is None:
            name = change.key.partition("/")[2]
            for resource in _NAMESPACED:
                for obj in values(after, resource):
                    if obj.namespace == name:
                        return fails(f"{resource} {obj.key} outlives its namespace", "left")
    return HOLDS


_IN_USE = (("kubernetes.io/pvc-protection",), ("kubernetes.io/pv-protection",))
"""What may hold a claim or a volume for as long as someone uses it."""


def _nothing_terminates(state: State) -> Verdict:
    for cls in MODELLED:
        for obj in values(state, cls.RESOURCE):
            if obj.is_terminating and obj.metadata.finalizers not in _IN_USE:
                found = fails(f"{cls.RESOURCE} {obj.key} is still Terminating", "terminating")
                return unless_held(state, found)
    return HOLDS


nothing_is_terminating_for_ever = eventually_stable(
    "nothing-is-terminating-for-ever",
    promise="Every object that is being deleted is gone in the end.",
    conditions=(
        "If its finalizers belong to running controllers and its nodes return or are deleted; a "
        "claim or a volume that is in use stays."
    ),
    source="https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination",
    when=lambda state: any(pod.is_terminating for pod in fresh(state, "pods")),
    then=_nothing_terminates,
    reads=("pods", "namespaces"),
    faults=all_but(),
    companion="a-pod-terminates",
    mutants=("kubelet-never-confirms-termination",),
)


def _accounts_exist(state: State) -> Verdict:
    return forall(
        values(state, "namespaces"),
        lambda space: (
            space.is_terminating
            or newest(state, "serviceaccounts").get(f"serviceaccounts/{space.name}/default")
        ),
        lambda space: f"namespace {space.name} has no default account",
    )


every_namespace_has_its_account = eventually_stable(
    "every-namespace-has-its-account",
    promise="In the end every active namespace has its default ServiceAccount.",
    conditions="Once the faults have ended.",
    source="https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/",
    then=_accounts_exist,
    reads=("namespaces", "objects"),
    faults=all_but(),
    companion="an-account-is-created",
    mutants=("accounts-are-not-created-again",),
)


def _bound_pods_are_ready(state: State) -> Verdict:
    return forall(
        pods(state),
        lambda pod: not pod.spec.node_name or pod.is_terminating or _is_settled(state, pod),
        lambda pod: f"pod {pod.key} on {pod.spec.node_name} is not ready",
    )


def _is_settled(state: State, pod: Pod) -> bool:
    if newest(state, "nodes").get(f"nodes/{pod.spec.node_name}") is None:
        return True
    return pod.status.phase in ("Succeeded", "Failed") or is_ready(pod)


bound_pods_become_ready = eventually_stable(
    "bound-pods-become-ready",
    promise="In the end every pod on a node that exists is ready, finished or rejected.",
    conditions="Applications here become ready once started; once the faults have ended.",
    source="https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/",
    when=lambda state: any(pod.spec.node_name for pod in fresh(state, "pods")),
    then=_bound_pods_are_ready,
    reads=("pods", "nodes"),
    faults=all_but(),
    companion="a-pod-is-ready",
    mutants=("kubelet-forgets-lost-status-updates",),
)


@sometimes(reads=("namespaces",), source="companion")
def a_namespace_is_deleted(state: State) -> bool:
    """A namespace is marked as terminating or removed."""
    return any(
        change.entry is None or change.entry.value.is_terminating
        for change in written(state, "namespaces")
    )


@sometimes(reads=("pods",), source="companion")
def a_pod_terminates(state: State) -> bool:
    """A pod is marked as terminating."""
    return any(
        change.entry is not None and change.entry.value.is_terminating
        for change in written(state, "pods")
    )


@sometimes(reads=("objects",), source="companion")
def an_account_is_created(state: State) -> bool:
    """A default ServiceAccount is created."""
    return any(
        change.key.startswith("serviceaccounts/") and change.previous is None
        for change in state.written
    )


@sometimes(reads=("pods",), source="companion")
def a_pod_is_ready(state: State) -> bool:
    """A pod becomes ready."""
    return any(
        change.entry is not None and is_ready(change.entry.value)
        for change in written(state, "pods")
    )


PROPERTIES = (
    a_deleted_namespace_empties,
    a_namespace_goes_last,
    nothing_is_terminating_for_ever,
    every_namespace_has_its_account,
    bound_pods_become_ready,
    a_namespace_is_deleted,
    a_pod_terminates,
    an_account_is_created,
    a_pod_is_ready,
)
