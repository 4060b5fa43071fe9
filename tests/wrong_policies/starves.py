from kspec_models.scheduler.framework import UNSCHEDULABLE, Status
from kspec_models.scheduler.policies.default import default_policy


class Starves:
    """A pod gets no node where one of a higher priority runs, whatever room is left."""

    name = "starves"

    def filter(self, pod, node_info, context):
        mine = pod.spec.priority or 0
        if any((other.spec.priority or 0) > mine for other in node_info.pods):
            return Status(UNSCHEDULABLE, ("node(s) are for better pods",), self.name)
        return default_policy().filter(pod, node_info, context)

    def score(self, pod, node_infos, context):
        return [0] * len(node_infos)
