"""Mutants of deletion: namespaces, accounts, and the last steps of a pod."""

from __future__ import annotations

from typing import Any

from kspec_models.controllers.namespace import NamespaceController
from kspec_models.controllers.serviceaccount import ServiceAccountController
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, Outcome, View
from kspec_models.kubelet import Kubelet
from kspec_models.requests import TIMEOUT, Delete, Patch, Request, Response
from kspec_models.world import World
from kspec_models.worlds import delete, namespace, pod
from kspec_properties.mutants.mutant import ModelMutant, replacing, replacing_controller


def _staged(body: dict[str, Any]) -> dict[str, Any]:
    body["metadata"]["namespace"] = "staging"
    return body


_STAGING = World(
    name="deleted-namespace",
    nodes=1,
    objects=(namespace("staging"), _staged(pod("a"))),
    operations=(delete("Namespace", "staging"),),
)


class NeverFinalizes(NamespaceController):
    def _finalize(self, memory: Any, progress: Any) -> Worked:
        return Worked(memory)


class FinalizesTooEarly(NamespaceController):
    def _next(self, memory: Any, progress: Any, now: int) -> Worked:
        return self._finalize(memory, progress)


class DoesNotCreateAgain(ServiceAccountController):
    def handle(self, memory: None, event: Notification, view: View) -> Any:
        if event.resource == "serviceaccounts":
            return memory, ()
        return super().handle(memory, event, view)


class NeverConfirms(Kubelet):
    def run(self, memory: Any, key: str, view: View) -> Outcome:
        outcome = super().run(memory, key, view)
        kept = tuple(r for r in outcome.requests if not isinstance(r, Delete))
        return outcome._replace(requests=kept)


class NeverRetries(Kubelet):
    """A status update that was not answered is left at that."""

    def answer(
        self, memory: Any, call: Call, request: Request, response: Response, view: View
    ) -> Outcome:
        outcome = super().answer(memory, call, request, response, view)
        if isinstance(request, Patch) and response.reason == TIMEOUT:
            queue = outcome.memory.queue._replace(waiting=(), ready=())
            return outcome._replace(memory=outcome.memory._replace(queue=queue))
        return outcome


MUTANTS = (
    ModelMutant(
        name="namespaces-are-never-finalized",
        description="the namespace controller leaves its finalizer",
        property="a-deleted-namespace-empties",
        world=_STAGING,
        change=replacing_controller("namespace", lambda c: NeverFinalizes(c.resources)),
    ),
    ModelMutant(
        name="namespaces-are-finalized-too-early",
        description="the namespace controller takes its finalizer away before it deletes content",
        property="a-namespace-goes-last",
        world=_STAGING,
        change=replacing_controller("namespace", lambda c: FinalizesTooEarly(c.resources)),
    ),
    ModelMutant(
        name="kubelet-never-confirms-termination",
        description="a kubelet does not delete the pod whose containers have ended",
        property="nothing-is-terminating-for-ever",
        world=World(
            name="deleted-pod", nodes=1, objects=(pod("a"),), operations=(delete("Pod", "a"),)
        ),
        change=replacing(kubelet=NeverConfirms),
    ),
    ModelMutant(
        name="accounts-are-not-created-again",
        description="the ServiceAccount controller does not notice that an account is deleted",
        property="every-namespace-has-its-account",
        world=World(
            name="deleted-account", nodes=1, operations=(delete("ServiceAccount", "default"),)
        ),
        change=replacing_controller("serviceaccount", lambda _: DoesNotCreateAgain()),
    ),
    ModelMutant(
        name="kubelet-forgets-lost-status-updates",
        description="a kubelet does not try a status update again that was not answered",
        property="bound-pods-become-ready",
        world=World(name="one-pod", nodes=1, objects=(pod("a"),)),
        change=replacing(kubelet=NeverRetries),
        faults="lost-request",
    ),
)
