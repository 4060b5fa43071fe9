from kspec_models.scheduler.policies.default import default_policy


class ReturnsNan:
    """It divides by what it should not: free memory by none is not a number."""

    name = "returns-nan"

    def filter(self, pod, node_info, context):
        return default_policy().filter(pod, node_info, context)

    def score(self, pod, node_infos, context):
        free = [float(info.allocatable.memory - info.requested.memory) for info in node_infos]
        largest = max(free) or float("nan")
        return [100 * (share - share) / (largest - largest or float("nan")) for share in free]
