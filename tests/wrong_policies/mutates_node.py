from kspec_models.scheduler.policies.default import default_policy


class MutatesNode:
    """It keeps count in the NodeInfo that it was given."""

    name = "mutates-node"

    def filter(self, pod, node_info, context):
        status = default_policy().filter(pod, node_info, context)
        if status.ok:
            node_info.pods = (*node_info.pods, pod)
        return status

    def score(self, pod, node_infos, context):
        return [0] * len(node_infos)
