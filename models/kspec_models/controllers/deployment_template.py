"""When two pod templates count as the same, and the label that tells ReplicaSets apart.

After EqualIgnoreHash in pkg/controller/deployment/util/deployment_util.go and ComputeHash in
pkg/controller/controller_utils.go at Kubernetes 1.36.

The hash is a fingerprint of ours, written in upstream's safe alphabet: stable, but not the number
that Go's dump of the struct would give. Nothing depends on its value.
"""

from __future__ import annotations

from kspec.values import Memo, fingerprint
from kspec_models.objects import Deployment, PodTemplateSpec, ReplicaSet
from kspec_models.objects.record import canonical

HASH_LABEL = "pod-template-hash"
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def _without_hash(template: PodTemplateSpec) -> PodTemplateSpec:
    labels = template.metadata.labels.without(HASH_LABEL)
    return template.replace(metadata=template.metadata.replace(labels=labels))


_bare: Memo[PodTemplateSpec, PodTemplateSpec] = Memo("template without hash", _without_hash)


def _hash_template(key: tuple[PodTemplateSpec, int | None]) -> str:
    number = fingerprint((canonical(key[0]), key[1])) & (2**32 - 1)
    return "".join(_ALPHABET[ord(digit) % len(_ALPHABET)] for digit in str(number))


_hash: Memo[tuple[PodTemplateSpec, int | None], str] = Memo("pod-template-hash", _hash_template)


def template_hash(template: PodTemplateSpec, collision_count: int | None) -> str:
    """The value of the pod-template-hash label; another one after each collision."""
    return _hash((template, collision_count))


def has_template(replica_set: ReplicaSet, deployment: Deployment) -> bool:
    """Whether both have the same pod template, the hash label aside."""
    return _bare(replica_set.spec.template) == _bare(deployment.spec.template)
