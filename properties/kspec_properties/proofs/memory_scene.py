"""A few nodes whose memory is symbolic, with one bound pod each, and a pod that requests memory.

The values are named request, used.node-1, allocatable.node-1 and so on, in bytes. All else is
there in plenty.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from kspec.smt.solving import INT64_MAX
from kspec_models.objects import Pod
from kspec_models.scheduler.framework import Context
from kspec_properties.proofs import score_scene
from kspec_properties.proofs.conditions import every
from kspec_properties.proofs.plain_form import in_plain_form
from kspec_properties.proofs.scene import (
    INPUTS,
    Values,
    amounts,
    bound_pod,
    charged_node,
    node_named,
    pending_pod,
    requesting,
    using,
)


def node_names(size: int) -> tuple[str, ...]:
    """The nodes of a world of that size."""
    return tuple(f"node-{k + 1}" for k in range(size))


def inputs(names: Sequence[str]) -> tuple[str, ...]:
    """The names of the values."""
    quantities = [f"{kind}.{name}" for name in names for kind in ("used", "allocatable")]
    return ("request", *quantities)


@contextmanager
def cluster(values: Values, names: Sequence[str]) -> Iterator[tuple[Pod, Context]]:
    """The pending pod and the nodes, as a cycle sees them."""
    fixed = dict.fromkeys(INPUTS, 0) | {"used.pods": 1, "allocatable.pods": 2}
    pod, infos = pending_pod(), []
    with ExitStack() as stack:
        stack.enter_context(in_plain_form())
        for name in names:
            memory = {
                f"{kind}.memory": values[f"{kind}.{name}"] for kind in ("used", "allocatable")
            }
            at, bound = {**fixed, **memory}, bound_pod(f"bound-{name}", name)
            infos.append(charged_node(node_named(name), (bound,), at))
            stack.enter_context(using(infos[-1].pods, amounts(at, "used")))
        asked = {**fixed, "request.memory": values["request"]}
        stack.enter_context(requesting(pod.spec, amounts(asked, "request")))
        yield pod, Context(tuple(infos))


def as_amounts(values: Values) -> dict[str, int]:
    """The values as those of score_scene, which writes them as objects."""
    names = node_names(sum(name.startswith("used.node-") for name in values))
    amounts = dict.fromkeys(score_scene.REQUESTED, 0) | {"request.memory": values["request"]}
    for name, prefix in zip(names, score_scene.prefixes(len(names)), strict=True):
        here = dict.fromkeys(score_scene.OF_NODE, 0) | {"used.pods": 1, "allocatable.pods": 2}
        here |= {f"{kind}.memory": values[f"{kind}.{name}"] for kind in ("used", "allocatable")}
        amounts |= {prefix + each: amount for each, amount in here.items()}
    return amounts


def manifests(values: Values) -> tuple[score_scene.Manifest, ...]:
    """The nodes, their pods and last the pending pod, as Kubernetes JSON."""
    return score_scene.manifests(as_amounts(values))


def has_room(values: Values, name: str) -> bool:
    """Whether the node has the memory for the pod."""
    return values[f"used.{name}"] + values["request"] <= values[f"allocatable.{name}"]


def in_domain(values: Values, names: Sequence[str]) -> bool:
    """Quantities and true sums in int64; an over-committed node is only asked for more."""
    quantities = [f"{kind}.{name}" for kind in ("used", "allocatable") for name in names]
    if not every(values["request"] >= 0, *(values[quantity] >= 0 for quantity in quantities)):
        return False
    return every(
        *(values["request"] <= INT64_MAX - values[f"used.{name}"] for name in names),
        *(
            (values["request"] > 0) | (values[f"used.{name}"] <= values[f"allocatable.{name}"])
            for name in names
        ),
    )
