"""Why a pod cannot be placed, or where it goes: the answer of `kspec policy explain`.

The pods of the world are placed by the policy first, in the order of the queue; the pod in question
is then either among them, or it waits, and the cluster as it stands then is what is explained.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from kspec.errors import InputError
from kspec_models.objects import Pod
from kspec_models.scheduler.framework import Context
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.policies.default import default_policy
from kspec_models.scheduler.profile import Profile
from kspec_properties.trial.constraints import Constraint, constraints_of
from kspec_properties.trial.core import Core, core_of
from kspec_properties.trial.from_world import Loaded
from kspec_properties.trial.guard import Guarded
from kspec_properties.trial.guarded_plugins import is_foreign
from kspec_properties.trial.instances import Instance
from kspec_properties.trial.judging import Judgement, judge
from kspec_properties.trial.placement import Placed, place

SCHEMA = "kspec.dev/explain/v1"


@attrs.frozen
class Remedy:
    """One change that would do. kind: "evict" a pod, or "relax" a constraint."""

    kind: str
    node: str
    what: str

    def __str__(self) -> str:
        if self.kind == "evict":
            return f"evict {self.what} from {self.node}"
        return f"without this it fits {self.node}: {self.what}"


@attrs.frozen(kw_only=True)
class Explanation:
    """The answer about one pod.

    state: "bound" (it was before), "placed", "waiting" or "gated". constraints: everything that
    keeps it from a node. core: a minimal part of that. waits_for: the pods that were placed before
    it and without which it would fit a node. ignored: constraints that the policy broke.
    """

    pod: str
    policy: str
    state: str
    node: str = ""
    judgement: Judgement | None = None
    constraints: tuple[Constraint, ...] = ()
    core: Core | None = None
    remedies: tuple[Remedy, ...] = ()
    fits_alone: tuple[str, ...] = ()
    ignored: tuple[Constraint, ...] = ()

    @property
    def is_unknown(self) -> bool:
        """Whether it waits and the solver could not say why."""
        return self.state == "waiting" and self.core is None

    def to_json(self) -> dict[str, Any]:
        scores = (
            dict(zip(self.judgement.feasible, self.judgement.scores, strict=False))
            if (self.judgement)
            else {}
        )
        return {
            "schema": SCHEMA,
            "pod": self.pod,
            "policy": self.policy,
            "state": self.state,
            "node": self.node,
            "best": list(self.judgement.best) if self.judgement else [],
            "feasible": list(self.judgement.feasible) if self.judgement else [],
            "scores": scores,
            "core": _listed(self.core.constraints if self.core else ()),
            "is_minimal": self.core.is_minimal if self.core else False,
            "constraints": _listed(self.constraints),
            "remedies": [attrs.asdict(remedy) for remedy in self.remedies],
            "fits_alone": list(self.fits_alone),
            "ignored": _listed(self.ignored),
        }

    def lines(self) -> Iterator[str]:
        """The answer for people."""
        if self.state == "bound":
            yield f"{self.pod} is bound to {self.node} already"
        elif self.state == "gated":
            yield f"{self.pod} has scheduling gates: no scheduler takes it until they are removed"
        elif self.state == "placed":
            yield from self._placed()
        else:
            yield from self._waiting()

    def _placed(self) -> Iterator[str]:
        assert self.judgement is not None
        yield f"{self.pod} goes to {self.node} by policy {self.policy}"
        rated = zip(self.judgement.feasible, self.judgement.scores, strict=False)
        listed = ", ".join(f"{name} {score}" for name, score in rated)
        yield f"  scores: {listed}" if listed else "  no other node takes it"
        if len(self.judgement.best) > 1:
            yield f"  {', '.join(self.judgement.best)} are rated alike; the lowest name wins"
        for each in self.ignored:
            yield f"  the policy ignores: {each}"
        for each in self.constraints:
            yield f"  refused: {each}"

    def _waiting(self) -> Iterator[str]:
        yield f"{self.pod} cannot be placed by policy {self.policy}"
        if self.core is None:
            yield "  the solver did not find out why"
            return
        kept = self.core.constraints
        sure = "" if self.core.is_minimal else " (perhaps not all of them)"
        yield (
            f"  because of all of these together{sure}:" if len(kept) > 1 else "  because of this:"
        )
        for each in kept:
            yield f"    {each}"
        rest = [each for each in self.constraints if each not in kept]
        if rest:
            yield "  also in the way:"
        for each in rest:
            yield f"    {each}"
        yield "  one change would do:" if self.remedies else "  no single change would do"
        for remedy in self.remedies:
            yield f"    {remedy}"
        if self.fits_alone:
            yield f"  before other waiting pods were placed it fitted {', '.join(self.fits_alone)}"


def _listed(constraints: Sequence[Constraint]) -> list[dict[str, str]]:
    return [{"node": c.node, "constraint": c.what, "plugin": c.plugin} for c in constraints]


def explain(policy: Any, loaded: Loaded, name: str) -> Explanation:
    """The answer about the pod of that name, NAMESPACE/NAME or NAME.

    Raises InputError where there is no such pod, or several.
    """
    instance, guarded = loaded.instance, Guarded(policy)
    pod = _pod_named(name, (*instance.bound, *instance.pending, *loaded.gated))
    if pod.spec.node_name:
        return Explanation(pod=pod.key, policy=policy.name, state="bound", node=pod.spec.node_name)
    if any(pod.key == gated.key for gated in loaded.gated):
        return Explanation(pod=pod.key, policy=policy.name, state="gated")
    placed = place(guarded, instance)
    if pod.key in placed.judgements:
        return _where(guarded, pod, instance, placed)
    return _why_not(guarded, pod, instance, placed)


def _pod_named(name: str, pods: Sequence[Pod]) -> Pod:
    found = [pod for pod in pods if name in (pod.key, pod.name)]
    if len(found) == 1:
        return found[0]
    if found:
        keys = " or ".join(pod.key for pod in found)
        raise InputError(f"there are several pods called {name}", expected=keys)
    keys_of_all = [pod.key for pod in pods]
    near = difflib.get_close_matches(name, [*keys_of_all, *(p.name for p in pods)], 3, 0.4)
    known = ", ".join(near or keys_of_all[:3]) or "a world with pods"
    raise InputError(f"there is no pod called {name}", expected=f"NAMESPACE/NAME, such as {known}")


def _where(policy: Guarded, pod: Pod, instance: Instance, placed: Placed) -> Explanation:
    """The pod was placed: where, among which nodes, and what of the others."""
    bound = next(each for each in placed.bound if each.key == pod.key)
    before = placed.bound[: placed.bound.index(bound)]
    context = _after(instance, before)
    node = bound.spec.node_name
    found = constraints_of(policy, filters_for(policy, pod), pod, context)
    feasible = placed.judgements[pod.key].feasible
    return Explanation(
        pod=pod.key,
        policy=policy.name,
        state="placed",
        node=node,
        judgement=placed.judgements[pod.key],
        constraints=tuple(each for each in found if each.node not in feasible),
        ignored=tuple(each for each in found if each.node == node),
    )


def _after(instance: Instance, bound: Sequence[Pod]) -> Context:
    return attrs.evolve(instance, bound=(*instance.bound, *bound)).context()


def _why_not(policy: Guarded, pod: Pod, instance: Instance, placed: Placed) -> Explanation:
    """The pod waits: why, and what would change that."""
    context = placed.context
    constraints = constraints_of(policy, filters_for(policy, pod), pod, context)
    if not context.nodes:
        constraints = (Constraint("*", policy.name, "there is no node"),)
    names = [info.name for info in context.nodes]
    core = core_of(constraints, names) if names else Core(constraints, True)
    alone = judge(policy, pod, instance.context()) if placed.bound else Judgement()
    return Explanation(
        pod=pod.key,
        policy=policy.name,
        state="waiting",
        constraints=constraints,
        core=core,
        remedies=(*_relaxations(constraints), *_evictions(policy, pod, context)),
        fits_alone=alone.feasible,
    )


def _relaxations(constraints: Sequence[Constraint]) -> Iterator[Remedy]:
    """The constraints that are the only ones of their node."""
    for each in constraints:
        if not each.is_about_room and sum(c.node == each.node for c in constraints) == 1:
            yield Remedy("relax", each.node, f"{each.what} ({each.plugin})")


def _evictions(policy: Guarded, pod: Pod, context: Context) -> Iterator[Remedy]:
    """The pods without any one of which the policy would place the pod on their node."""
    for info in context.nodes:
        for other in info.pods:
            fewer = _replaced(context, info, info.without_pod(other.uid))
            if info.name in judge(policy, pod, fewer).feasible:
                yield Remedy("evict", info.name, other.key)


def _replaced(context: Context, old: NodeInfo, new: NodeInfo) -> Context:
    return context._replace(nodes=tuple(new if i is old else i for i in context.nodes))


def filters_for(policy: Guarded, pod: Pod) -> tuple[Any, ...]:
    """The in-tree filters that hold for the pod: those of its profile, or the default ones."""
    own = policy.policy
    if hasattr(own, "profile"):
        own = own.profile(pod) if callable(own.profile) else own.profile
    if not isinstance(own, Profile):
        return default_policy().filters
    return tuple(plugin for plugin in own.filters if not is_foreign(_inner(plugin)))


def _inner(plugin: Any) -> Any:
    """A plugin without its guard."""
    return plugin.__dict__.get("plugin", plugin) if hasattr(plugin, "__dict__") else plugin
