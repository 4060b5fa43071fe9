from kspec_models.scheduler.framework import Nomination
from kspec_models.scheduler.policies.default import default_policy


def priority(pod):
    return pod.spec.priority or 0


class EvictsInVain:
    """It evicts a pod of lower priority without a look whether that makes enough room."""

    name = "evicts-in-vain"

    def filter(self, pod, node_info, context):
        return default_policy().filter(pod, node_info, context)

    def score(self, pod, node_infos, context):
        return [0] * len(node_infos)

    def post_filter(self, pod, statuses, context):
        for info in context.nodes:
            for victim in info.pods:
                if not victim.is_terminating and priority(victim) < priority(pod):
                    return Nomination(info.name, (victim,))
        return Nomination()
