from kspec_models.scheduler.policies.default import default_policy


class ScoreOutOfRange:
    """It rates a node by the pods that it has room for: most nodes have room for more than 100."""

    name = "score-out-of-range"

    def filter(self, pod, node_info, context):
        return default_policy().filter(pod, node_info, context)

    def score(self, pod, node_infos, context):
        return [info.allowed_pods - len(info.pods) for info in node_infos]
