"""A new leader's quota controller counted before its informers had synced.

It wrote a status that counted few or no pods; admission, which trusts the status, let in more than
the hard limits until the next full resync. Since #50551 and #74747 the evaluators refuse to count
what has not synced. That the new leader starts with empty caches is all that matters, so a plain
restart of the controller manager shows it as well as a failover does.
"""

from __future__ import annotations

from kspec_models.controllers.resourcequota import ResourceQuotaController
from kspec_models.worlds_quota import FULL
from kspec_properties.bugs.bug import Bug
from kspec_properties.mutants.mutant import replacing_controller


class CountsUnsynced(ResourceQuotaController):
    """As it was until #50551: it does not ask whether its informers have synced."""

    acts_unsynced = True


BUG = Bug(
    id="k8s-50442",
    title="When controller-manager in the process of changing from standby to main, resourceQuota "
    "will exceed.",
    url="https://github.com/kubernetes/kubernetes/issues/50442",
    property="a-quota-counts-what-its-controller-has-listed",
    world=FULL,
    faults="crash",
    estimate=5,
    change=replacing_controller("resourcequota", lambda old: CountsUnsynced(old.resources)),
)
