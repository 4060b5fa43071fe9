from kspec_models.scheduler.policies.default import default_policy


class RaisesSometimes:
    """It takes for granted that every pod has the label app."""

    name = "raises-sometimes"

    def filter(self, pod, node_info, context):
        return default_policy().filter(pod, node_info, context)

    def score(self, pod, node_infos, context):
        return [len(pod.metadata.labels["app"])] * len(node_infos)
