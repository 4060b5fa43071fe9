"""What each resource is indexed by, in the store's snapshots and so in every informer cache.

After the indexers of client-go's shared informers and pkg/controller/controller_utils.go (pods by
controller uid, orphans by namespace). Index values are texts:

    controller/<uid>          objects whose controlling owner has that uid
    orphan/<namespace>        objects without a controlling owner
    label/<namespace>/<k>=<v> Pods and EndpointSlices that carry that label
    node/<name>               Pods with that spec.nodeName
"""

from __future__ import annotations

from collections.abc import Mapping

from kspec.values import Memo
from kspec_models.objects import ApiObject, Pod, controller_of
from kspec_models.store import Entry, Indexer, Snapshot


def _owner_value(obj: ApiObject) -> str:
    owner = controller_of(obj)
    return f"controller/{owner.uid}" if owner else f"orphan/{obj.namespace}"


def _label_values(obj: ApiObject) -> tuple[str, ...]:
    return tuple(f"label/{obj.namespace}/{k}={v}" for k, v in obj.metadata.labels.items())


def _of_pod(pod: Pod) -> tuple[str, ...]:
    node = (f"node/{pod.spec.node_name}",) if pod.spec.node_name else ()
    return (_owner_value(pod), *_label_values(pod), *node)


def _of_slice(obj: ApiObject) -> tuple[str, ...]:
    return _label_values(obj)


def _of_owned(obj: ApiObject) -> tuple[str, ...]:
    return (_owner_value(obj),)


INDEXERS: dict[str, Indexer] = {
    "pods": Memo("index of a pod", _of_pod),
    "endpointslices": Memo("index of an endpointslice", _of_slice),
    **{
        resource: Memo(f"index of {resource}", _of_owned)
        for resource in (
            *("replicasets", "controllerrevisions", "jobs"),
            *("statefulsets", "daemonsets", "replicationcontrollers", "persistentvolumeclaims"),
        )
    },
}


def controlled_by(snapshot: Snapshot, uid: str) -> tuple[Entry, ...]:
    """The entries whose controlling owner has that uid, in the order of keys."""
    return snapshot.indexed(f"controller/{uid}")


def orphans(snapshot: Snapshot, namespace: str) -> tuple[Entry, ...]:
    """The entries of the namespace without a controlling owner, in the order of keys."""
    return snapshot.indexed(f"orphan/{namespace}")


def labelled(snapshot: Snapshot, namespace: str, labels: Mapping[str, str]) -> tuple[Entry, ...]:
    """The entries of the namespace that carry all these labels, in the order of keys."""
    groups = [snapshot.indexed(f"label/{namespace}/{k}={v}") for k, v in labels.items()]
    if not groups:
        return ()
    smallest = min(groups, key=len)
    return tuple(
        entry
        for entry in smallest
        if all(entry.value.metadata.labels.get(k) == v for k, v in labels.items())
    )
