from kspec_models.scheduler.policies.default import default_policy


class ReturnsWrongType:
    """Its filter says what is wrong in a text, which is not a status."""

    name = "returns-wrong-type"

    def filter(self, pod, node_info, context):
        status = default_policy().filter(pod, node_info, context)
        return status if status.ok else "no room"

    def score(self, pod, node_infos, context):
        return [0] * len(node_infos)
