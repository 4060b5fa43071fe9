from kspec_models.scheduler.policies.default import default_policy
from kspec_models.scheduler.profile import Profile


class IgnoresTaint(Profile):
    """It has every filter of the default profile but TaintToleration."""

    def __init__(self):
        filters = tuple(p for p in default_policy().filters if p.name != "TaintToleration")
        super().__init__("ignores-taint", filters)
