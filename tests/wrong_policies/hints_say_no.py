from kspec_models.scheduler.events import DELETE, NODE, POD, UPDATE
from kspec_models.scheduler.framework import SUCCESS, UNSCHEDULABLE, Status
from kspec_models.scheduler.plugins.node_resources_fit import has_room
from kspec_models.scheduler.policies.default import default_policy


class Fit:
    """Asks for events, and finds that none of them helps."""

    name = "Fit"
    events = {(POD, DELETE): lambda pod, event: False, (NODE, UPDATE): lambda pod, event: False}

    def filter(self, spec, node_info):
        if has_room(spec, node_info):
            return SUCCESS
        return Status(UNSCHEDULABLE, ("Insufficient room",), self.name)


HINTS_SAY_NO = [*(p for p in default_policy().filters if p.name != "NodeResourcesFit"), Fit()]
"""A list of plugins, one of which turns every event down that could bring room."""
