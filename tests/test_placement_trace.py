"""What reading a trace promises: every variant as it is, and one clear line for what is wrong."""

from __future__ import annotations

import pytest

from kspec.errors import InputError
from kspec_models.placement.room import Demand, Room
from kspec_models.placement.trace import MEBIBYTE, read_trace

NODE_HEADER = "sn,cpu_milli,memory_mib,gpu,model\n"
POD_HEADER = (
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,"
    "deletion_time,scheduled_time\n"
)
NODES = NODE_HEADER + "n-1,64000,1024,2,P100\nn-0,32000,512,0,\n"
PODS = POD_HEADER + "p-0,12000,16,1,1000,,LS,Running,0,12,0\n"


def folder(tmp_path, nodes=NODES, pods=PODS):
    (tmp_path / "openb_node_list_gpu_node.csv").write_text(nodes)
    (tmp_path / "openb_pod_list_default.csv").write_text(pods)
    return tmp_path


def test_nodes_come_by_name_and_pods_in_the_order_of_the_file(tmp_path):
    pods = PODS + "a,500,1,1,460,T4|P100|P100|,BE,Pending,1,2,\nb,1,0,0,0,,BE,Failed,1,2,3\n"
    trace = read_trace(folder(tmp_path, pods=pods))
    assert trace.nodes == (
        ("n-0", Room(32_000, 512 * MEBIBYTE)),
        ("n-1", Room(64_000, 1024 * MEBIBYTE, (1000, 1000), "P100")),
    )
    assert trace.pods == (
        ("p-0", Demand(12_000, 16 * MEBIBYTE, 1, 1000)),
        ("a", Demand(500, MEBIBYTE, 1, 460, ("P100", "T4"))),
        ("b", Demand(1)),
    )
    assert trace.capacity == 2000


def test_several_gpus_are_whole_ones(tmp_path):
    pods = PODS + "a,1,0,2,500,,LS,Running,1,2,3\n"
    assert read_trace(folder(tmp_path, pods=pods)).pods[1][1] == Demand(1, 0, 2, 1000)


def test_a_pod_list_without_memory_or_models_asks_for_none(tmp_path):
    pods = "name,cpu_milli,num_gpu,gpu_milli\np,100,1,1000\n"
    assert read_trace(folder(tmp_path, pods=pods)).pods == (("p", Demand(100, 0, 1, 1000)),)


def test_of_several_files_the_named_one_is_read(tmp_path):
    folder(tmp_path)
    (tmp_path / "openb_pod_list_cpu050.csv").write_text(
        POD_HEADER + "c,1,0,0,0,,LS,Running,0,1,0\n"
    )
    with pytest.raises(InputError, match=r"2 CSV files of pods are there: .*cpu050.*--pods FILE"):
        read_trace(tmp_path)
    assert read_trace(tmp_path, pods="openb_pod_list_cpu050.csv").pods[0][0] == "c"


@pytest.mark.parametrize(
    ("nodes", "pods", "message"),
    [
        (NODES, PODS + "x,-1,0,0,0,,a,b,1,2,3\n", r"default.csv:3: column cpu_milli: '-1'; exp"),
        (NODES, PODS + "x,1.5,0,0,0,,a,b,1,2,3\n", r":3: column cpu_milli: '1.5'"),
        (NODES, PODS + "x,1,0,1,0,,a,b,1,2,3\n", r":3: column gpu_milli: '0'; .*at least 1"),
        (NODES, PODS + "x,1,0,1\n", r":3: a row of another length; expected 11 values"),
        (NODES, PODS + "p-0,1,0,0,0,,a,b,1,2,3\n", r":3: p-0 is there twice"),
        (NODES, PODS + ",1,0,0,0,,a,b,1,2,3\n", r":3: column name is empty"),
        (NODES, PODS + "x,1,0,99,1000,,a,b,1,2,3\n", r":3: 99 GPUs"),
        (NODES, POD_HEADER, r"default.csv: no row"),
        (NODES, "name,cpu_milli\np,1\n", r":1: no column num_gpu"),
        (NODES, POD_HEADER.replace("qos", "colour"), r":1: unknown or repeated column 'colour'"),
        (NODE_HEADER + "n,1,1,1,\n", PODS, r"gpu_node.csv:2: GPUs of no model"),
        (NODE_HEADER + "n,1,1,x,T4\n", PODS, r":2: column gpu: 'x'"),
        ("foo,bar\n1,2\n", PODS, r"no CSV files of nodes are there: none"),
        (NODES, 'name,cpu_milli,num_gpu,gpu_milli\n"p,1,0,0\n', r"cannot be read"),
    ],
)
def test_what_cannot_be_used_is_said_with_its_line(tmp_path, nodes, pods, message):
    with pytest.raises(InputError, match=message):
        read_trace(folder(tmp_path, nodes, pods))


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        read_trace(tmp_path / "absent")
    with pytest.raises(InputError, match="no such file"):
        read_trace(folder(tmp_path), nodes="absent.csv")
