"""Adapter of the nodes on which a DaemonSet should run a pod, and may keep one."""

from adapters import adapter
from kspec_models.controllers.daemonset_nodes import fit
from kspec_models.objects import DaemonSet, Node


@adapter("daemon_node_should_run")
def check_should_run(case):
    """The pods on the node have no part in it: the scheduler judges ports and resources."""
    given, expected = case["input"], case["expected"]
    found = fit(Node.from_json(given["node"]), DaemonSet.from_json(given["ds"]))
    assert found.should_run == expected["shouldRun"]
    assert found.should_continue == expected["shouldContinueRunning"]
