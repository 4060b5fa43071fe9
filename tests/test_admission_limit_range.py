"""LimitRanger gives containers the defaults of their namespace and refuses what is beyond it."""

import pytest
from api_calls import Server

from kspec_models import requests as api
from kspec_models.objects import freeze
from kspec_models.worlds import pod
from kspec_models.worlds_quota import limit_range

BOUNDS = {"type": "Container", "max": {"cpu": "1"}, "min": {"cpu": "200m"}}


def server_with(*limits):
    server = Server()
    assert server.create(limit_range("bounds", *limits)).ok
    return server


def bare(**resources):
    body = pod("a")
    body["spec"]["containers"][0]["resources"] = resources
    return body


def resources_of(server):
    found = server.get("pods/default/a").spec.containers[0].resources
    return dict(found.requests), dict(found.limits)


def test_a_container_gets_the_defaults_that_it_lacks_and_a_note_about_them():
    default = {"default": {"cpu": "500m", "memory": "1Gi"}, "defaultRequest": {"cpu": "100m"}}
    server = server_with({"type": "Container", **default})
    assert server.create(bare(requests={"cpu": "50m"})).ok
    assert resources_of(server) == (
        {"cpu": "50m", "memory": "1Gi"},
        {"cpu": "500m", "memory": "1Gi"},
    )
    note = server.get("pods/default/a").metadata.annotations["kubernetes.io/limit-ranger"]
    assert note == (
        "LimitRanger plugin set: memory request for container app; "
        "cpu, memory limit for container app"
    )


def test_the_maximum_is_the_default_and_what_a_limit_leaves_open_is_requested():
    server = server_with(BOUNDS)
    assert server.create(bare()).ok
    assert resources_of(server) == ({"cpu": "1"}, {"cpu": "1"})


def test_a_users_own_limit_is_requested_before_any_default():
    server = server_with({**BOUNDS, "defaultRequest": {"cpu": "300m"}})
    assert server.create(bare(limits={"cpu": "800m"})).ok
    assert resources_of(server) == ({"cpu": "800m"}, {"cpu": "800m"})


@pytest.mark.parametrize(
    ("limits", "resources", "said"),
    [
        (
            BOUNDS,
            {"requests": {"cpu": "2"}, "limits": {"cpu": "2"}},
            "maximum cpu usage per Container is 1, but limit is 2",
        ),
        (
            BOUNDS,
            {"requests": {"cpu": "100m"}, "limits": {"cpu": "500m"}},
            "minimum cpu usage per Container is 200m, but request is 100m",
        ),
        (
            {"type": "Pod", "max": {"memory": "1Gi"}},
            {"requests": {"memory": "1Gi"}},
            "maximum memory usage per Pod is 1Gi.  No limit is specified",
        ),
        (
            {"type": "Pod", "min": {"memory": "1Gi"}},
            {},
            "minimum memory usage per Pod is 1Gi.  No request is specified",
        ),
        (
            {"type": "Container", "maxLimitRequestRatio": {"cpu": "2"}},
            {"requests": {"cpu": "100m"}, "limits": {"cpu": "250m"}},
            "cpu max limit to request ratio per Container is 2, but provided ratio is 2.500000",
        ),
    ],
)
def test_what_is_beyond_the_bounds_is_refused_as_upstream_says_it(limits, resources, said):
    response = server_with(limits).create(bare(**resources))
    assert (response.reason, response.message) == (
        api.FORBIDDEN,
        f'pods "a" is forbidden: {said}',
    )


def test_several_problems_are_told_together():
    bounds = {"type": "Container", "max": {"cpu": "1"}, "min": {"memory": "1Gi"}}
    body = bare(requests={"cpu": "2", "memory": "1Mi"}, limits={"cpu": "2", "memory": "1Gi"})
    message = server_with(bounds).create(body).message
    assert message.endswith(
        "[minimum memory usage per Container is 1Gi, but request is 1Mi, "
        "maximum cpu usage per Container is 1, but limit is 2]"
    )


def test_a_claim_is_bounded_by_what_it_requests():
    bounds = {"type": "PersistentVolumeClaim", "max": {"storage": "2Gi"}, "min": {"storage": "1Gi"}}
    server = server_with(bounds)
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"}}
    for storage, said in (("3Gi", "maximum storage usage"), ("512Mi", "minimum storage usage")):
        asked = {"resources": {"requests": {"storage": storage}}}
        response = server.create({**claim, "spec": {"accessModes": ["ReadWriteOnce"], **asked}})
        assert said in response.message


def test_a_pod_is_looked_at_when_it_is_created_only():
    server = Server()
    server.create(bare(requests={"cpu": "2"}))
    server.create(limit_range("bounds", BOUNDS))
    assert server.ask(
        api.Patch("pods", "default/a", freeze({"metadata": {"labels": {"x": "y"}}}))
    ).ok
