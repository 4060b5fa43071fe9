"""Upstream's cases of InterPodAffinity.

An existing pod that names no node in a case with a single node runs there. The gates that a row
turns off (MatchLabelKeysInPodAffinity) are the API server's, so they change nothing here. Reasons
of PreFilter quote a parser and are compared up to the group of terms that it failed on.
"""

import pytest

from adapters.plugins import plugin_check
from adapters.scheduler import node_infos
from kspec.errors import InputError
from kspec_models.objects import Namespace, Pod
from kspec_models.scheduler.framework import SKIP, SUCCESS, Context
from kspec_models.scheduler.plugins.inter_pod_affinity import NAME, InterPodAffinity
from kspec_models.store import Entry, Snapshot


def plugin_of(args):
    """A row leaves out what is zero, so that an absent weight is 0 and not the default of 1."""
    return InterPodAffinity(
        args.get("hardPodAffinityWeight") or 0,
        bool(args.get("ignorePreferredTermsOfExistingPods")),
    )


def context_of(given, infos):
    namespaces = Snapshot()
    for data in given.get("namespaces") or []:
        key = f"namespaces/{data['metadata']['name']}"
        entry = Entry(key, Namespace.from_json(data), 1, 1, 1)
        namespaces = namespaces.patched(key, entry)
    return Context(tuple(infos), {"namespaces": namespaces})


@plugin_check("filter", NAME)
def check_filter(given, expected):
    plugin, pod = plugin_of(given.get("args") or {}), Pod.from_json(given["pod"])
    infos = node_infos(given)
    status, nodes, state = plugin.pre_filter(pod, context_of(given, infos))
    assert nodes is None, "this plugin names no nodes"
    if "prefilter" in expected:
        check_prefilter(status, expected["prefilter"])
    if expected.get("filter") is None:
        assert not status.ok, "PreFilter decided already: it skips or rejects"
        return
    for info, wanted in zip(infos, expected["filter"], strict=True):
        found = SUCCESS if status.code == SKIP else plugin.filter_with(state, pod, info)
        assert found.code == wanted["code"], info.name
        assert list(found.reasons) == (wanted.get("reasons") or []), info.name


def check_prefilter(status, expected):
    assert status.code == expected["code"]
    assert list(map(group_of, status.reasons)) == list(map(group_of, expected.get("reasons") or []))


def group_of(reason):
    """`parsing pod: requiredAffinityTerms`, which a reason begins with."""
    return reason.split(": ")[:2]


@plugin_check("score", NAME)
def check_score(given, expected):
    args, pod, infos = given.get("args") or {}, Pod.from_json(given["pod"]), node_infos(given)
    if expected.get("error") and not 0 <= (args.get("hardPodAffinityWeight") or 0) <= 100:
        with pytest.raises(InputError):
            plugin_of(args)
        return
    plugin = plugin_of(args)
    status, state = plugin.pre_score(pod, infos, context_of(given, infos))
    if expected.get("error"):
        # Some rows say how PreScore ended, others only that it did not succeed.
        code = expected["error"].get("code") if isinstance(expected["error"], dict) else None
        assert status.code == code if code else not status.ok
        return
    assert status.ok
    scores = [plugin.score_with(state, pod, info) for info in infos]
    if given.get("normalized"):
        scores = plugin.normalize_with(state, scores, infos)
    assert dict(zip((info.name for info in infos), scores, strict=True)) == {
        row["name"]: row.get("score", 0) for row in expected["scores"]
    }


@plugin_check("prefilter_state", NAME)
def check_prefilter_state(given, expected):
    plugin, pod = plugin_of(given.get("args") or {}), Pod.from_json(given["pod"])
    if given.get("addedPod") is None:
        status, _, state = plugin.pre_filter(pod, context_of(given, node_infos(given)))
        check_counts(status, state, expected)
        return
    infos = node_infos(given)
    everyone = {**given, "pods": [*(given.get("pods") or []), given["addedPod"]]}
    status, _, whole = plugin.pre_filter(pod, context_of(given, node_infos(everyone)))
    check_counts(status, whole, expected)
    before = plugin.pre_filter(pod, context_of(given, infos))
    if before.status.code == SKIP:
        return
    added = Pod.from_json(given["addedPod"])
    info = next(info for info in infos if info.name == added.spec.node_name)
    after = plugin.add_pod(before.state, pod, added, info)
    check_counts(before.status, after, expected)
    assert after == whole, "AddPod finds what PreFilter finds with the pod there"
    assert plugin.remove_pod(after, pod, added, info) == before.state


def check_counts(status, state, expected):
    if status.code == SKIP:
        assert not expected.get("affinityCounts") and not expected.get("antiAffinityCounts")
        return
    assert status.ok
    for field, found in (
        ("affinityCounts", state.affinity),
        ("antiAffinityCounts", state.anti_affinity),
    ):
        if field in expected:
            listed = sorted([k, v, n] for k, values in found.items() for v, n in values.items())
            assert listed == sorted(expected[field] or []), field
