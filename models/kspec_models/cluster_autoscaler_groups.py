"""Node groups: machines of one kind that the cluster autoscaler may have more or fewer of.

After cluster-autoscaler/cloudprovider/cloud_provider.go (NodeGroup) of kubernetes/autoscaler at
1.36. A world names its groups among the options of `cluster-autoscaler`:

    nodeGroups:
    - name: pool
      minSize: 1
      maxSize: 3
      template: {capacity: {cpu: "4"}, labels: {disk: ssd}, taints: []}

A machine of a group is called after it and its number, so that the processes of every machine that
may ever join have their places from the start. At the start each group has its smallest size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from kspec.errors import InputError
from kspec_models.objects import Node
from kspec_models.world import DEFAULT_CAPACITY, World

COMPONENT: Final = "cluster-autoscaler"
_WHERE: Final = f"components.{COMPONENT}.nodeGroups"
_FIELDS: Final = ("name", "minSize", "maxSize", "template")
_TEMPLATE: Final = ("capacity", "labels", "taints")
MOST: Final = 1000


class NodeGroup(NamedTuple):
    """template: a machine of the group, but for its name and hostname label."""

    name: str
    min_size: int
    max_size: int
    template: Node

    @property
    def names(self) -> tuple[str, ...]:
        """The names that its machines may have."""
        return tuple(f"{self.name}-{i}" for i in range(1, self.max_size + 1))

    def machine(self, name: str) -> Node:
        """The Node of a machine that has just joined."""
        labels = self.template.metadata.labels.set("kubernetes.io/hostname", name)
        return self.template.with_metadata(name=name, labels=labels)


def node_groups(options: Mapping[str, Any]) -> tuple[NodeGroup, ...]:
    """The groups among the options of the autoscaler; raises InputError for what describes none."""
    given = options.get("nodeGroups", ())
    if not isinstance(given, list | tuple):
        raise InputError(f"got {given!r}", where=_WHERE, expected="a list of node groups")
    groups = tuple(_group(data) for data in given)
    names = [name for group in groups for name in group.names]
    if len(set(names)) < len(names):
        raise InputError("two machines of one name", where=_WHERE, expected="names that differ")
    return groups


def _group(data: Any) -> NodeGroup:
    if not isinstance(data, Mapping) or not isinstance(data.get("name"), str) or not data["name"]:
        raise InputError(f"got {data!r}", where=_WHERE, expected="a node group with a name")
    unknown = [key for key in data if key not in _FIELDS]
    if unknown:
        raise InputError(f"unknown field {unknown[0]!r}", where=_WHERE, expected=str(_FIELDS))
    least, most = _size(data, "minSize", 0), _size(data, "maxSize", 1)
    if least > most:
        raise InputError(f"minSize {least} is above maxSize {most}", where=_WHERE)
    return NodeGroup(data["name"], least, most, _template(data.get("template", {})))


def _size(data: Mapping[str, Any], name: str, default: int) -> int:
    value = data.get(name, default)
    if type(value) is not int or not 0 <= value <= MOST:
        raise InputError(f"{name} is {value!r}", where=_WHERE, expected=f"0 to {MOST}")
    return value


def _template(data: Any) -> Node:
    """A ready Node without a name."""
    if not isinstance(data, Mapping) or any(key not in _TEMPLATE for key in data):
        raise InputError(f"template {data!r}", where=_WHERE, expected=str(_TEMPLATE))
    room = {**DEFAULT_CAPACITY, **{k: str(v) for k, v in data.get("capacity", {}).items()}}
    return Node.from_json(
        {
            "metadata": {"labels": dict(data.get("labels", {}))},
            "spec": {"taints": list(data.get("taints", ()))},
            "status": {
                "capacity": room,
                "allocatable": room,
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        },
        _WHERE,
    )


def machines_of(world: World) -> tuple[str, ...]:
    """The names of all machines that may ever join a world."""
    groups = node_groups(world.components.get(COMPONENT, {}))
    return tuple(name for group in groups for name in group.names)


def first_machines(world: World, known: tuple[str, ...]) -> tuple[Node, ...]:
    """The Nodes that the groups have at the start, save those that the world gives itself."""
    groups = node_groups(world.components.get(COMPONENT, {}))
    every = (g.machine(name) for g in groups for name in g.names[: g.min_size])
    return tuple(node for node in every if node.name not in known)
