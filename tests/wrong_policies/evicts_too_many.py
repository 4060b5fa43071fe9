from kspec_models.scheduler.framework import Nomination
from kspec_models.scheduler.policies.default import default_policy


def priority(pod):
    return pod.spec.priority or 0


class EvictsTooMany:
    """It evicts every pod of lower priority, needed or not."""

    name = "evicts-too-many"

    def filter(self, pod, node_info, context):
        return default_policy().filter(pod, node_info, context)

    def score(self, pod, node_infos, context):
        return [0] * len(node_infos)

    def post_filter(self, pod, statuses, context):
        for info in context.nodes:
            lower = [other for other in info.pods if priority(other) < priority(pod)]
            left = info
            for victim in lower:
                left = left.without_pod(victim.uid)
            if lower and self.filter(pod, left, context).ok:
                going = [victim for victim in lower if not victim.is_terminating]
                return Nomination(info.name, tuple(going))
        return Nomination()
