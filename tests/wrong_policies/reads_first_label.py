class ReadsFirstLabel:
    """A plugin that rates a node by the label that is written first."""

    name = "ReadsFirstLabel"
    is_relative = False

    def score(self, spec, node_info):
        return len(next(iter(node_info.node.metadata.labels), ""))

    def normalize(self, scores):
        return scores


READS_FIRST_LABEL = [ReadsFirstLabel]
