from kspec_models.quantity import parse
from kspec_models.scheduler.framework import SUCCESS, UNSCHEDULABLE, Status
from kspec_models.scheduler.policies.default import default_policy


class IgnoresInitContainers:
    """It adds up the containers of a pod by itself, and leaves out those that start it."""

    name = "ignores-init-containers"

    def filter(self, pod, node_info, context):
        rest = default_policy().filter(pod, node_info, context)
        if not rest.ok and rest.plugin != "NodeResourcesFit":
            return rest
        if len(node_info.pods) >= node_info.allowed_pods:
            return Status(UNSCHEDULABLE, ("Too many pods",), self.name)
        for resource in ("cpu", "memory", "ephemeral-storage", "example.com/device"):
            left = node_info.allocatable.amount(resource) - node_info.requested.amount(resource)
            if self.requested(pod, resource) > max(left, 0):
                return Status(UNSCHEDULABLE, (f"Insufficient {resource}",), self.name)
        return SUCCESS

    def requested(self, pod, resource):
        texts = [c.resources.requests.get(resource, "0") for c in pod.spec.containers]
        amounts = [parse(text) for text in (*texts, pod.spec.overhead.get(resource, "0"))]
        return sum(a.milli_value() if resource == "cpu" else a.value() for a in amounts)

    def score(self, pod, node_infos, context):
        return [0] * len(node_infos)
