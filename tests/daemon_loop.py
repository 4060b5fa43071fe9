"""A loop for tests of the DaemonSet controller: nodes, and pods that run when a test says so."""

from workload_loop import Loop, ready, template

from kspec_models.apiserver.daemon_set import default
from kspec_models.controllers.daemonset import DaemonSetController
from kspec_models.controllers.daemonset_nodes import target_node
from kspec_models.host import View
from kspec_models.objects import DaemonSet, Node, freeze

RESOURCES = ("daemonsets", "controllerrevisions", "pods", "nodes")
KEY = "default/web"


def daemon_set(image="v1", *, unavailable=1, surge=0, **spec):
    """A DaemonSet `default/web` as the API server stores it."""
    limits = {"maxUnavailable": unavailable, "maxSurge": surge}
    strategy = {"type": "RollingUpdate", "rollingUpdate": limits}
    return default(
        DaemonSet.from_json(
            {
                "metadata": {"name": "web", "namespace": "default"},
                "spec": {
                    "selector": {"matchLabels": {"app": "web"}},
                    "updateStrategy": strategy,
                    "template": template(image),
                    **spec,
                },
            }
        )
    )


def node(name, *taints, **labels):
    """A Node; a taint is (key, effect)."""
    spec = {"taints": [{"key": key, "effect": effect} for key, effect in taints]}
    return Node.from_json({"metadata": {"name": name, "labels": labels}, "spec": spec})


class DaemonLoop(Loop):
    """One DaemonSet controller among these nodes."""

    def __init__(self, *nodes, controller=None):
        super().__init__(controller or DaemonSetController())
        for name in nodes:
            self.add(name if isinstance(name, Node) else node(name))

    @property
    def view(self):
        return View({name: self.store.bucket(name) for name in RESOURCES}, self.now)

    @property
    def daemon_set(self):
        return self.get("daemonsets", "web").value

    def roll(self, image, **fields):
        """Give the DaemonSet another template."""
        spec = self.daemon_set.spec
        changed = daemon_set(image, **fields).spec.template
        self.put(self.daemon_set.replace(spec=spec.replace(template=changed)))

    def pods_on(self, name):
        """The pods meant for a node, oldest first."""
        found = [p for p in self.objects("pods") if target_node(p) == name]
        return sorted(found, key=lambda p: p.metadata.creation_timestamp or 0)

    def images(self):
        """The images of the pods, by node."""
        pods = sorted(self.objects("pods"), key=lambda p: (target_node(p), p.name))
        return [(target_node(p), p.spec.containers[0].image) for p in pods]

    def bind(self, pod, phase="Running"):
        """The pod on its node, in that phase."""
        spec = pod.spec.replace(node_name=target_node(pod))
        return pod.replace(spec=spec, status=pod.status.replace(phase=phase))

    def run(self, pod):
        """Bind a pod and make it ready."""
        self.put(ready(self.bind(pod), self.now))

    def run_pods(self):
        """Bind every pod and make it ready, one by one, until nothing changes."""
        for _ in range(100):
            self.settle()
            waiting = [p for p in self.objects("pods") if not p.status.conditions]
            if not waiting:
                return
            self.run(waiting[0])
        raise AssertionError("pods are made without end")

    def _claimed(self, request, old):
        """A claim, or new labels."""
        labels = request.patch["metadata"].get("labels")
        if labels is None:
            return super()._claimed(request, old)
        return old.with_metadata(labels=freeze({**old.metadata.labels, **labels}))
