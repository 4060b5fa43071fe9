"""The admission plugin Priority: a pod gets the priority that its PriorityClass stands for.

After plugin/pkg/admission/priority/admission.go and pkg/apis/scheduling/v1/helpers.go at 1.36. The
system classes are always known, where upstream's API server creates them as it starts.

Left out: the preemptionPolicy of a pod that names no class where no class is the default. Upstream
writes PreemptLowerPriority into it; here it stays empty, which means the same.
"""

from __future__ import annotations

from kspec_models import requests as api
from kspec_models.apiserver.defaults import PREEMPT_LOWER_PRIORITY
from kspec_models.apiserver.validate_policy import SYSTEM_PRIORITIES
from kspec_models.objects import ApiObject, Pod, PriorityClass
from kspec_models.objects.meta import ObjectMeta
from kspec_models.requests import Response
from kspec_models.store import Store


def _system_class(name: str, value: int) -> PriorityClass:
    return PriorityClass(
        metadata=ObjectMeta(name=name), value=value, preemption_policy=PREEMPT_LOWER_PRIORITY
    )


SYSTEM_CLASSES = {name: _system_class(name, value) for name, value in SYSTEM_PRIORITIES.items()}
_NO_CLASS = PriorityClass(preemption_policy=PREEMPT_LOWER_PRIORITY)


def admit(store: Store, obj: ApiObject) -> ApiObject | Response:
    """The object as the plugin lets it in, or the refusal."""
    if isinstance(obj, Pod):
        return _admit_pod(store, obj)
    return second_default(store, obj) or obj


def second_default(store: Store, new: ApiObject) -> Response | None:
    """The refusal of a PriorityClass that wants to be the default while another one is."""
    if not isinstance(new, PriorityClass) or not new.global_default:
        return None
    default = _default_class(store)
    if default is None or default.name == new.name:
        return None
    problem = f"PriorityClass {default.name} is already marked as default"
    return Response(api.FORBIDDEN, None, f"{problem}. Only one default can exist")


def _admit_pod(store: Store, pod: Pod) -> Pod | Response:
    name = pod.spec.priority_class_name
    if name:
        found = store.get(f"priorityclasses/{name}")
        known = found.value if found is not None else SYSTEM_CLASSES.get(name)
        if known is None:
            problem = f"no PriorityClass with name {name} was found"
            return Response(api.FORBIDDEN, None, problem)
    else:
        known = _default_class(store) or _NO_CLASS
    return _refusal(pod, known) or _with_class(pod, known)


def _refusal(pod: Pod, known: PriorityClass) -> Response | None:
    """What the pod says itself may not differ from what its class stands for."""
    spec, policy = pod.spec, known.preemption_policy
    if spec.priority not in (None, known.value):
        field, given, computed = "integer value of priority", str(spec.priority), str(known.value)
    elif policy and spec.preemption_policy not in ("", policy):
        field, given, computed = "string value of PreemptionPolicy", spec.preemption_policy, policy
    else:
        return None
    problem = (
        f"the {field} ({given}) must not be provided in pod spec; priority admission controller "
        f"computed {computed} from the given PriorityClass name"
    )
    return Response(api.FORBIDDEN, None, problem)


def _with_class(pod: Pod, known: PriorityClass) -> Pod:
    if known is _NO_CLASS:
        return pod  # its priority is 0, by the defaults
    spec = pod.spec.replace(
        priority_class_name=known.name,
        priority=known.value,
        preemption_policy=known.preemption_policy or pod.spec.preemption_policy,
    )
    return pod.replace(spec=spec)


def _default_class(store: Store) -> PriorityClass | None:
    """The class that is the default; of several, which only a race makes, the lowest value."""
    entries = store.bucket("priorityclasses").entries()
    defaults = [entry.value for entry in entries if entry.value.global_default]
    return min(defaults, key=lambda known: known.value, default=None)
