"""ServiceAccount controller: keep a ServiceAccount named "default" in every active Namespace.

After pkg/controller/serviceaccount/serviceaccounts_controller.go at 1.36. Secrets with the tokens
of accounts are the work of another controller, `tokens`.
"""

from __future__ import annotations

from kspec_models.controllers.worker import Worked, stop_on_error
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import Namespace, ObjectMeta, ServiceAccount
from kspec_models.requests import (
    ALREADY_EXISTS,
    NAMESPACE_TERMINATING,
    Create,
    Request,
    Response,
)

DEFAULT = "default"


class ServiceAccountController:
    """Keys are names of namespaces; there is nothing to remember."""

    name = "serviceaccount"
    watches = (Watch("serviceaccounts"), Watch("namespaces"))

    def initial(self) -> None:
        return None

    def concerns(self, event: Notification) -> bool:
        return (event.resource == "namespaces") == (event.new is not None)

    def handle(self, memory: None, event: Notification, view: View) -> tuple[None, tuple[str, ...]]:
        """Enqueue a namespace when it is added or updated or one of its accounts is deleted."""
        if event.resource == "namespaces":
            return memory, () if event.new is None else (event.key,)
        if event.new is not None:
            return memory, ()
        return memory, (event.key.partition("/")[0],)

    def reconcile(self, memory: None, key: str, view: View) -> Worked:
        """Create the default account of an active namespace whose cache shows none."""
        entry = view.caches["namespaces"].get(f"namespaces/{key}")
        if entry is None:
            return Worked(memory)
        namespace: Namespace = entry.value
        if namespace.status.phase != "Active":
            return Worked(memory)
        if f"serviceaccounts/{key}/{DEFAULT}" in view.caches["serviceaccounts"]:
            return Worked(memory)
        account = ServiceAccount(metadata=ObjectMeta(name=DEFAULT, namespace=key))
        return Worked(memory, (Create(account),))

    def answer(
        self, memory: None, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """An account that exists already, or a namespace that is going, needs no retry."""
        if response.reason in (ALREADY_EXISTS, NAMESPACE_TERMINATING):
            return Worked(memory)
        return stop_on_error(memory, call, response)
