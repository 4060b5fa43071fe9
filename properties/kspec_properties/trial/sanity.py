"""Sanity of a policy: metamorphic relations, determinism, and its conduct, on generated clusters.

Every finding is about a few hundred clusters that follow from the seed (see `generated`), so that
nothing here is more than NoViolation. A violation is shown on the smallest cluster that was found,
with what the policy decides on it and on the variant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from kspec.trial import Charge, Finding, Section
from kspec.trial.card import FAILS, NO_VIOLATION, NOT_PROMISED, UNKNOWN
from kspec_models.scheduler.policies.errors import PolicyError
from kspec_properties.trial.elsewhere import decisions, decisions_elsewhere
from kspec_properties.trial.generated import instances
from kspec_properties.trial.guard import SECONDS, Guarded, charge_of
from kspec_properties.trial.guarded_plugins import has_memory, renewed
from kspec_properties.trial.instances import Instance
from kspec_properties.trial.judging import Judgement, judge
from kspec_properties.trial.places import limited, line_of_definition
from kspec_properties.trial.relations import RELATIONS, Relation, Variant
from kspec_properties.trial.smaller import smallest

NAME = "sanity"
CLUSTERS = 240
ENOUGH = 20
"""After misconduct on so many clusters no more are tried."""
DETERMINISM, CONDUCT = "determinism", "conduct"
_DIRECTLY_ENDS = ("hangs", "exits")


def section(
    policy: Any,
    clock: Callable[[], float],
    *,
    name: str = "",
    clusters: int = CLUSTERS,
    seed: int = 0,
    seconds: float = SECONDS,
) -> Section:
    """What so many generated clusters show of a policy; a call into it may take so many seconds.

    name: by which another process can load the policy; without one none is asked.
    """
    start = clock()
    trial = _Trial(policy, seconds)
    for instance in instances(seed, clusters):
        trial.look_at(instance)
        if trial.is_over:
            break
    if name and has_memory(policy) and DETERMINISM not in trial.charges and not trial.misbehaved:
        trial.look_elsewhere(name, seed)
    return Section(NAME, tuple(trial.findings()), (), clock() - start)


def declared(policy: Any, excuses: tuple[str, ...]) -> str:
    """By which attribute the policy, or one of its scorers, says not to keep a relation; or ""."""
    for excuse in excuses:
        if getattr(policy, excuse, False):
            return f"the policy declares {excuse}"
        said = [p.name for p, _ in getattr(policy, "scorers", ()) if getattr(p, excuse, False)]
        if said:
            return f"{', '.join(said)} declares {excuse}"
    if "rounds" in excuses and getattr(policy, "is_scale_free", True) is False:
        return "the policy declares is_scale_free = False"
    return ""


class _Trial:
    """What has been seen so far. charges: by the name of the finding."""

    def __init__(self, policy: Any, seconds: float) -> None:
        self.policy, self.seconds = policy, seconds
        self.pristine = renewed(policy)
        self.used = Guarded(self.fresh(), seconds)
        self.clusters = 0
        self.cases: Counter[str] = Counter()
        self.differing: Counter[str] = Counter()
        self.charges: dict[str, Charge] = {}
        self.misbehaved = 0
        self.is_over = False

    def fresh(self) -> Any:
        """A policy that was not called before; the same object where it cannot be copied."""
        made = renewed(self.pristine) if self.pristine is not None else None
        return made if made is not None else self.policy

    def judge(self, policy: Any, variant: Variant) -> Judgement:
        """The decision on a variant, with a guard only where it turns out to be needed."""
        pod = variant.instance.pending[0]
        try:
            with limited(self.seconds, ()):
                return judge(policy, pod, variant.context())
        except KeyboardInterrupt:
            raise
        except BaseException:  # whatever it is, the guard tells it better
            return judge(Guarded(policy, self.seconds), pod, variant.context())

    def look_at(self, instance: Instance) -> None:
        """Everything about one cluster; a policy that misbehaves there is convicted of that."""
        self.clusters += 1
        written = _written(instance)
        try:
            self._compare(instance)
        except PolicyError as error:
            self._misbehaves(error, instance)
        if _written(instance) != written:
            self._changes_what_is_frozen(instance)

    def _compare(self, instance: Instance) -> None:
        pod = instance.pending[0]
        base = judge(self.used, pod, instance.context())
        fresh = self.fresh()
        self._repeat(instance, base, fresh)
        for relation in RELATIONS:
            if relation.name in self.charges:
                continue
            for variant in relation.variants(instance):
                policy = fresh if variant.order is None else self.fresh()
                answer = self.judge(policy, variant)
                if not is_kept(base, answer, variant, self.cases, relation):
                    self._broken(relation, instance)
                    break

    def _repeat(self, instance: Instance, base: Judgement, fresh: Any) -> None:
        if DETERMINISM in self.charges:
            return
        self.cases[DETERMINISM] += 1
        variant = Variant("as it is", instance)
        for what, policy in (
            ("asked again", self.used.policy),
            ("asked of a policy that was made anew", fresh),
            ("asked of that policy once more", fresh),
        ):
            again = self.judge(policy, variant)
            if (again.best, again.scores) != (base.best, base.scores):
                text = f"the same input gives another decision: {base}, and {again} when {what}"
                self._convict(DETERMINISM, "not-deterministic", text, instance, base, again)
                return

    def look_elsewhere(self, name: str, seed: int) -> None:
        """Whether another process decides the same; see `elsewhere`."""
        there = decisions_elsewhere(name, seed)
        here = decisions(self.fresh(), seed, len(there))
        for instance, mine, other in zip(instances(seed, len(there)), here, there, strict=True):
            if mine == other:
                continue
            text = f"the same input gives another decision: scores {mine[1]}, best {mine[0]}; in "
            text += f"another process, on another day, scores {other[1]}, best {other[0]}"
            place = line_of_definition(self.policy, "score" if mine[1] else "filter")
            charge = Charge(NAME, "not-deterministic", text, instance.to_yaml(), place)
            self.charges[DETERMINISM] = charge
            return

    def _broken(self, relation: Relation, instance: Instance) -> None:
        self.differing[relation.name] += 1
        if declared(self.policy, relation.excuses):
            return
        small = smallest(instance, lambda cut: self._violation(relation, cut) is not None)
        found = self._violation(relation, small)
        if found is None:  # it does not happen again: the policy is not deterministic
            return
        base, answer, variant = found
        key = small.pending[0].key
        text = f"not kept: {relation.promise}; {key} goes to {base}; {variant.what}, to {answer}"
        self._convict(relation.name, relation.charge, text, small, base, answer)

    def _violation(
        self, relation: Relation, instance: Instance
    ) -> tuple[Judgement, Judgement, Variant] | None:
        try:
            base = self.judge(self.fresh(), Variant("as it is", instance))
            for variant in relation.variants(instance):
                answer = self.judge(self.fresh(), variant)
                if not is_kept(base, answer, variant):
                    return base, answer, variant
        except PolicyError:
            return None
        return None

    def _convict(
        self,
        name: str,
        charge: str,
        text: str,
        instance: Instance,
        base: Judgement,
        answer: Judgement,
    ) -> None:
        has_same_nodes = len(base.feasible) == len(answer.feasible)
        place = line_of_definition(self.policy, "score" if has_same_nodes else "filter")
        self.charges[name] = Charge(NAME, charge, text, instance.to_yaml(), place)

    def _misbehaves(self, error: PolicyError, instance: Instance) -> None:
        name = CONDUCT if error.charge != "mutates-input" else "inputs-unchanged"
        self.misbehaved += 1
        self.is_over = error.charge in _DIRECTLY_ENDS or self.misbehaved >= ENOUGH
        if name in self.charges:
            return
        if error.charge not in _DIRECTLY_ENDS:
            error = self._smallest_misconduct(error, instance)
        self.charges[name] = charge_of(error, NAME)

    def _smallest_misconduct(self, error: PolicyError, instance: Instance) -> PolicyError:
        """The same misconduct, of the same line, on the smallest cluster that was found."""
        seen = [error]

        def shows(cut: Instance) -> bool:
            try:
                guarded = Guarded(self.fresh(), self.seconds)
                judge(guarded, cut.pending[0], cut.context())
            except PolicyError as again:
                if (again.charge, again.place) == (error.charge, error.place):
                    seen.append(again)
                    return True
            return False

        smallest(instance, shows)
        return seen[-1]

    def _changes_what_is_frozen(self, instance: Instance) -> None:
        text = "changes objects that it was given, below their frozen surface"
        place = line_of_definition(self.policy, "score")
        charge = Charge(NAME, "mutates-input", text, instance.to_yaml(), place)
        self.charges.setdefault("inputs-unchanged", charge)

    def findings(self) -> Iterator[Finding]:
        """One per relation, and of determinism, unchanged inputs and conduct."""
        for relation in RELATIONS:
            excuse = declared(self.policy, relation.excuses)
            differing = self.differing[relation.name]
            yield self._finding(relation.name, self.cases[relation.name], excuse, differing)
        yield self._finding(DETERMINISM, self.cases[DETERMINISM])
        yield self._finding("inputs-unchanged", self.clusters)
        yield self._finding(CONDUCT, self.clusters)

    def _finding(self, name: str, cases: int, excuse: str = "", differing: int = 0) -> Finding:
        charge = self.charges.get(name)
        if charge is not None:
            return Finding(name, FAILS, charge.text, charge)
        seen = f"{cases:,} cases on {self.clusters} generated clusters"
        if excuse:
            return Finding(name, NOT_PROMISED, f"{excuse}; {differing} of {seen} differ")
        if not cases:
            return Finding(
                name,
                UNKNOWN,
                "no case: the policy misbehaves before it comes to this, or refuses nothing",
            )
        return Finding(name, NO_VIOLATION, seen)


def is_kept(
    base: Judgement,
    answer: Judgement,
    variant: Variant,
    cases: Counter[str] | None = None,
    relation: Relation | None = None,
) -> bool:
    """Whether the best nodes of a variant are those of the instance, by the variant's names."""
    if variant.added and variant.added in answer.feasible:
        return True  # the policy does not refuse that node, so nothing is promised
    if cases is not None and relation is not None:
        cases[relation.name] += 1
    names = variant.names
    return tuple(sorted(names.get(name, name) for name in base.best)) == answer.best


def _written(instance: Instance) -> list[dict[str, Any]]:
    return [obj.to_json() for obj in instance.objects()]
