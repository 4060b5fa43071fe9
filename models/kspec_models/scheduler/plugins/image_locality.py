"""ImageLocality: prefer nodes that have the pod's images already, the larger the better.

After pkg/scheduler/framework/plugins/imagelocality/image_locality.go at 1.36: the images of init
containers, containers and image volumes count, each scaled by the share of the nodes that have it,
so that pods do not gather where an image happened to be first. The bounds grow with the number of
containers; image volumes count for them only since kubernetes/kubernetes#138951, later than 1.36.

The share is floating point, upstream and here. Left out: that upstream's cache has one size for an
image, that of the node which reported it first. Here each node counts with the size that it
reports, which differs only where nodes disagree about an image of one name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kspec.values import Memo
from kspec_models.objects import Node, Pod
from kspec_models.objects.core import PodSpec
from kspec_models.objects.record import EMPTY
from kspec_models.scheduler.framework import (
    MAX_NODE_SCORE,
    SKIP,
    Context,
    PreScoreResult,
    Status,
)
from kspec_models.scheduler.nodeinfo import NodeInfo

NAME = "ImageLocality"
MEBIBYTE = 1024 * 1024
MIN_THRESHOLD = 23 * MEBIBYTE
MAX_CONTAINER_THRESHOLD = 1000 * MEBIBYTE
DEFAULT_TAG = ":latest"


def normalized_image_name(name: str) -> str:
    """The name with the tag that it means; one that ends in a tag or a digest stays."""
    return name + DEFAULT_TAG if name.rfind(":") <= name.rfind("/") else name


def scaled_image_score(size: int, nodes_with_it: int, nodes: int) -> int:
    """The size of an image in bytes, times the share of the nodes that have it."""
    return int(size * (nodes_with_it / nodes))


def priority(total: int, containers: int) -> int:
    """0..100 for the sum of the scaled sizes, in bytes, of the images of that many containers."""
    highest = MAX_CONTAINER_THRESHOLD * containers
    bounded = MIN_THRESHOLD if total < MIN_THRESHOLD else min(total, highest)
    return MAX_NODE_SCORE * (bounded - MIN_THRESHOLD) // (highest - MIN_THRESHOLD)


def _images(spec: PodSpec) -> tuple[str, ...]:
    """The images of a pod by their full name, one for each container and volume that has one."""
    containers = [c.image for c in (*spec.init_containers, *spec.containers)]
    references = [(each.get("image") or EMPTY).get("reference") for each in spec.volumes]
    found = (*containers, *(reference for reference in references if reference))
    return tuple(map(normalized_image_name, found))


def _sizes(node: Node) -> Mapping[str, int]:
    """Size in bytes by name of the images that a node reports; the first counts, as upstream."""
    sizes: dict[str, int] = {}
    for image in node.status.images:
        for name in image.get("names") or ():
            sizes.setdefault(name, image.get("sizeBytes", 0))
    return sizes


_IMAGES: Memo[PodSpec, tuple[str, ...]] = Memo("images of a pod", _images)
_SIZES: Memo[Node, Mapping[str, int]] = Memo("images of a node", _sizes)
SKIPPED = PreScoreResult(Status(SKIP))


class State(NamedTuple):
    """nodes: how many there are. spread: by image of the pod, how many of them have it."""

    nodes: int
    spread: Mapping[str, int]


class ImageLocality:
    """Scores by the images that nodes report."""

    name = NAME
    normalises = True  # by the number of all nodes, those that are refused included

    def is_idle(self, pod: Pod, context: Context) -> bool:
        """Whether no node reports an image; asked where there is a table of the nodes."""
        return bool(context.table.images == 0)

    def pre_score(self, pod: Pod, feasible: Sequence[NodeInfo], context: Context) -> PreScoreResult:
        """How far each image of the pod has spread over all nodes.

        Skipped where no node has any of them, which upstream scores 0 on every node.
        """
        reported = [_SIZES(i.node) for i in context.nodes if i.node and i.node.status.images]
        if not reported:
            return SKIPPED
        counts = ((image, sum(image in sizes for sizes in reported)) for image in _IMAGES(pod.spec))
        spread = {image: count for image, count in counts if count}
        return PreScoreResult(state=State(len(context.nodes), spread)) if spread else SKIPPED

    def score_with(self, state: State, pod: Pod, node_info: NodeInfo) -> int:
        """0..100: see `priority`."""
        assert node_info.node is not None
        spec, sizes, total = pod.spec, _SIZES(node_info.node), 0
        for image in _IMAGES(spec):
            if image in sizes:
                total += scaled_image_score(sizes[image], state.spread[image], state.nodes)
        return priority(total, len(spec.init_containers) + len(spec.containers))

    def normalize_with(
        self, state: State, scores: Sequence[int], node_infos: Sequence[NodeInfo]
    ) -> Sequence[int]:
        """The scores as they are: 0..100 already."""
        return scores
