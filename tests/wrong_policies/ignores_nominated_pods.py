from kspec_models.scheduler.policies.default import default_policy


class IgnoresNominatedPods:
    """It looks nodes up in the snapshot, in which no pod is that is nominated to one."""

    name = "ignores-nominated-pods"

    def filter(self, pod, node_info, context):
        seen = next((info for info in context.nodes if info.name == node_info.name), node_info)
        return default_policy().filter(pod, seen, context)

    def score(self, pod, node_infos, context):
        return [0] * len(node_infos)

    def post_filter(self, pod, statuses, context):
        return default_policy().post_filter.post_filter(
            default_policy(), pod, statuses, default_policy().pre_filter(pod, context)[1]
        )
