from kspec_models.scheduler.framework import UNSCHEDULABLE, Status
from kspec_models.scheduler.policies.default import default_policy


class StarvesTheLarge:
    """It keeps a tenth of every node free, so a pod that needs a whole node never gets one."""

    name = "starves-the-large"

    def filter(self, pod, node_info, context):
        status = default_policy().filter(pod, node_info, context)
        if not status.ok:
            return status
        full = node_info.with_pod(pod)
        if full.requested.memory * 10 > full.allocatable.memory * 9:
            return Status(UNSCHEDULABLE, ("node(s) would be too full",), self.name)
        return status

    def score(self, pod, node_infos, context):
        return [0] * len(node_infos)
