"""Which hosts of a world never send a request nor change a node: they need not be explored.

A controller of Deployments does nothing where there is no Deployment and nobody can make one. What
may come to exist follows from the objects at the start, the users' operations, and what controllers
create from what. Only the stock classes are known here: a mutant or a user's own host never sleeps.
`Fused` raises where a host that was taken to sleep acts after all.
"""

from __future__ import annotations

from typing import Any, Final

from kspec_models.apiserver.server import Api
from kspec_models.controllers.deployment import DeploymentController
from kspec_models.controllers.endpointslice import EndpointSliceController
from kspec_models.controllers.namespace import NamespaceController
from kspec_models.controllers.replicaset import ReplicaSetController
from kspec_models.controllers.serviceaccount import ServiceAccountController
from kspec_models.controllers.worker import Worker
from kspec_models.environment import Operation
from kspec_models.kubeproxy import KubeProxy
from kspec_models.layout import HostSlot, Layout
from kspec_models.requests import target

_TOUCHED: Final = "touched "
_ROUTING: Final = ("services", "endpointslices")
_SPACES: Final = (_TOUCHED + "namespaces", _TOUCHED + "serviceaccounts")
_WAKES: Final[dict[type, tuple[str, ...]]] = {
    DeploymentController: ("deployments",),
    ReplicaSetController: ("deployments", "replicasets"),
    EndpointSliceController: _ROUTING,
    NamespaceController: (_TOUCHED + "namespaces",),
    ServiceAccountController: _SPACES,
    KubeProxy: _ROUTING,
}
"""What each stock host needs, to do anything: an object of a resource, or one that is touched."""


def _stirring(api: Api, operations: tuple[Operation, ...]) -> frozenset[str]:
    """The resources that have or may get objects, and those whose objects users may touch."""
    found = {name for name, bucket in api.store.buckets.items() if len(bucket)}
    for operation in operations:
        for request in operation.requests:
            resource, _ = target(request)
            found |= {resource, _TOUCHED + resource}
    if _is_unsettled(api):
        found.add(_TOUCHED + "namespaces")
    return frozenset(found)


def _is_unsettled(api: Api) -> bool:
    """Whether a namespace is on its way out, or without its account, at the start."""
    for entry in api.store.bucket("namespaces").entries():
        account = f"serviceaccounts/{entry.value.name}/default"
        if entry.value.is_terminating or api.store.get(account) is None:
            return True
    return False


def sleeping(layout: Layout, api: Api, operations: tuple[Operation, ...]) -> frozenset[int]:
    """The slots of the hosts that never do anything in a world that starts like this."""
    stirring = _stirring(api, operations)
    return frozenset(
        slot
        for slot, place in enumerate(layout.slots)
        if isinstance(place, HostSlot)
        and (wakes := _WAKES.get(_stock(place.host))) is not None
        and not stirring.intersection(wakes)
    )


def _stock(host: Any) -> type:
    return type(host.controller) if type(host) is Worker else type(host)
