from kspec_models.scheduler.policies.default import default_policy
from kspec_models.scheduler.profile import Profile


class IgnoresHostPorts(Profile):
    """It has every filter of the default profile but NodePorts."""

    def __init__(self):
        default = default_policy()
        filters = tuple(p for p in default.filters if p.name != "NodePorts")
        super().__init__(
            "ignores-host-ports", filters, default.scorers, post_filter=default.post_filter
        )
