from kspec_models.scheduler.framework import Nomination
from kspec_models.scheduler.policies.default import default_policy


def priority(pod):
    return pod.spec.priority or 0


class PicksUnknownNode:
    """It nominates a node that does not exist."""

    name = "picks-unknown-node"

    def filter(self, pod, node_info, context):
        return default_policy().filter(pod, node_info, context)

    def score(self, pod, node_infos, context):
        return [0] * len(node_infos)

    def post_filter(self, pod, statuses, context):
        if context.nodes:
            return Nomination(f"{context.nodes[0].name}-spare", ())
        return Nomination()
