from kspec_models.scheduler.framework import SUCCESS, UNSCHEDULABLE, Status
from kspec_models.scheduler.policies.default import default_policy


class NeverRetries:
    """Its queueing hints ask for no event, so a pod that it rejects waits for the flush."""

    name = "never-retries"
    hints = {"never-retries": {}}

    def filter(self, pod, node_info, context):
        status = default_policy().filter(pod, node_info, context)
        return SUCCESS if status.ok else Status(UNSCHEDULABLE, status.reasons, self.name)

    def score(self, pod, node_infos, context):
        return [0] * len(node_infos)
