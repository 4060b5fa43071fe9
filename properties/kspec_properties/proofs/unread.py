"""Objects whose amounts cannot be read from their text: to read one ends the path as Unknown.

In a symbolic scene the scheduler's own amounts are symbolic, and the text that they would have
been computed from is not there. A policy that parses it by itself is not followed, and is told so.
"""

from collections.abc import Iterator
from typing import Any, NoReturn

from kspec.smt.paths import cannot_be_concrete
from kspec_models.objects import Node, Pod
from kspec_models.objects import ResourceRequirements as Resources
from kspec_models.objects.record import FrozenMap

PASSED_OVER_BY_PLACES = True


def _refuse() -> NoReturn:
    raise cannot_be_concrete("reading an amount from its text")


class Unread(FrozenMap[Any]):
    """A resource list that must not be looked at."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__({"amounts": "symbolic"})

    def __getitem__(self, key: str) -> Any:
        _refuse()

    def __iter__(self) -> Iterator[str]:
        _refuse()

    def __len__(self) -> int:
        _refuse()

    def __contains__(self, key: object) -> bool:
        _refuse()

    def get(self, key: str, default: Any = None) -> Any:
        _refuse()


UNREAD = Unread()


def unread_pod(pod: Pod) -> Pod:
    """The pod without the text of what its containers request."""
    resources = Resources(requests=UNREAD, limits=UNREAD)
    containers = tuple(each.replace(resources=resources) for each in pod.spec.containers)
    return pod.replace(spec=pod.spec.replace(containers=containers))


def unread_node(node: Node) -> Node:
    """The node without the text of what it offers."""
    return node.replace(status=node.status.replace(allocatable=UNREAD, capacity=UNREAD))
