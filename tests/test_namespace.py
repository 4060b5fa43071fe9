"""What the Namespace controller promises: a deleted namespace empties, pods first, then ends."""

import pytest

from kspec.values import fingerprint
from kspec_models.controllers.namespace import NamespaceController
from kspec_models.host import Call, Notification, View
from kspec_models.objects import Namespace, Pod, ServiceAccount
from kspec_models.requests import (
    CONFLICT,
    NOT_FOUND,
    TIMEOUT,
    DeleteCollection,
    Get,
    List,
    Response,
    Update,
    describe,
)
from kspec_models.store import Entry, Snapshot

CONTROLLER = NamespaceController(("serviceaccounts", "pods"))


def namespace(deleted=True, phase="Terminating", uid="ns-1", finalizers=("kubernetes",), **status):
    meta = {"name": "a", "uid": uid}
    if deleted:
        meta["deletionTimestamp"] = "2024-01-01T00:00:00Z"
    return Namespace.from_json(
        {
            "metadata": meta,
            "spec": {"finalizers": list(finalizers)},
            "status": {"phase": phase, **status},
        }
    )


def entry(obj, revision=7):
    return Entry(f"{obj.resource}/{obj.key}", obj, 1, revision, revision)


def pod(name="p", grace=30, phase="Running", **meta):
    return Pod.from_json(
        {
            "metadata": {"name": name, "namespace": "a", **meta},
            "spec": {"terminationGracePeriodSeconds": grace},
            "status": {"phase": phase},
        }
    )


def account(**meta):
    return ServiceAccount.from_json({"metadata": {"name": "default", "namespace": "a", **meta}})


class World:
    """A server that holds one namespace and its content, asked until the pass is over.

    stay: resources whose DeleteCollection removes nothing. answers: reasons to refuse with, by the
    text of the request, each used once.
    """

    def __init__(self, obj=None, *content, stay=(), answers=None, now=0):
        self.namespace, self.revision, self.now = obj or namespace(), 7, now
        self.content = {"pods": [], "serviceaccounts": []}
        for item in content:
            self.content[item.resource].append(item)
        self.stay, self.answers = stay, dict(answers or {})
        self.log, self.conditions = [], {}

    @property
    def view(self):
        cached = Snapshot().patched("namespaces/a", entry(namespace()))
        return View({"namespaces": cached}, self.now)

    def serve(self, request):
        text = describe(request)
        self.log.append(text)
        if text in self.answers:
            return Response(self.answers.pop(text))
        if isinstance(request, List):
            return Response(entries=tuple(entry(o) for o in self.content[request.resource]))
        if isinstance(request, DeleteCollection):
            if request.resource not in self.stay:
                self.content[request.resource] = []
            return Response()
        if self.namespace is None:
            return Response(NOT_FOUND)
        if isinstance(request, Update):
            return self.update(request)
        return Response("", entry(self.namespace, self.revision))

    def update(self, request):
        if request.resource_version != self.revision:
            return Response(CONFLICT)
        new, self.revision = request.object, self.revision + 1
        if request.subresource == "finalize" and not new.spec.finalizers:
            self.namespace = None
            return Response()
        self.namespace = new
        self.conditions = {c.type: c for c in new.status.conditions}
        return Response("", entry(new, self.revision))

    def run(self):
        """One pass over the namespace, with all its requests."""
        worked = CONTROLLER.reconcile((), "a", self.view)
        while worked.requests:
            (request,) = worked.requests
            call = Call("a", (), worked.phase)
            response = self.serve(request)
            worked = CONTROLLER.answer(worked.memory, call, request, response, self.view)
        return worked


EMPTYING = [
    "Get namespaces a",
    "List pods a",
    "DeleteCollection pods a",
    "List pods a",
    "DeleteCollection serviceaccounts a",
    "List serviceaccounts a",
]


def test_an_empty_namespace_is_reported_and_finalized():
    world = World()
    worked = world.run()
    assert world.log == [*EMPTYING, "Update namespaces a/status", "Update namespaces a/finalize"]
    assert world.namespace is None
    assert (worked.failed, worked.requeue_after) == (False, None)


def test_a_namespace_is_marked_before_anything_is_deleted():
    world = World(namespace(phase="Active"))
    world.run()
    assert world.log[:3] == ["Get namespaces a", "Update namespaces a/status", "List pods a"]


def test_a_namespace_that_lives_is_left_alone():
    world = World(namespace(deleted=False, phase="Active"))
    world.run()
    assert world.log == ["Get namespaces a"]


def test_a_namespace_that_is_finalized_already_is_left_alone():
    world = World(namespace(finalizers=()))
    world.run()
    assert world.log == ["Get namespaces a"]


def test_a_namespace_that_is_gone_ends_the_pass():
    world = World()
    world.namespace = None
    worked = world.run()
    assert world.log == ["Get namespaces a"] and not worked.failed
    empty = View({"namespaces": Snapshot()}, 0)
    assert CONTROLLER.reconcile((), "a", empty).requests == ()


def test_nothing_else_is_deleted_while_pods_remain():
    world = World(None, pod(), account(), stay=("pods",))
    worked = world.run()
    assert "DeleteCollection serviceaccounts a" not in world.log
    assert worked.requeue_after == 16, "half of the grace of 30 seconds, and one"
    assert not worked.failed
    found = world.conditions["NamespaceContentRemaining"]
    assert (found.status, found.message) == (
        "True",
        "Some resources are remaining: pods has 1 resource instances",
    )


def test_pods_that_outstay_their_grace_are_an_error():
    world = World(None, pod(), stay=("pods",), now=31)
    worked = world.run()
    assert worked.failed and worked.requeue_after is None
    assert world.conditions["NamespaceDeletionContentFailure"].status == "True"


def test_ended_pods_grant_no_grace():
    world = World(None, pod(phase="Succeeded"), stay=("pods",))
    assert world.run().failed


def test_finalizers_are_waited_for():
    world = World(None, account(finalizers=["x/y"]), stay=("serviceaccounts",))
    worked = world.run()
    assert worked.requeue_after == 8, "half of fifteen seconds, and one"
    assert world.conditions["NamespaceFinalizersRemaining"].message.endswith(
        "x/y in 1 resource instances"
    )


def test_a_resource_that_cannot_be_deleted_does_not_stop_the_others():
    world = World(None, pod(), account(), answers={"DeleteCollection pods a": TIMEOUT})
    worked = world.run()
    assert "DeleteCollection serviceaccounts a" in world.log
    assert worked.failed
    assert not any("finalize" in line for line in world.log)


def test_conditions_that_say_so_already_are_not_written_again():
    world = World()
    world.answers["Update namespaces a/finalize"] = TIMEOUT
    assert world.run().failed
    world.log.clear()
    assert not world.run().failed
    assert "Update namespaces a/status" not in world.log


def test_a_condition_keeps_its_time_until_its_status_changes():
    world = World(None, pod(), pod("q"), stay=("pods",), now=1)
    world.run()
    world.content["pods"].pop()
    world.now = 2
    world.run()
    found = world.conditions["NamespaceContentRemaining"]
    assert "1 resource" in found.message and found.last_transition_time == 1
    world.stay, world.now = (), 3
    world.answers["Update namespaces a/finalize"] = TIMEOUT
    world.run()
    found = world.conditions["NamespaceContentRemaining"]
    assert (found.status, found.last_transition_time) == ("False", 3)


@pytest.mark.parametrize("text", ["Update namespaces a/status", "Update namespaces a/finalize"])
def test_a_conflict_is_read_again_and_retried(text):
    obj = namespace(phase="Active") if text.endswith("status") else namespace()
    world = World(obj, answers={text: CONFLICT})
    assert not world.run().failed
    assert world.namespace is None
    assert world.log.count("Get namespaces a") == 2


def test_another_namespace_of_the_name_is_not_finalized():
    world = World(answers={"Update namespaces a/finalize": CONFLICT})
    serve = world.serve

    def replaced(request):
        response = serve(request)
        if response.reason == CONFLICT:
            world.namespace = namespace(uid="ns-2")
        return response

    world.serve = replaced
    assert world.run().failed
    assert world.namespace is not None


def test_foreign_finalizers_are_kept():
    world = World(namespace(finalizers=("kubernetes", "x/y")))
    world.run()
    assert world.namespace is not None
    assert world.namespace.spec.finalizers == ("x/y",)


def test_a_report_that_is_lost_does_not_stop_the_pass():
    world = World(answers={"Update namespaces a/status": TIMEOUT})
    assert not world.run().failed
    assert world.namespace is None


def test_an_event_is_held_for_the_grace_before_the_first_request():
    old, new = entry(namespace(deleted=False), 1), entry(namespace(), 2)
    view = View({"namespaces": Snapshot().patched("namespaces/a", new)}, 0)
    memory, keys = CONTROLLER.handle((), Notification("namespaces", old, new), view)
    assert (memory, keys) == (("a",), ("a",))
    worked = CONTROLLER.reconcile(memory, "a", view)
    assert (worked.memory, worked.requests, worked.requeue_after) == ((), (), 5)
    assert CONTROLLER.reconcile((), "a", view).requests == (Get("namespaces", "a"),)


@pytest.mark.parametrize("new", [None, entry(namespace(deleted=False))])
def test_only_namespaces_that_are_being_deleted_are_looked_at(new):
    event = Notification("namespaces", entry(namespace(deleted=False)), new)
    assert CONTROLLER.handle((), event, View({}, 0)) == ((), ())


def test_the_progress_of_a_pass_is_a_value():
    world = World()
    first = CONTROLLER.reconcile((), "a", world.view).phase
    second = CONTROLLER.reconcile((), "a", world.view).phase
    assert first == second and hash(first) == hash(second)
    assert fingerprint(first) == fingerprint(second)
