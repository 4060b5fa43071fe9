from kspec_models.resources import amounts_of
from kspec_models.scheduler.framework import SUCCESS, UNSCHEDULABLE, Status
from kspec_models.scheduler.policies.default import default_policy


class StaleRoom:
    """It computes the room of all nodes for the first pod of ten, and goes on from there."""

    name = "stale-room"
    calls = 0

    def filter(self, pod, node_info, context):
        if self.calls % 10 == 0:
            self.room = {
                info.name: info.allocatable.amount("memory") - info.requested.amount("memory")
                for info in context.nodes
            }
        self.calls += 1
        status = default_policy().filter(pod, node_info, context)
        if not status.ok and status.plugin != "NodeResourcesFit":
            return status
        if amounts_of(pod).requests.amount("memory") > self.room.get(node_info.name, 0):
            return Status(UNSCHEDULABLE, ("Insufficient memory",), self.name)
        return SUCCESS

    def score(self, pod, node_infos, context):
        return [0] * len(node_infos)
