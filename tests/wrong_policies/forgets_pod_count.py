class ForgetsPodCount:
    """It counts CPU, memory and storage, and not how many pods a node may run."""

    name = "forgets-pod-count"
    numeric = True

    def filter(self, pod, node):
        return (
            node.requested_milli_cpu + pod.milli_cpu <= node.allocatable_milli_cpu
            and node.requested_memory + pod.memory <= node.allocatable_memory
            and node.requested_ephemeral_storage + pod.ephemeral_storage
            <= node.allocatable_ephemeral_storage
        )

    def score(self, pod, node):
        return 0
