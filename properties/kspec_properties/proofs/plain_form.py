"""The form in which policies are proved: the code that runs, without memo tables and reasons.

Each run of a path has empty memo tables, which it leaves behind: what was computed from symbolic
amounts holds on that path alone. Two more things are put aside, wherever a policy comes to them. A
profile memoises a filter's answer together with the scores, whose floats cannot be followed: it is
asked without its scorers. NodeResourcesFit names all that is missing, which takes thousands of
paths: it says whether there is room by `has_room`; `check_reasons` in filters proves that the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from kspec.values import MEMOS
from kspec_models.objects import Pod
from kspec_models.objects.core import PodSpec
from kspec_models.scheduler.framework import SUCCESS, UNSCHEDULABLE, Context, Status
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.plugins.node_resources_fit import NodeResourcesFit, has_room
from kspec_models.scheduler.profile import Profile

_FILTER, _FIT = Profile.filter, NodeResourcesFit.filter


@contextmanager
def in_plain_form() -> Iterator[None]:
    """While it is open, all is as said above; for one run of one path."""
    tables = [(memo, memo.table) for memo in MEMOS]
    for memo, _ in tables:
        memo.table = {}
    _set(_filtered, _fitted)
    try:
        yield
    finally:
        _set(_FILTER, _FIT)
        for memo, table in tables:
            memo.table = table


def _set(of_profile: Any, of_fit: Any) -> None:
    changed: tuple[tuple[Any, Any], ...] = ((Profile, of_profile), (NodeResourcesFit, of_fit))
    for plugin, function in changed:
        plugin.filter = function


@lru_cache(maxsize=64)
def _without_scores(profile: Profile) -> Profile:
    return Profile(f"{profile.name}: filters", profile.filters)


def _filtered(profile: Profile, pod: Pod, node_info: NodeInfo, context: Context) -> Status:
    return _FILTER(_without_scores(profile), pod, node_info, context)


def _fitted(plugin: NodeResourcesFit, spec: PodSpec, node_info: NodeInfo) -> Status:
    if plugin.ignored:
        return _FIT(plugin, spec, node_info)
    return SUCCESS if has_room(spec, node_info) else Status(UNSCHEDULABLE, (), plugin.name)
