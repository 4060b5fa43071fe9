from kspec_models.scheduler.policies.default import default_policy


class LoopsForever:
    """Where nothing fits it looks again, and the snapshot never changes."""

    name = "loops-forever"

    def filter(self, pod, node_info, context):
        while not default_policy().filter(pod, node_info, context).ok:
            pass
        return default_policy().filter(pod, node_info, context)

    def score(self, pod, node_infos, context):
        return [0] * len(node_infos)
