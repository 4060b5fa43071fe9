"""What a pod asks for, in the units of the scheduler."""

from hypothesis import given
from hypothesis import strategies as st

from kspec_models.objects import Pod
from kspec_models.resources import (
    Options,
    PodAmounts,
    Requests,
    amounts_of,
    amounts_of_spec,
    pod_limits,
    pod_requests,
    requests_of_list,
)

MEBIBYTE = 2**20


def container(cpu=None, memory=None, **more):
    requests = {k: v for k, v in (("cpu", cpu), ("memory", memory)) if v is not None}
    return {"resources": {"requests": requests}, **more}


def pod(containers=(), init=(), status=None, **spec):
    body = {"containers": list(containers), "initContainers": list(init), **spec}
    return Pod.from_json({"spec": body, "status": status or {}})


def requests(made):
    return requests_of_list(pod_requests(made.spec, made.status))


def test_containers_add_up_in_millicores_and_bytes():
    made = pod([container("1", "1Mi"), container("250m", "1Ki")])
    assert requests(made) == Requests(1250, MEBIBYTE + 1024)


def test_the_largest_init_container_counts_where_it_exceeds_the_sum():
    made = pod([container("1", "2Mi")], init=[container("3", "1Mi"), container("2", "1Mi")])
    assert requests(made) == Requests(3000, 2 * MEBIBYTE)


def test_a_sidecar_counts_beside_the_containers_and_the_init_containers_after_it():
    sidecar = container("1", restartPolicy="Always")
    assert requests(pod([container("1")], init=[container("4"), sidecar])).milli_cpu == 4000
    assert requests(pod([container("1")], init=[sidecar, container("4")])).milli_cpu == 5000


def test_pod_level_resources_replace_the_sum_and_overhead_comes_on_top():
    made = pod(
        [container("1", "1Mi")],
        resources={"requests": {"cpu": "4"}},
        overhead={"cpu": "100m"},
    )
    assert requests(made) == Requests(4100, MEBIBYTE)
    bare = pod_requests(made.spec, options=Options(exclude_overhead=True))
    assert requests_of_list(bare).milli_cpu == 4000


def test_overhead_raises_only_limits_that_are_set():
    made = pod([{"resources": {"limits": {"cpu": "1"}}}], overhead={"cpu": "100m", "memory": "1Mi"})
    assert requests_of_list(pod_limits(made.spec)) == Requests(1100)


def test_extended_resources_and_hugepages_are_scalars_and_unknown_names_do_not_count():
    given_requests = {"example.com/gpu": "2", "hugepages-2Mi": "4Mi", "bogus": "7", "pods": "1"}
    made = pod([{"resources": {"requests": given_requests}}])
    assert requests(made).scalar == (("example.com/gpu", 2), ("hugepages-2Mi", 4 * MEBIBYTE))
    assert requests(made).amount("example.com/gpu") == 2
    assert requests(made).amount("example.com/none") == 0


def test_scoring_counts_defaults_for_each_container_without_requests():
    made = pod([container(), container("1")])
    assert amounts_of(made) == PodAmounts(Requests(1000), 1100, 400 * MEBIBYTE)


def test_scoring_has_no_default_for_what_the_pod_sets_as_a_whole():
    made = pod([container()], resources={"requests": {"cpu": "1"}})
    assert amounts_of(made) == PodAmounts(Requests(1000), 1000, 200 * MEBIBYTE)


def test_while_a_resize_is_under_way_the_larger_of_old_and_new_counts():
    running = {
        "containerStatuses": [
            {"name": "c", "resources": {"requests": {"cpu": "3"}}, "allocatedResources": {}}
        ]
    }
    made = pod([container("1", name="c")], status=running)
    assert amounts_of(made).requests.milli_cpu == 3000
    assert amounts_of_spec(made.spec).requests.milli_cpu == 1000


def test_fractions_are_added_up_before_they_are_rounded():
    made = pod([container("100u"), container("100u")])
    assert requests(made).milli_cpu == 1


@given(st.lists(st.integers(0, 10**6), max_size=4), st.lists(st.integers(0, 10**6), max_size=4))
def test_requests_are_the_larger_of_sum_and_peak(sizes, init_sizes):
    made = pod([container(f"{n}m") for n in sizes], init=[container(f"{n}m") for n in init_sizes])
    assert requests(made).milli_cpu == max([sum(sizes), *init_sizes])
