from kspec_models.scheduler.policies import load_policy


class RemembersNames:
    """Around the default policy; it keeps each verdict by the names of the pod and the node."""

    name = "remembers-names"

    def __init__(self):
        self.default = load_policy("default")
        self.post_filter = self.default.post_filter
        self.highest_score = self.default.highest_score
        self.verdicts = {}

    def pre_filter(self, pod, context):
        return self.default.pre_filter(pod, context)

    def filter(self, pod, node_info, context):
        names = pod.metadata.name, node_info.name
        if names not in self.verdicts:
            self.verdicts[names] = self.default.filter(pod, node_info, context)
        return self.verdicts[names]

    def score(self, pod, node_infos, context):
        return self.default.score(pod, node_infos, context)
