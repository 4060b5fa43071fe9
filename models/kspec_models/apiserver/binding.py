"""Binding: a pod is given its node.

After assignPod and setPodHostAndAnnotations of pkg/registry/core/pod/storage/storage.go at 1.36.
"""

from __future__ import annotations

from kspec_models import requests as api
from kspec_models.apiserver.replies import Api, Reply, put, refuse
from kspec_models.objects import Condition, FrozenMap, Pod, Time, with_condition


class Binding:
    """The part of the API server that binds."""

    def bind(self, state: Api, request: api.Bind, now: int) -> Reply:
        """assignPod of the binding storage: only an unassigned, ungated, living pod is bound."""
        old = state.store.get(f"pods/{request.key}")
        if old is None:
            return refuse(state, api.NOT_FOUND)
        pod: Pod = old.value
        if request.uid not in ("", pod.uid):
            return refuse(state, api.CONFLICT, "the uid differs")
        if pod.is_terminating or pod.spec.node_name or pod.spec.scheduling_gates:
            return refuse(state, api.CONFLICT, "the pod is terminating, assigned or gated")
        scheduled = Condition(type="PodScheduled", status="True", last_transition_time=Time(now))
        bound = pod.replace(
            spec=pod.spec.replace(node_name=request.node),
            status=pod.status.replace(
                conditions=with_condition(pod.status.conditions, scheduled),
                nominated_node_name="",  # ClearingNominatedNodeNameAfterBinding
            ),
        )
        if request.annotations:
            annotations = {**bound.metadata.annotations, **dict(request.annotations)}
            bound = bound.with_metadata(annotations=FrozenMap(annotations))
        return put(state, old.key, bound)
