from kspec_models.scheduler.policies.default import default_policy


class DependsOnListOrder:
    """The node that comes first in the list is the best."""

    name = "depends-on-list-order"

    def filter(self, pod, node_info, context):
        return default_policy().filter(pod, node_info, context)

    def score(self, pod, node_infos, context):
        return [100 - min(place, 100) for place in range(len(node_infos))]
