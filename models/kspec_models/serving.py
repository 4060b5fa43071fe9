"""Several API servers: each serves its clients from its own watch caches, which lag on their own.

After staging/src/k8s.io/apiserver/pkg/storage/cacher (cacher.go, watch_cache.go) and
pkg/kubeapiserver's informers for admission at Kubernetes 1.36. A watch cache is an informer of a
process `kube-apiserver-<n>`: it follows the store by its own deliveries. A watch gets what its
server has received; a first list at resourceVersion 0 is answered as the server knows the objects,
and one by WatchList waits until the server knows them all; Get, other lists and writes go to the
store. Admission sees the informers that the server that is asked has of its own. A process keeps
its server until it restarts, and may then become the client of another.

Users go to the first server. It looks namespaces up in the store, as a server does for a while
after it has deleted one (forceLiveLookupCache of plugin/namespace/lifecycle).

Left out: crashes of API servers, and watches of one process at several of them.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Final

import attrs

from kspec_models.store import Store

if TYPE_CHECKING:
    from kspec_models.apiserver.server import Api
    from kspec_models.layout import InformerSlot, Layout
    from kspec_models.state import State
    from kspec_models.streams import Stream

ADMISSION: Final = (
    *("namespaces", "serviceaccounts", "limitranges", "resourcequotas", "priorityclasses"),
    "storageclasses",
)
"""What admission reads from the caches of its server."""


def admission_of(server: str) -> str:
    """What the informers of a server's admission are called: they lag behind its watch caches."""
    return f"{server}/admission"


def server_of(layout: Layout, t: State, actor: str) -> str:
    """The API server that a process is a client of."""
    for name, server in t.environment.clients:
        if name == actor:
            return server
    return layout.homes.get(actor, layout.servers[0])


def known_revision(layout: Layout, t: State, place: InformerSlot) -> int:
    """The revision up to which a client's server has received changes of a resource."""
    server = server_of(layout, t, place.actor)
    found: int = t.slots[layout.by_informer[server, place.watch.resource]].resume
    return found


def is_known(layout: Layout, t: State, place: InformerSlot, position: int) -> bool:
    """Whether the server of a client has received the event at a position of its stream."""
    if layout.processes[place.process].is_server:
        return True
    event = t.streams[place.stream].events.items[position]
    return bool(event.revision <= known_revision(layout, t, place))


def position_at(stream: Stream, revision: int) -> int:
    """How many events of a stream there are up to a revision."""
    events = stream.events
    revisions = [event.revision for event in events.items[: events.length]]
    return bisect_right(revisions, revision)


def is_caught_up(layout: Layout, t: State, place: InformerSlot) -> bool:
    """Whether the server of a client has received everything of its stream."""
    length = t.streams[place.stream].events.length
    return length == 0 or is_known(layout, t, place, length - 1)


def as_seen(layout: Layout, t: State, actor: str) -> Api:
    """The API server as its clients meet it: its admission reads its own caches."""
    server = server_of(layout, t, actor)
    store, buckets = t.api.store, t.api.store.buckets
    for resource in ADMISSION:
        slot = layout.by_informer.get((admission_of(server), resource))
        is_live = resource == "namespaces" and server == layout.servers[0]
        if slot is not None and not is_live:
            buckets = buckets.set(resource, t.slots[slot].cache)
    seen = Store(
        store.indexers, buckets, store.history, store.revision, store.compacted, store.fingerprint
    )
    return attrs.evolve(t.api, seen=seen)


def moved(t: State, actor: str, server: str) -> tuple[tuple[str, str], ...]:
    """Who is a client of which server, after a process has moved."""
    rest: list[Any] = [pair for pair in t.environment.clients if pair[0] != actor]
    return tuple(sorted((*rest, (actor, server))))
