from kspec_models.scheduler.framework import SUCCESS
from kspec_models.scheduler.policies.default import default_policy


class ForgetsOverhead:
    """It judges a pod by its containers, and leaves out what its sandbox needs."""

    name = "forgets-overhead"

    def filter(self, pod, node_info, context):
        bare = pod.replace(spec=pod.spec.replace(overhead=pod.spec.overhead.__class__()))
        status = default_policy().filter(bare, node_info, context)
        return SUCCESS if status.ok else status

    def score(self, pod, node_infos, context):
        return [0] * len(node_infos)
