from zlib import crc32

from kspec_models.scheduler.policies.default import default_policy


class DependsOnNodeNames:
    """It spreads pods by a checksum of the nodes' names."""

    name = "depends-on-node-names"

    def filter(self, pod, node_info, context):
        return default_policy().filter(pod, node_info, context)

    def score(self, pod, node_infos, context):
        return [crc32(f"{pod.name}/{info.name}".encode()) % 101 for info in node_infos]
