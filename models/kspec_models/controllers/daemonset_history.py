"""The revisions of a DaemonSet: the one of its template, which labels its pods, and older ones.

After constructHistory, snapshot, dedupCurHistories and cleanupHistory in
pkg/controller/daemon/update.go at Kubernetes 1.36. A revision is found by its data; two of the same
data are merged, and a name that another revision has counts a collision, after which the template
hashes to another name.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kspec.errors import InputError
from kspec.values import Memo
from kspec_models.controllers import history
from kspec_models.controllers.daemonset_pods import claimed_from_cache, daemon_pods
from kspec_models.controllers.daemonset_steps import Pass, Steps
from kspec_models.controllers.history import REVISION_LABEL
from kspec_models.controllers.steps import WriteFailed, send, written
from kspec_models.objects import (
    ControllerRevision,
    DaemonSet,
    FrozenMap,
    PodTemplateSpec,
    freeze,
)
from kspec_models.requests import ALREADY_EXISTS, Create, Delete, Get, Patch, Response, Update
from kspec_models.store import Entry


class History(NamedTuple):
    """revision: the label value of the current one. old: the others."""

    revision: str
    old: tuple[Entry, ...]


def construct(given: Pass) -> Steps[History]:
    """Find the current revision, or make it, and give it the highest number."""
    daemon_set = given.value
    current: list[Entry] = []
    old: list[Entry] = []
    for found in (yield from claimed_from_cache(daemon_set, "controllerrevisions")):
        entry = found
        if REVISION_LABEL not in entry.value.metadata.labels:
            labels = entry.value.metadata.labels.set(REVISION_LABEL, entry.value.name)
            labelled = entry.value.with_metadata(labels=labels)
            entry = yield from written(Update(labelled, entry.resource_version))
        is_current = _restores(entry.value.data, daemon_set.spec.template)
        (current if is_current else old).append(entry)
    number = max((entry.value.revision for entry in old), default=0) + 1
    if not current:
        newest = yield from _snapshot(given, number)
        return History(newest.metadata.labels.get(REVISION_LABEL, ""), tuple(old))
    kept = yield from _merged(daemon_set, current)
    if kept.value.revision < number:
        yield from send(Update(kept.value.replace(revision=number), kept.resource_version))
    return History(kept.value.metadata.labels.get(REVISION_LABEL, ""), tuple(old))


def _restore(case: tuple[FrozenMap[Any], PodTemplateSpec]) -> bool:
    data, template = case
    if data == history.template_data(template):
        return True
    try:
        return history.template_of(data) == template
    except (InputError, KeyError, TypeError):
        return False  # data that restores nothing


_restored: Memo[tuple[FrozenMap[Any], PodTemplateSpec], bool] = Memo(
    "revisions that restore a template", _restore
)


def _restores(data: FrozenMap[Any], template: PodTemplateSpec) -> bool:
    """Match: whether a revision restores that template; a dump may write it another way."""
    return _restored((data, template))


def new_revision(daemon_set: DaemonSet, number: int) -> ControllerRevision:
    """The revision of the template, labelled with its hash, which its pods will carry."""
    template, meta = daemon_set.spec.template, daemon_set.metadata
    count = daemon_set.status.collision_count
    made = history.new_revision(daemon_set, template, number, count, meta.annotations)
    label = history.revision_hash(made.data, count)
    return made.with_metadata(labels=template.metadata.labels.set(REVISION_LABEL, label))


def _snapshot(given: Pass, number: int) -> Steps[ControllerRevision]:
    """Create the revision; one of the same data is there already, or a collision is counted."""
    daemon_set = given.value
    wanted = new_revision(daemon_set, number)
    response: Response = yield Create(wanted)
    if response.ok and response.entry is not None:
        created: ControllerRevision = response.entry.value
        return created
    if response.reason != ALREADY_EXISTS:
        raise WriteFailed(response)
    existing = yield from written(Get(wanted.resource, wanted.key))
    if _restores(existing.value.data, daemon_set.spec.template):
        found: ControllerRevision = existing.value
        return found
    fresh = yield from written(Get(daemon_set.resource, daemon_set.key))
    status = fresh.value.status
    if status.collision_count == daemon_set.status.collision_count:
        counted = status.replace(collision_count=(status.collision_count or 0) + 1)
        changed = fresh.value.replace(status=counted)
        yield from send(Update(changed, fresh.resource_version, "status"))
    raise WriteFailed(response)


def _merged(daemon_set: DaemonSet, current: list[Entry]) -> Steps[Entry]:
    """dedupCurHistories: keep the last of the highest number, and relabel the pods of the rest."""
    if len(current) == 1:
        return current[0]
    highest = max(entry.value.revision for entry in current)
    kept = [entry for entry in current if entry.value.revision == highest][-1]
    label = kept.value.metadata.labels.get(REVISION_LABEL, "")
    body = freeze({"metadata": {"labels": {REVISION_LABEL: label}}})
    for entry in (yield from claimed_from_cache(daemon_set, "pods")):
        if entry.value.metadata.labels.get(REVISION_LABEL) != label:
            yield from send(Patch("pods", entry.value.key, body))
    for entry in current:
        if entry is not kept:
            yield from send(Delete(entry.value.resource, entry.value.key))
    return kept


def clean_up(daemon_set: DaemonSet, old: tuple[Entry, ...]) -> Steps[None]:
    """Delete the oldest revisions beyond spec.revisionHistoryLimit that no pod is labelled with."""
    pods = yield from daemon_pods(daemon_set, with_deleted=True)
    limit = daemon_set.spec.revision_history_limit
    surplus = len(old) - (10 if limit is None else limit)
    if surplus <= 0:
        return
    live = {pod.metadata.labels.get(REVISION_LABEL) for here in pods.values() for pod in here}
    ordered = sorted(old, key=lambda entry: int(entry.value.revision))
    dead = [e for e in ordered if e.value.metadata.labels.get(REVISION_LABEL) not in live]
    for entry in dead[:surplus]:
        yield from send(Delete(entry.value.resource, entry.value.key))
