"""The shapes of what objects keep as frozen JSON, to refuse what upstream's decoder would refuse.

After k8s.io/api/core/v1/types.go (affinity, topology spread, readiness gates, volumes) and the
LabelSelector of apimachinery. One component each reads these parts, and may then rely on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from kspec.errors import InputError
from kspec_models.objects import EMPTY, FrozenMap, PodSpec, Record, thaw
from kspec_models.objects.record import Labels, api_type
from kspec_models.selectors import SelectorError, label_selector


@api_type
class _Expression(Record):
    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class _LabelSelector(Record):
    match_labels: Labels = EMPTY
    match_expressions: tuple[_Expression, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class _Term(Record):
    match_expressions: tuple[_Expression, ...] = ()
    match_fields: tuple[_Expression, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class _Required(Record):
    node_selector_terms: tuple[_Term, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class _TopologyTerm(Record):
    match_label_expressions: tuple[_Expression, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class _Topologies(Record):
    allowed_topologies: tuple[_TopologyTerm, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class _Preferred(Record):
    weight: int = 0
    preference: _Term = attrs.field(factory=_Term)
    extra: FrozenMap[Any] = EMPTY


@api_type
class _NodeAffinity(Record):
    required_during_scheduling_ignored_during_execution: _Required | None = None
    preferred_during_scheduling_ignored_during_execution: tuple[_Preferred, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class _PodTerm(Record):
    topology_key: str = ""
    label_selector: _LabelSelector | None = None
    namespaces: tuple[str, ...] = ()
    namespace_selector: _LabelSelector | None = None
    match_label_keys: tuple[str, ...] = ()
    mismatch_label_keys: tuple[str, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class _PreferredPodTerm(Record):
    weight: int = 0
    pod_affinity_term: _PodTerm = attrs.field(factory=_PodTerm)
    extra: FrozenMap[Any] = EMPTY


@api_type
class _PodAffinity(Record):
    required_during_scheduling_ignored_during_execution: tuple[_PodTerm, ...] = ()
    preferred_during_scheduling_ignored_during_execution: tuple[_PreferredPodTerm, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class _Affinity(Record):
    node_affinity: _NodeAffinity | None = None
    pod_affinity: _PodAffinity | None = None
    pod_anti_affinity: _PodAffinity | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class _Gate(Record):
    condition_type: str = ""
    extra: FrozenMap[Any] = EMPTY


@api_type
class _Spread(Record):
    max_skew: int = 0
    topology_key: str = ""
    when_unsatisfiable: str = ""
    label_selector: _LabelSelector | None = None
    min_domains: int | None = None
    node_affinity_policy: str | None = None
    node_taints_policy: str | None = None
    match_label_keys: tuple[str, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class _Source(Record):
    """A volume source, as far as a plugin of the scheduler reads it."""

    claim_name: str = ""
    pd_name: str = ""
    volume_id: str = attrs.field(default="", metadata={"json": "volumeID"})
    disk_uri: str = attrs.field(default="", metadata={"json": "diskURI"})
    iqn: str = ""
    driver: str = ""
    image: str = ""
    pool: str = ""
    monitors: tuple[str, ...] = ()
    read_only: bool = False
    extra: FrozenMap[Any] = EMPTY


@api_type
class _Volume(Record):
    name: str = ""
    persistent_volume_claim: _Source | None = None
    ephemeral: FrozenMap[Any] = EMPTY
    gce_persistent_disk: _Source | None = None
    aws_elastic_block_store: _Source | None = None
    azure_disk: _Source | None = None
    cinder: _Source | None = None
    portworx_volume: _Source | None = None
    iscsi: _Source | None = None
    rbd: _Source | None = None
    csi: _Source | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class _Loose(Record):
    """The parts of a pod spec that are kept as JSON."""

    affinity: _Affinity | None = None
    topology_spread_constraints: tuple[_Spread, ...] = ()
    readiness_gates: tuple[_Gate, ...] = ()
    volumes: tuple[_Volume, ...] = ()
    extra: FrozenMap[Any] = EMPTY


_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")
_FIELD_OPERATORS = ("In", "NotIn")


def pod_spec_shape(spec: PodSpec, path: str) -> Iterator[str]:
    """What is wrong with the shape of a pod spec's affinity, spread constraints and gates."""
    given = {
        "affinity": thaw(spec.affinity),
        "topologySpreadConstraints": thaw(spec.topology_spread_constraints),
        "readinessGates": thaw(spec.readiness_gates),
        "volumes": thaw(spec.volumes),
    }
    if not any(given.values()):
        return
    try:
        loose = _Loose.from_json(given, path)
    except InputError as error:
        yield str(error)
        return
    for i, gate in enumerate(loose.readiness_gates):
        if not gate.condition_type:
            yield f"{path}.readinessGates[{i}].conditionType: Required value"
    yield from _volumes(loose.volumes, f"{path}.volumes")
    if loose.affinity is not None and loose.affinity.node_affinity is not None:
        yield from _node_affinity(loose.affinity.node_affinity, f"{path}.affinity.nodeAffinity")


def _volumes(volumes: tuple[_Volume, ...], path: str) -> Iterator[str]:
    names: list[str] = []
    for i, volume in enumerate(volumes):
        if not volume.name:
            yield f"{path}[{i}].name: Required value"
        elif volume.name in names:
            yield f'{path}[{i}].name: Duplicate value: "{volume.name}"'
        names.append(volume.name)
        claim = volume.persistent_volume_claim
        if claim is not None and not claim.claim_name:
            yield f"{path}[{i}].persistentVolumeClaim.claimName: Required value"


def node_selector_shape(selector: Any, path: str) -> Iterator[str]:
    """What is wrong with the shape of a NodeSelector in frozen JSON."""
    if selector is None:
        yield f"{path}: Required value: must specify required node constraints"
        return
    try:
        required = _Required.from_json(thaw(selector), path)
    except InputError as error:
        yield str(error)
        return
    yield from _selector_terms(required, f"{path}.nodeSelectorTerms")


def topologies_shape(topologies: Any, path: str) -> Iterator[str]:
    """What is wrong with the shape of a StorageClass's allowed topologies."""
    try:
        _Topologies.from_json({"allowedTopologies": thaw(topologies)}, "").to_json()
    except InputError as error:
        yield str(error)


def _selector_terms(required: _Required, path: str) -> Iterator[str]:
    if not required.node_selector_terms:
        yield f"{path}: Required value: must have at least one node selector term"
    for i, term in enumerate(required.node_selector_terms):
        yield from _term(term, f"{path}[{i}]")


def _node_affinity(affinity: _NodeAffinity, path: str) -> Iterator[str]:
    required = affinity.required_during_scheduling_ignored_during_execution
    if required is not None:
        where = f"{path}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
        yield from _selector_terms(required, where)
    where = f"{path}.preferredDuringSchedulingIgnoredDuringExecution"
    for i, each in enumerate(affinity.preferred_during_scheduling_ignored_during_execution):
        if not 1 <= each.weight <= 100:
            yield f"{where}[{i}].weight: Invalid value: {each.weight}: must be in the range 1-100"
        yield from _term(each.preference, f"{where}[{i}].preference")


def _term(term: _Term, path: str) -> Iterator[str]:
    for field, expressions, allowed in (
        ("matchExpressions", term.match_expressions, _OPERATORS),
        ("matchFields", term.match_fields, _FIELD_OPERATORS),
    ):
        for i, expression in enumerate(expressions):
            if expression.operator not in allowed:
                where = f"{path}.{field}[{i}].operator"
                yield f'{where}: Invalid value: "{expression.operator}": not a valid operator'


def matches(selector: Any, labels: dict[str, str], path: str) -> tuple[bool, str]:
    """Whether a LabelSelector in frozen JSON matches labels, or a line about what is wrong."""
    given = thaw(selector)
    try:
        _LabelSelector.from_json(given, path)
        return label_selector(given).matches(labels), ""
    except InputError as error:
        return False, str(error)
    except SelectorError as error:
        return False, f"{path}: Invalid value: {error}"
