from kspec_models.scheduler.policies.default import default_policy
from kspec_models.scheduler.profile import Profile


class IgnoresNodeSelector(Profile):
    """It has every filter of the default profile but NodeAffinity."""

    def __init__(self):
        default = default_policy()
        filters = tuple(p for p in default.filters if p.name != "NodeAffinity")
        super().__init__(
            "ignores-node-selector", filters, default.scorers, post_filter=default.post_filter
        )
