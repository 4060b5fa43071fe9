from kspec_models.scheduler.events import DELETE, POD, UPDATE_POD_SCALE_DOWN
from kspec_models.scheduler.plugins.node_resources_fit import NodeResourcesFit


def never(pod, event):
    return False


class Fit(NodeResourcesFit):
    """Asks for the events that bring room, and finds that none of them helps."""

    events = {(POD, DELETE): never, (POD, UPDATE_POD_SCALE_DOWN): never}


HINTS_SAY_NO = [Fit()]
"""The default filters, of which the one that looks for room turns every event down."""
