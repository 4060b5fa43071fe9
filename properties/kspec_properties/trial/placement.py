"""A policy places the pods of an instance one after the other, each bound before the next.

The order is that of the queue: by priority, then as the pods are listed. Pods that fit nowhere are
tried again as long as another one was placed since, as queueing hints would have it. Left out:
preemption, which evicts what is bound; here what is bound stays.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from kspec_models.objects import Pod
from kspec_models.scheduler.framework import Context
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.profiles import hooks_of
from kspec_properties.trial.instances import Instance, bind
from kspec_properties.trial.judging import Judgement, judge

Choice = Callable[[tuple[str, ...]], str]
"""Takes one of the best nodes, which are sorted."""


def lowest(best: tuple[str, ...]) -> str:
    """The lowest name."""
    return best[0]


def highest(best: tuple[str, ...]) -> str:
    """The highest name."""
    return best[-1]


def at_random(seed: int) -> Choice:
    """Any of them, as the seed has it."""
    return random.Random(seed).choice


class Placed(NamedTuple):
    """bound: the pods that were placed, in their order. waiting: those that were not. judgements:
    the decision on each that was placed, by key. context: the cluster afterwards."""

    bound: tuple[Pod, ...]
    waiting: tuple[Pod, ...]
    judgements: Mapping[str, Judgement]
    context: Context


def place(policy: Any, instance: Instance, choose: Choice = lowest) -> Placed:
    """What becomes of the pods that wait."""
    context = instance.context()
    bound: list[Pod] = []
    judgements: dict[str, Judgement] = {}
    waiting, is_again = instance.pending, True
    while waiting and is_again:
        left: list[Pod] = []
        for pod in waiting:
            judgement = judge(policy, pod, context)
            if not judgement.best:
                left.append(pod)
                continue
            info = _info(context, choose(judgement.best))
            assumed = bind(pod, info.name, _reserved(policy, pod, info, context))
            context = _with(context, info, assumed)
            bound.append(assumed)
            judgements[pod.key] = judgement
        is_again = len(left) < len(waiting)
        waiting = tuple(left)
    return Placed(tuple(bound), waiting, judgements, context)


def _info(context: Context, name: str) -> NodeInfo:
    return next(info for info in context.nodes if info.name == name)


def _with(context: Context, info: NodeInfo, pod: Pod) -> Context:
    changed = info.with_pod(pod)
    nodes = tuple(changed if each is info else each for each in context.nodes)
    return context._replace(nodes=nodes)


def _reserved(policy: Any, pod: Pod, info: NodeInfo, context: Context) -> dict[str, str]:
    """The annotations that Reserve of the policy and its plugins sends with the binding."""
    given: dict[str, str] = {}
    for reserve in hooks_of(policy).reserve:
        found = reserve(pod, info, context)
        if isinstance(found, Mapping):
            given.update(found)
    return given
