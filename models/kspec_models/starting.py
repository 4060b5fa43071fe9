"""The objects that a world starts with: those given, and the nodes, namespaces and accounts that
they need."""

from __future__ import annotations

from collections.abc import Mapping

from kspec_models.components import node_names
from kspec_models.manifests import Document, read_objects
from kspec_models.objects import MODELLED, ApiObject, Namespace, Node, Pod, ServiceAccount
from kspec_models.objects.record import freeze
from kspec_models.world import World


def make_nodes(
    count: int, capacity: Mapping[str, str], known: tuple[str, ...] = ()
) -> tuple[Node, ...]:
    """Ready nodes of one capacity (quantities by resource name): those known, then n1, n2, ..."""
    made = (f"n{i}" for i in range(1, count - len(known) + 1))
    resources = freeze({k: str(v) for k, v in capacity.items()})
    ready = ({"type": "Ready", "status": "True"},)
    return tuple(
        Node.from_json(
            {
                "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
                "status": {
                    "capacity": resources,
                    "allocatable": resources,
                    "conditions": ready,
                },
            }
        )
        for name in dict.fromkeys((*known, *made))
    )


def _bound_to(objects: tuple[ApiObject, ...]) -> tuple[str, ...]:
    """The nodes that the pods of a dump without Nodes are bound to."""
    names = (o.spec.node_name for o in objects if isinstance(o, Pod))
    return tuple(dict.fromkeys(name for name in names if name))


def starting_objects(world: World) -> tuple[ApiObject, ...]:
    """The objects of a world with the nodes, namespaces and default accounts that they need."""
    documents = tuple(
        Document(f"{world.name}: objects[{i}]", data) for i, data in enumerate(world.objects)
    )
    objects = read_objects(documents)
    if not node_names(objects):
        bound = _bound_to(objects) if world.keep_status else ()
        objects = (*make_nodes(world.nodes, world.node_capacity, bound), *objects)
    spaces = dict.fromkeys(("default", *(o.namespace for o in objects if o.namespace)))
    known = {obj.key for obj in objects if isinstance(obj, Namespace)}
    accounts = {obj.key for obj in objects if isinstance(obj, ServiceAccount)}
    every = (*spaces, *sorted(known - set(spaces)))
    added: list[ApiObject] = [
        Namespace.from_json({"metadata": {"name": name}}) for name in spaces if name not in known
    ]
    added += [
        ServiceAccount.from_json({"metadata": {"name": "default", "namespace": name}})
        for name in every
        if f"{name}/default" not in accounts
    ]
    order = {cls.RESOURCE: i for i, cls in enumerate(MODELLED)}
    return tuple(sorted((*added, *objects), key=lambda obj: order.get(obj.resource, 3)))
