"""A scheduler extender: a program that is asked over HTTP which nodes a pod may have, and how good.

After pkg/scheduler/extender.go at 1.36.

An exploration asks the same again and again, and its replay must get the same answers: each answer
is kept by verb and request. The first time that a request comes back it is sent once more, and an
answer that differs is an error of the extender: same input, other decision. Calls to bind are sent
once, since they are to change something.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import yaml

from kspec_models.objects import Pod
from kspec_models.scheduler.extender import wire
from kspec_models.scheduler.extender.exchange import MALFORMED, Exchange, ExchangeError
from kspec_models.scheduler.extender.options import Options
from kspec_models.scheduler.extender.wire import FilterAnswer, Malformed, MetaVictims
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.policies.errors import PolicyError

INCONSISTENT: Final = "same-input-other-decision"
_KEPT: Final = 200_000

T = TypeVar("T")


class _Kept(NamedTuple):
    """An answer, or the error instead of one; and whether the request was sent again since."""

    answer: Any
    error: PolicyError | None
    is_confirmed: bool


class Extender:
    """One extender of the policy of that name. Each call raises PolicyError where it fails."""

    def __init__(self, options: Options, policy: str) -> None:
        self.options, self.policy = options, policy
        self._exchange = Exchange(options)
        self._kept: dict[tuple[str, bytes], _Kept] = {}

    def concerns(self, pod: Pod) -> bool:
        """IsInterested: whether the pod asks for a resource that the extender manages, if any."""
        managed = self.options.managed
        if not managed:
            return True
        return any(
            name in container.resources.requests or name in container.resources.limits
            for container in (*pod.spec.containers, *pod.spec.init_containers)
            for name in managed
        )

    def filter(self, pod: Pod, infos: Sequence[NodeInfo]) -> FilterAnswer:
        """Which of the nodes the pod may have. Without a verb: all of them."""
        names = tuple(info.name for info in infos)
        if not self.options.filter_verb:
            return FilterAnswer(frozenset(names), {}, {})
        by_name = self.options.node_cache_capable
        return self._ask(
            self.options.filter_verb,
            "Filter",
            wire.arguments(pod, infos, by_name=by_name),
            lambda answer: wire.read_filter(answer, names, by_name=by_name),
        )

    def prioritize(self, pod: Pod, infos: Sequence[NodeInfo]) -> Mapping[str, int]:
        """0..10 by node; a node that is not named has 0. Without a verb: none is named."""
        if not self.options.prioritize_verb:
            return {}
        names = tuple(info.name for info in infos)
        return self._ask(
            self.options.prioritize_verb,
            "Score",
            wire.arguments(pod, infos, by_name=self.options.node_cache_capable),
            lambda answer: wire.read_priorities(answer, names),
        )

    def process_preemption(
        self, pod: Pod, victims: Mapping[str, tuple[tuple[Pod, ...], int]]
    ) -> Mapping[str, MetaVictims]:
        """By node, whom to evict of the victims and violations that were found for it."""
        by_name = self.options.node_cache_capable
        return self._ask(
            self.options.preempt_verb,
            "PostFilter",
            wire.preemption_arguments(pod, victims, by_name=by_name),
            wire.read_preemption,
        )

    def bind(self, pod: Pod, node: str) -> None:
        """Tell the extender to bind the pod; what it did to the API server is not seen here."""
        request = wire.binding_arguments(pod, node)
        self._ask(self.options.bind_verb, "Bind", request, wire.read_binding, once=True)

    def fail(
        self, verb: str, point: str, what: str, charge: str, request: Any = None
    ) -> PolicyError:
        """The error of a call."""
        return PolicyError(
            self.policy,
            f"extender {what}",
            extension_point=point,
            input=_shown(request),
            place=self._exchange.url(verb),
            charge=charge,
        )

    def _ask(
        self,
        verb: str,
        point: str,
        request: Mapping[str, Any],
        read: Callable[[bytes], T],
        *,
        once: bool = False,
    ) -> T:
        body = wire.encoded(request)
        kept = self._kept.get((verb, body))
        if kept is None or not (kept.is_confirmed or kept.error or once):
            again = self._sent(verb, point, body, read)
            if kept is not None and again.error is None and again.answer != kept.answer:
                what = "answered the same request in two ways"
                error = self.fail(verb, point, what, INCONSISTENT, request)
                again = again._replace(error=error)
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            kept = again._replace(is_confirmed=kept is not None)
            self._kept[verb, body] = kept
        if kept.error is not None:
            raise kept.error
        answer: T = kept.answer
        return answer

    def _sent(self, verb: str, point: str, body: bytes, read: Callable[[bytes], Any]) -> _Kept:
        try:
            return _Kept(read(self._exchange.post(verb, body)), None, False)
        except ExchangeError as error:
            what, charge = error.what, error.charge
        except Malformed as error:
            what, charge = str(error), MALFORMED
        return _Kept(None, self.fail(verb, point, what, charge, json.loads(body)), False)


def _shown(request: Any) -> str:
    return "" if request is None else yaml.safe_dump(json.loads(json.dumps(request)), width=100)
