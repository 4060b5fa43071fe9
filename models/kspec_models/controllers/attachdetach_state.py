"""What the attach/detach controller finds for one node: the desired and the actual state.

After pkg/controller/volume/attachdetach/cache/{desired,actual}_state_of_world.go at 1.36, read from
the caches: desired are the volumes of the node's pods that have not ended, actual are its
VolumeAttachments, and whether a volume is mounted is what the node's status says is in use.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from kspec_models.attachment import (
    ATTACHMENTS,
    Caches,
    attached_volume,
    is_healthy,
    is_out_of_service,
    is_shared,
    is_terminated,
    unique_name,
    uses_claims,
    volumes_of,
)
from kspec_models.objects import Node, PersistentVolume, VolumeAttachment
from kspec_models.store import Entry
from kspec_models.volumes import entry_of

MAX_WAIT_FOR_UNMOUNT: Final = 360
"""Seconds after which a volume is detached from a node that is not healthy, mounted or not."""


class Found(NamedTuple):
    """One node's volumes. node: None where it is gone. wanted: by unique name, in order of pods.

    attachments: by unique name, those to this node. elsewhere: volumes attached to other nodes.
    """

    node: Node | None
    wanted: dict[str, PersistentVolume]
    attachments: dict[str, Entry]
    elsewhere: frozenset[str]

    @property
    def in_use(self) -> tuple[str, ...]:
        return self.node.status.volumes_in_use if self.node is not None else ()

    @property
    def may_be_forced(self) -> bool:
        """Whether the node may have stopped without unmounting."""
        return self.node is not None and not is_healthy(self.node)

    @property
    def is_out_of_service(self) -> bool:
        return self.node is not None and is_out_of_service(self.node)

    def attached(self) -> tuple[str, ...]:
        """The volumes that are attached for sure."""
        return tuple(sorted(v for v, e in self.attachments.items() if e.value.status.attached))

    def to_attach(self) -> tuple[PersistentVolume, ...]:
        """Wanted, not attached, and free of other nodes unless it may be shared."""
        return tuple(
            volume
            for name, volume in self.wanted.items()
            if name not in self.attachments and (name not in self.elsewhere or is_shared(volume))
        )

    def to_detach(self) -> tuple[str, ...]:
        """Attached and not wanted, and not on its way."""
        return tuple(
            name
            for name, entry in self.attachments.items()
            if name not in self.wanted and not entry.value.is_terminating
        )


def found(node: str, caches: Caches) -> Found:
    """What the caches show of one node."""
    entry = entry_of(caches, "nodes", node)
    wanted: dict[str, PersistentVolume] = {}
    for each in caches["pods"].indexed(f"node/{node}"):
        pod = each.value
        if entry is not None and uses_claims(pod) and not is_terminated(pod):
            wanted.update((unique_name(v), v) for v in volumes_of(pod, caches))
    mine: dict[str, Entry] = {}
    elsewhere: set[str] = set()
    for each in caches[ATTACHMENTS].entries():
        obj: VolumeAttachment = each.value
        name = attached_volume(obj, caches)
        if obj.spec.node_name == node:
            mine[name] = each
        else:
            elsewhere.add(name)
    return Found(entry.value if entry is not None else None, wanted, mine, frozenset(elsewhere))
