"""A loop for tests of controllers: a store, informers without lag, and every request applied.

Enough of an API server for workloads, and no more: names, uids and generations are given out, a
resourceVersion is compared, a status write keeps spec and labels, deletes take effect at once.
"""

from kspec_models.controllers.worker import Worker
from kspec_models.host import Call, Notification, View
from kspec_models.indexes import INDEXERS
from kspec_models.objects import Condition, Deployment, OwnerReference, Pod, ReplicaSet
from kspec_models.objects.record import Time
from kspec_models.requests import (
    ALREADY_EXISTS,
    CONFLICT,
    NOT_FOUND,
    Create,
    Delete,
    Get,
    Response,
    Update,
    target,
)
from kspec_models.store import Store

RESOURCES = ("deployments", "replicasets", "pods")


def deployment(replicas=3, image="v1", **spec):
    """A Deployment `default/web` that selects app=web."""
    return Deployment.from_json(
        {
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": "web"}},
                "template": template(image),
                **spec,
            },
        }
    )


def replica_set(replicas=2, name="web", **fields):
    """A ReplicaSet in `default` that selects app=web."""
    return ReplicaSet.from_json(
        {
            "metadata": {"name": name, "namespace": "default", **fields.pop("metadata", {})},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": "web"}},
                "template": template("v1"),
                **fields,
            },
        }
    )


def template(image):
    return {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main", "image": image}]},
    }


def pod(name, **metadata):
    """A running pod in `default` with the label app=web."""
    return Pod.from_json(
        {
            "metadata": {
                "name": name,
                "namespace": "default",
                "labels": {"app": "web"},
                **metadata,
            },
            "status": {"phase": "Running"},
        }
    )


def ready(pod, since=0):
    """The pod, ready since then."""
    found = Condition(type="Ready", status="True", last_transition_time=Time(since))
    return pod.replace(status=pod.status.replace(phase="Running", conditions=(found,)))


class Loop:
    """Controllers over one store; `requests` keeps every (request, reason) in order."""

    def __init__(self, *controllers):
        self.store = Store(indexers=INDEXERS)
        self.workers = [Worker(controller) for controller in controllers]
        self.memories = [worker.initial(None) for worker in self.workers]
        self.seen = [0 for _ in self.workers]
        self.requests = []
        self.now = 0
        self.counter = 0
        self.refuse = lambda request: ""
        self.after_write = lambda: None

    @property
    def view(self):
        return View({name: self.store.bucket(name) for name in RESOURCES}, self.now)

    def objects(self, resource):
        return [entry.value for entry in self.store.bucket(resource).entries()]

    def get(self, resource, name):
        return self.store.get(f"{resource}/default/{name}")

    def add(self, obj):
        """Create an object; the entry as stored."""
        response = self.apply(Create(obj))
        assert response.ok
        return response.entry

    def put(self, obj):
        """Overwrite an object as a user or a kubelet would."""
        response = self.apply(Update(obj))
        assert response.ok
        return response.entry

    def apply(self, request):
        """One request to the API server."""
        resource, key = target(request)
        path = f"{resource}/{key}"
        if isinstance(request, Create):
            return self._create(request.object)
        entry = self.store.get(path)
        if entry is None:
            return Response(NOT_FOUND)
        if isinstance(request, Get):
            return Response(entry=entry)
        if isinstance(request, Delete):
            self.store, _ = self.store.delete(path)
            return Response()
        if isinstance(request, Update):
            if request.resource_version not in (None, entry.resource_version):
                return Response(CONFLICT)
            return self._write(path, entry, self._updated(request, entry.value))
        return self._write(path, entry, self._claimed(request, entry.value))

    def _create(self, obj):
        self.counter += 1
        name = obj.name or f"{obj.metadata.generate_name}{self.counter}"
        uid = obj.uid or f"uid-{self.counter}"
        obj = obj.with_metadata(
            name=name, uid=uid, generation=1, creation_timestamp=Time(self.counter)
        )
        path = f"{obj.resource}/{obj.key}"
        if self.store.get(path) is not None:
            return Response(ALREADY_EXISTS)
        self.store, change = self.store.put(path, obj)
        return Response(entry=change.entry)

    def _write(self, path, entry, obj):
        if obj != entry.value:
            self.store, change = self.store.put(path, obj)
            entry = change.entry
        return Response(entry=entry)

    def _updated(self, request, old):
        new = request.object
        if request.subresource == "status":
            new = new.replace(spec=old.spec).with_metadata(labels=old.metadata.labels)
        elif hasattr(new, "spec") and new.spec != old.spec:
            new = new.with_metadata(generation=old.metadata.generation + 1)
        return new

    def _claimed(self, request, old):
        (owner,) = request.patch["metadata"]["ownerReferences"]
        kept = tuple(o for o in old.metadata.owner_references if o.uid != owner["uid"])
        if "$patch" not in owner:
            kept += (OwnerReference.from_json(owner),)
        return old.with_metadata(owner_references=kept)

    def deliver(self, index):
        """Call the event handlers of one controller for all that happened since."""
        worker = self.workers[index]
        watched = {watch.resource for watch in worker.watches}
        for change in self.store.history:
            resource = change.key.partition("/")[0]
            if change.revision > self.seen[index] and resource in watched:
                event = Notification(resource, change.previous, change.entry)
                self.memories[index] = worker.handle(self.memories[index], event, self.view)
        self.seen[index] = self.store.revision

    def reconcile(self, index, key, view=None):
        """One pass with all its requests; it starts from `view` if a stale one is given."""
        worker, memory = self.workers[index], self.memories[index]
        memory = memory._replace(queue=memory.queue.add(key))
        outcome = worker.run(memory, key, view or self.view)
        while outcome.requests:
            request, *rest = outcome.requests
            reason = self.refuse(request)
            response = Response(reason) if reason else self.apply(request)
            self.requests.append((request, response.reason))
            self.after_write()
            call = Call(key, tuple(rest), outcome.phase, outcome.failed)
            outcome = worker.answer(outcome.memory, call, request, response, self.view)
        self.memories[index] = outcome.memory

    def settle(self, limit=500):
        """Run until no controller has a key left; fails where they never come to rest."""
        for _ in range(limit):
            busy = False
            for index, worker in enumerate(self.workers):
                self.deliver(index)
                for key in worker.enabled(self.memories[index], self.now):
                    self.reconcile(index, key)
                    busy = True
            if not busy:
                return
        raise AssertionError(f"no rest after {limit} rounds: {self.requests[-5:]}")

    def run_pods(self):
        """Make every pod ready and let the controllers follow, until nothing changes."""
        for _ in range(100):
            self.settle()
            waiting = [p for p in self.objects("pods") if not p.status.conditions]
            if not waiting:
                return
            self.put(ready(waiting[0], self.now))
        raise AssertionError("pods are made without end")

    def writes(self):
        """The requests so far that were not reads, forgotten afterwards."""
        found = [request for request, _ in self.requests if not isinstance(request, Get)]
        self.requests.clear()
        return found
