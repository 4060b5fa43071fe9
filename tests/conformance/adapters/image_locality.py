"""Upstream's cases of ImageLocality."""

from adapters.plugins import plugin_check
from adapters.scheduler import node_infos
from kspec_models.objects import Pod
from kspec_models.scheduler.framework import Context
from kspec_models.scheduler.plugins.image_locality import NAME, ImageLocality


@plugin_check("score", NAME)
def check_score(given, expected):
    assert not expected.get("error"), "this plugin takes no arguments and scores every pod"
    plugin, pod, infos = ImageLocality(), Pod.from_json(given["pod"]), node_infos(given)
    status, state = plugin.pre_score(pod, infos, Context(tuple(infos)))
    # Where no node has an image of the pod the plugin is skipped, which is to score 0 everywhere.
    scores = [plugin.score_with(state, pod, info) if status.ok else 0 for info in infos]
    if given.get("normalized"):
        scores = plugin.normalize_with(state, scores, infos)
    assert dict(zip((info.name for info in infos), scores, strict=True)) == {
        row["name"]: row.get("score", 0) for row in expected["scores"]
    }
