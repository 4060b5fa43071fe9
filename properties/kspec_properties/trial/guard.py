"""A policy under guard: what it does wrong is named, with its input and its line, and raised.

A call into a policy may fail, hang, exit, answer with what cannot be used, or change what it was
given. `Guarded` answers as the policy does and turns each of these into a `PolicyError`.

What is checked: a status from Filter; as many whole numbers from Score as there are nodes, within
0..100 or within what the policy declares as `highest_score`; nodes and victims that exist from
PostFilter; and that everything that was given is as it was. A plugin of a user's own within a
profile is checked by itself, its scores after normalisation, as upstream checks them.

A call that does not come back within `seconds` is ended by a signal, which only the main thread
gets; elsewhere a call may take as long as it likes. A loop that catches every exception, even
SystemExit, cannot be ended. What a policy prints goes to standard error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from kspec.trial import Charge
from kspec_models.objects import Pod
from kspec_models.scheduler.framework import MAX_NODE_SCORE, Context, Status
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.policies.errors import PolicyError
from kspec_properties.trial.checks import (
    Check,
    annotations_of,
    context_of,
    nomination_of,
    prepared,
    scores_of,
    status_of,
)
from kspec_properties.trial.custody import Custody
from kspec_properties.trial.guarded_plugins import with_guarded_parts
from kspec_properties.trial.places import own_files

SECONDS = 5.0
"""How long one call into a policy may take."""


def charge_of(error: PolicyError, section: str) -> Charge:
    """The misconduct as a charge of a section."""
    at = f"{error.extension_point} " if error.extension_point else ""
    text = f"{at}{error.what}"
    return Charge(section, error.charge, text, error.input, error.place)


_CHECKS: dict[str, tuple[str, Check]] = {
    "pre_filter": ("PreFilter", prepared),
    "with_pod": ("AddPod", context_of),
    "without_pod": ("RemovePod", context_of),
    "reserve": ("Reserve", annotations_of),
}


class Guarded:
    """Any policy, as a policy that raises PolicyError for whatever it does wrong.

    seconds: how long a call may take. Everything else is the policy's own.
    """

    def __init__(self, policy: Any, seconds: float = SECONDS) -> None:
        self.custody = Custody(policy.name, own_files(policy), seconds)
        self.policy = with_guarded_parts(policy, self.custody)
        self.name: str = policy.name
        self.lowest, self.highest = score_range(policy)

    def renew(self, policy: Any) -> None:
        """Go on with another object of the same policy; None leaves it as it is."""
        if policy is not None:
            self.policy = with_guarded_parts(policy, self.custody)

    def filter(self, pod: Pod, node_info: NodeInfo, context: Context) -> Status:
        arguments = (pod, node_info, context)
        check = status_of(self.name)
        found: Status = self.custody.call("Filter", self.policy.filter, arguments, check)
        return found

    def score(self, pod: Pod, node_infos: tuple[NodeInfo, ...], context: Context) -> Sequence[int]:
        check = scores_of(len(node_infos), self.lowest, self.highest)
        arguments = (pod, node_infos, context)
        found: Sequence[int] = self.custody.call("Score", self.policy.score, arguments, check)
        return found

    @property
    def post_filter(self) -> Any:
        """PostFilter of the policy, guarded; None where it has none."""
        plugin = getattr(self.policy, "post_filter", None)
        if plugin is None:
            return None

        def guarded(pod: Pod, statuses: Mapping[str, Status], context: Context) -> Any:
            function, arguments = plugin, cast("tuple[Any, ...]", (pod, statuses, context))
            if hasattr(plugin, "post_filter"):
                function, arguments = plugin.post_filter, (self, *arguments)
            check = nomination_of(context)
            return self.custody.call("PostFilter", function, arguments, check)

        return guarded

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self.__dict__["policy"], name)
        if name not in _CHECKS:
            return found
        point, check = _CHECKS[name]

        def guarded(*arguments: Any) -> Any:
            return self.custody.call(point, found, arguments, check)

        return guarded


def score_range(policy: Any) -> tuple[int, int]:
    """The lowest and the highest score that the policy may give: what it declares, or 0..100."""
    return getattr(policy, "lowest_score", 0), getattr(policy, "highest_score", MAX_NODE_SCORE)
