from kspec_models.scheduler.framework import UNSCHEDULABLE, Nomination, Status
from kspec_models.scheduler.policies.default import default_policy


class EvictsAndRefuses:
    """It evicts for a pod, and then finds the room that it made too tight for it."""

    name = "evicts-and-refuses"

    def filter(self, pod, node_info, context):
        status = default_policy().filter(pod, node_info, context)
        if status.ok and (pod.spec.priority or 0) > 100:
            free = node_info.allocatable.memory - node_info.requested.memory
            if free < 2**30:
                return Status(UNSCHEDULABLE, ("node(s) are not empty",), self.name)
        return status

    def score(self, pod, node_infos, context):
        return [0] * len(node_infos)

    def post_filter(self, pod, statuses, context):
        for info in context.nodes:
            for victim in info.pods:
                is_lower = (victim.spec.priority or 0) < (pod.spec.priority or 0)
                left = info.without_pod(victim.uid)
                helps = default_policy().filter(pod, left, context).ok
                if is_lower and helps and not victim.is_terminating:
                    return Nomination(info.name, (victim,))
        return Nomination()
