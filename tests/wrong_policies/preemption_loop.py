from kspec_models.scheduler.framework import Nomination
from kspec_models.scheduler.policies.default import default_policy


def priority(pod):
    return pod.spec.priority or 0


class PreemptionLoop:
    """It evicts pods of its own priority, whose replacements evict it in turn."""

    name = "preemption-loop"

    def filter(self, pod, node_info, context):
        return default_policy().filter(pod, node_info, context)

    def score(self, pod, node_infos, context):
        return [0] * len(node_infos)

    def post_filter(self, pod, statuses, context):
        for info in context.nodes:
            for victim in info.pods:
                left = info.without_pod(victim.uid)
                is_allowed = priority(victim) <= priority(pod) and not victim.is_terminating
                if is_allowed and self.filter(pod, left, context).ok:
                    return Nomination(info.name, (victim,))
        return Nomination()
