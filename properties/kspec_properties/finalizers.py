"""What finalizers promise: they hold an object until whoever put them there takes them away."""

from __future__ import annotations

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import sometimes, transition
from kspec_models.requests import Delete, Patch, Update, target
from kspec_models.state import State
from kspec_properties.faults import all_but

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
_OBJECTS = ("pods", "replicasets", "deployments", "services", "endpointslices", "objects")


@transition(
    reads=_OBJECTS,
    source="https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/",
    faults=all_but(),
    companion="something-with-a-finalizer-goes",
    mutants=("deletion-ignores-finalizers",),
)
def finalizers_are_honoured(before: State, after: State) -> Verdict:
    """An object goes when somebody has taken its last finalizer away, and not before.

    A deletion itself takes those two that say what becomes of the dependents.
    """
    for change in after.written:
        if change.entry is None and change.previous is not None:
            left = change.previous.value.metadata.finalizers
            if left and not _are_taken(after, change.key, left):
                return fails(
                    f"{change.key} goes with its finalizers {', '.join(left)}", "finalizer"
                )
    return HOLDS


def _are_taken(state: State, key: str, finalizers: tuple[str, ...]) -> bool:
    """Whether a request of the last step took these finalizers from the object."""
    for answered in state.answered:
        request = answered.request
        if not answered.response.ok or "/".join(target(request)) != key:
            continue
        if isinstance(request, Update) and not request.object.metadata.finalizers:
            return True
        if isinstance(request, Patch) and _writes_finalizers(request):
            return True
        if isinstance(request, Delete) and {ORPHAN, FOREGROUND}.issuperset(finalizers):
            return True
    return False


def _writes_finalizers(request: Patch) -> bool:
    return any("finalizers" in field for field in request.patch.get("metadata", {}))


@sometimes(reads=_OBJECTS, source="companion")
def something_with_a_finalizer_goes(state: State) -> bool:
    """An object goes as its last finalizer is taken."""
    gone = (c.previous for c in state.written if c.entry is None and c.previous is not None)
    return any(entry.value.metadata.finalizers for entry in gone)


PROPERTIES = (finalizers_are_honoured, something_with_a_finalizer_goes)
