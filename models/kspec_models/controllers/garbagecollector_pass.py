"""Where a pass of the garbage collector stands, and the requests that it makes of an object.

After pkg/controller/garbagecollector/{operations,patch}.go and controller_ref_manager.go
(GenerateDeleteOwnerRefStrategicMergeBytes) at Kubernetes 1.36.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec_models.controllers.garbagecollector_graph import FOREGROUND_FINALIZER, ORPHAN_FINALIZER
from kspec_models.objects import ApiObject, OwnerReference, freeze
from kspec_models.requests import Patch
from kspec_models.store import Entry

LOOK, OWNER, PATCH, UNBLOCK = "look", "owner", "patch", "unblock"
DELETE, LOOK_AGAIN, DELETE_ANYHOW = "delete", "look again", "delete anyhow"
ORPHANING, LOOK_LAST, FINALIZE = "orphaning", "look last", "finalize"

References = tuple[OwnerReference, ...]


class Pass(NamedTuple):
    """Where a pass stands.

    key, uid: the object in hand. rest: those that come after it. live: the object as it was read.
    todo: owners still to be classified; solid, dangling, waiting: those that were. policy: how the
    object is to be deleted. freed: the dependents that were to be orphaned. failed: something must
    be tried again.
    """

    step: str
    key: str
    uid: str
    rest: tuple[str, ...] = ()
    live: Entry | None = None
    todo: References = ()
    solid: References = ()
    dangling: References = ()
    waiting: References = ()
    policy: str = ""
    freed: tuple[str, ...] = ()
    failed: bool = False

    @property
    def target(self) -> tuple[str, str]:
        """Resource and key of the object in hand."""
        resource, _, key = self.key.partition("/")
        return resource, key

    @property
    def value(self) -> ApiObject:
        assert self.live is not None
        found: ApiObject = self.live.value
        return found


def policy_of(obj: ApiObject) -> str:
    """A finalizer that the object has already is honoured."""
    if ORPHAN_FINALIZER in obj.metadata.finalizers:
        return "Orphan"
    return "Foreground" if FOREGROUND_FINALIZER in obj.metadata.finalizers else "Background"


def without_owners(key: str, uid: str, owners: tuple[str, ...]) -> Patch:
    """GenerateDeleteOwnerRefStrategicMergeBytes."""
    resource, _, name = key.partition("/")
    references = [{"$patch": "delete", "uid": owner} for owner in owners]
    return Patch(resource, name, freeze({"metadata": {"ownerReferences": references}}), uid=uid)


def unblocking(progress: Pass) -> Patch:
    """The object's references as such that hold up no deletion."""
    references = [
        {**reference.to_json(), "blockOwnerDeletion": False}
        for reference in progress.value.metadata.owner_references
    ]
    body = freeze({"metadata": {"ownerReferences": references}})
    return Patch(*progress.target, body, uid=progress.uid)
