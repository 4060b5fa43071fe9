class HashesText:
    """It scatters pods by the hash of a text, which is another one in each process."""

    name = "hashes-text"

    def score(self, pod, node_infos, context):
        return [hash((pod.key, len(info.pods))) % 101 for info in node_infos]
