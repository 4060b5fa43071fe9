"""Adapter of `restart_policy`: whether a kubelet starts a container again."""

from adapters import adapter
from kspec_models.objects import Container
from kspec_models.restart_policy import ContainerRun, restart_policy_of, should_be_restarted


@adapter("restart_policy")
def check_restart_policy(case):
    given = case["input"]
    named = given["container"]
    container = Container.from_json(named if isinstance(named, dict) else {"name": named})
    policy = restart_policy_of(container, given["restartPolicy"])
    history = [ContainerRun(run["state"], run.get("exitCode", 0)) for run in given["history"]]
    restart = should_be_restarted(policy, history, is_pod_deleted=given["podDeleted"])
    assert restart == case["expected"]["restart"]
