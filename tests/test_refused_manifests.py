"""A manifest that the API server would refuse is refused in its words: field path and reason."""

import pytest
import yaml

from kspec.errors import InputError
from kspec.suite import Settings
from kspec_models.building import build
from kspec_models.reading_worlds import read_world

CONTAINERS = [{"name": "app", "image": "app:1"}]
SELECTOR = {"matchLabels": {"app": "x"}}
NEGATIVE = "Invalid value: -1: must be greater than or equal to 0"
NO_MATCH = 'Invalid value: {"app":"x"}: `selector` does not match template `labels`'
ROLLING = "spec.strategy.rollingUpdate"
UPDATE = "spec.updateStrategy.rollingUpdate"
CLAIM = "spec.volumeClaimTemplates[0].spec"
NO_ROOM = "may not be 0 when `maxSurge` is 0"


def template(**spec):
    return {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": CONTAINERS, **spec}}


def document(api, kind, spec, **top):
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "x"}, "spec": spec, **top}


def workload(kind):
    """A maker of that kind's documents: a valid one, with some fields of its spec changed."""
    own = {"serviceName": "x"} if kind == "StatefulSet" else {}
    own = {"selector": SELECTOR, "template": template(), **own}
    return lambda **spec: document("apps/v1", kind, {**own, **spec})


def of(api, kind, **valid):
    return lambda **spec: document(api, kind, {**valid, **spec})


deployment, replica_set = workload("Deployment"), workload("ReplicaSet")
stateful_set, daemon_set = workload("StatefulSet"), workload("DaemonSet")
controller = of("v1", "ReplicationController", selector={"app": "x"}, template=template())
never = template(restartPolicy="Never")
job = of("batch/v1", "Job", template=never)
cron_job = of(
    "batch/v1", "CronJob", schedule="* * * * *", jobTemplate={"spec": {"template": never}}
)
autoscaler = of(
    *("autoscaling/v2", "HorizontalPodAutoscaler"),
    scaleTargetRef={"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
    maxReplicas=3,
)
budget = of("policy/v1", "PodDisruptionBudget", selector=SELECTOR)
storage = {"resources": {"requests": {"storage": "1Gi"}}}
claim = of("v1", "PersistentVolumeClaim", accessModes=["ReadWriteOnce"], **storage)
quota = of("v1", "ResourceQuota")
service = of("v1", "Service", ports=[{"port": 80}])
node, pod = of("v1", "Node"), of("v1", "Pod", containers=CONTAINERS)


def limits(*items):
    return document("v1", "LimitRange", {"limits": list(items)})


def expressions(*found):
    return {"matchExpressions": list(found)}


def rolling(**limits):
    return {"type": "RollingUpdate", "rollingUpdate": limits}


def claims(**spec):
    return [{"metadata": {"name": "data"}, "spec": spec}]


def line_of(data, tmp_path):
    path = tmp_path / "app.yaml"
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(InputError) as caught:
        build(read_world((path,), Settings())).init()
    line = str(caught.value)
    assert caught.value.exit_status == 2 and "\n" not in line
    begin = f"{path}:1: {data['kind']} {data['metadata']['name']}: "
    assert line.startswith(begin)
    return line.removeprefix(begin)


WORKLOADS = [
    *((make(replicas=-1), f"spec.replicas: {NEGATIVE}")
      for make in (deployment, replica_set, stateful_set, controller)),
    *((make(minReadySeconds=-1), f"spec.minReadySeconds: {NEGATIVE}")
      for make in (deployment, replica_set, stateful_set, daemon_set, controller)),
    *((make(revisionHistoryLimit=-1), f"spec.revisionHistoryLimit: {NEGATIVE}")
      for make in (deployment, stateful_set, daemon_set)),
    *((make(selector=None), "spec.selector: Required value")
      for make in (deployment, replica_set, stateful_set, daemon_set)),
    *((make(selector={"matchLabels": {"app": "y"}}), f"spec.template.metadata.labels: {NO_MATCH}")
      for make in (deployment, replica_set, stateful_set, daemon_set)),
    (controller(selector={"app": "y"}), f"spec.template.metadata.labels: {NO_MATCH}"),
    (deployment(selector={}),
     "spec.selector: Invalid value: {}: empty selector is invalid for deployment"),
    (stateful_set(selector={}),
     "spec.selector: Invalid value: {}: empty selector is invalid for statefulset"),
    (daemon_set(selector={}),
     "spec.selector: Invalid value: {}: empty selector is invalid for daemonset"),
    (deployment(selector=expressions({"key": "app", "operator": "NotIn", "values": ["x"]})),
     f"spec.template.metadata.labels: {NO_MATCH}"),
    (replica_set(selector=expressions({"key": "app", "operator": "Is", "values": ["x"]})),
     'spec.selector.matchExpressions[0].operator: Invalid value: "Is": '
     "not a valid selector operator"),
    (stateful_set(selector=expressions({"key": "app", "operator": "In"})),
     "spec.selector.matchExpressions[0].values: Required value: "
     "must be specified when `operator` is 'In' or 'NotIn'"),
    (daemon_set(selector=expressions({"key": "app", "operator": "Exists", "values": ["x"]})),
     "spec.selector.matchExpressions[0].values: Forbidden: "
     "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
    (deployment(strategy={"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}),
     f"{ROLLING}: Forbidden: may not be specified when strategy `type` is 'Recreate'"),
    (deployment(strategy=rolling(maxSurge=0, maxUnavailable=0)),
     f"{ROLLING}.maxUnavailable: Invalid value: 0: {NO_ROOM}"),
    (deployment(strategy=rolling(maxSurge="0%", maxUnavailable="0%")),
     f'{ROLLING}.maxUnavailable: Invalid value: "0%": {NO_ROOM}'),
    (deployment(strategy=rolling(maxSurge=-1)), f"{ROLLING}.maxSurge: {NEGATIVE}"),
    (deployment(strategy=rolling(maxUnavailable="101%")),
     f'{ROLLING}.maxUnavailable: Invalid value: "101%": must not be greater than 100%'),
    (deployment(strategy={"type": "Fast"}),
     'spec.strategy: Unsupported value: {"type":"Fast"}: '
     'supported values: "Recreate", "RollingUpdate"'),
    (deployment(progressDeadlineSeconds=10, minReadySeconds=10),
     "spec.progressDeadlineSeconds: Invalid value: 10: must be greater than minReadySeconds"),
    (deployment(template=never),
     'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'),
    (replica_set(template=template(activeDeadlineSeconds=5)),
     "spec.template.spec.activeDeadlineSeconds: Forbidden: "
     "activeDeadlineSeconds in ReplicaSet is not Supported"),
    (daemon_set(updateStrategy=rolling(maxSurge="0%", maxUnavailable=0)),
     f"{UPDATE}.maxUnavailable: Required value: cannot be 0 when maxSurge is 0"),
    (daemon_set(updateStrategy=rolling(maxSurge=1, maxUnavailable=1)),
     f"{UPDATE}.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero"),
    (stateful_set(ordinals={"start": -1}), f"spec.ordinals.start: {NEGATIVE}"),
    (stateful_set(updateStrategy=rolling(partition=-1)), f"{UPDATE}.partition: {NEGATIVE}"),
    (stateful_set(updateStrategy={"type": "OnDelete", "rollingUpdate": {"partition": 1}}),
     f'{UPDATE}: Invalid value: {{"partition":1}}: '
     "only allowed for updateStrategy 'RollingUpdate'"),
    (stateful_set(podManagementPolicy="Sometimes"),
     'spec.podManagementPolicy: Invalid value: "Sometimes": '
     "must be 'OrderedReady' or 'Parallel'"),
    (stateful_set(volumeClaimTemplates=claims(**storage)),
     f"{CLAIM}.accessModes: Required value: at least 1 access mode is required"),
    (stateful_set(volumeClaimTemplates=claims(accessModes=["ReadWriteOnce"])),
     f"{CLAIM}.resources[storage]: Required value"),
]  # fmt: skip

OTHERS = [
    (claim(accessModes=[]), "spec.accessModes: Required value: at least 1 access mode is required"),
    (claim(accessModes=["ReadOnce"]),
     'spec.accessModes: Unsupported value: "ReadOnce": supported values: '
     '"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"'),
    (claim(resources={}), "spec.resources[storage]: Required value"),
    (claim(resources={"requests": {"storage": "0"}}),
     'spec.resources[storage]: Invalid value: "0": must be greater than zero'),
    (claim(volumeMode="Disk"),
     'spec.volumeMode: Unsupported value: "Disk": supported values: "Block", "Filesystem"'),
    (autoscaler(minReplicas=5),
     "spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`"),
    (autoscaler(maxReplicas=0), "spec.maxReplicas: Invalid value: 0: must be greater than 0"),
    (autoscaler(minReplicas=-1),
     "spec.minReplicas: Invalid value: -1: must be greater than or equal to 1"),
    (autoscaler(metrics=[{"type": "Speed"}]),
     'spec.metrics[0].type: Unsupported value: "Speed": supported values: '
     '"ContainerResource", "External", "Object", "Pods", "Resource"'),
    (autoscaler(behavior={"scaleUp": {"policies": []}}),
     "spec.behavior.scaleUp.policies: Required value: must specify at least one Policy"),
    (budget(minAvailable=1, maxUnavailable=1),
     'spec: Invalid value: {"minAvailable":1,"selector":{"matchLabels":{"app":"x"}},'
     '"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set'),
    (budget(maxUnavailable="101%"),
     'spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%'),
    (budget(unhealthyPodEvictionPolicy="Never"),
     'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": '
     'supported values: "AlwaysAllow", "IfHealthyBudget"'),
    (quota(hard={"pods": "-1"}),
     'spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0'),
    (quota(hard={"pods": "1500m"}),
     'spec.hard[pods]: Invalid value: "1500m": must be an integer'),
    (quota(hard={"podz": "1"}),
     'spec.hard[podz]: Invalid value: "podz": '
     "must be a standard resource type or fully qualified"),
    (quota(hard={"pods": "1"}, scopes=["BestEffort", "NotBestEffort"]),
     'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes'),
    (quota(hard={"services": "1"}, scopes=["BestEffort"]),
     'spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'),
    (limits({"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}}),
     'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1'),
    (limits({"type": "Pod", "default": {"cpu": "1"}}),
     "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"),
    (limits({"type": "Pod"}, {"type": "Pod"}), 'spec.limits[1].type: Duplicate value: "Pod"'),
    (limits({"type": "Container", "maxLimitRequestRatio": {"cpu": "500m"}}),
     'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1'),
    (service(ports=[]), "spec.ports: Required value"),
    (service(ports=[{"port": 80}, {"port": 81}]), "spec.ports[0].name: Required value"),
    (service(ports=[{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]),
     'spec.ports[1]: Duplicate value: {"protocol":"TCP","port":80}'),
    (service(type="Any"),
     'spec.type: Unsupported value: "Any": supported values: '
     '"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'),
    (service(type="ExternalName"), "spec.externalName: Required value"),
    (node(taints=[{"key": "a", "effect": "No"}]),
     'metadata.taints[0].effect: Unsupported value: "No": '
     'supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"'),
    (node(taints=[{"key": "a", "effect": "NoExecute"}, {"key": "a", "effect": "NoExecute"}]),
     'metadata.taints[1]: Duplicate value: {"key":"a","effect":"NoExecute"}: '
     "taints must be unique by key and effect pair"),
    (pod(tolerations=[{"key": "a", "operator": "Exists", "value": "b"}]),
     'spec.tolerations[0].operator: Invalid value: "b": '
     "value must be empty when `operator` is 'Exists'"),
    (pod(tolerations=[{"key": "a", "tolerationSeconds": 5}]),
     'spec.tolerations[0].effect: Invalid value: "": '
     "effect must be 'NoExecute' when `tolerationSeconds` is set"),
    (pod(activeDeadlineSeconds=0),
     "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"),
    (job(parallelism=-1), f"spec.parallelism: {NEGATIVE}"),
    (job(backoffLimit=-1), f"spec.backoffLimit: {NEGATIVE}"),
    (job(completionMode="Odd"),
     'spec.completionMode: Unsupported value: "Odd": '
     'supported values: "Indexed", "NonIndexed"'),
    (cron_job(concurrencyPolicy="Maybe"),
     'spec.concurrencyPolicy: Unsupported value: "Maybe": '
     'supported values: "Allow", "Forbid", "Replace"'),
    (cron_job(schedule=""), "spec.schedule: Required value"),
    ({**pod(), "metadata": {"name": "x", "ownerReferences": [{"kind": "Pod", "name": "b"}]}},
     'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty'),
]  # fmt: skip


@pytest.mark.parametrize(("data", "line"), [*WORKLOADS, *OTHERS], ids=lambda value: str(value)[:60])
def test_a_manifest_is_refused_with_field_and_reason(data, line, tmp_path):
    assert line_of(data, tmp_path) == line


VALID = (
    *(deployment(), replica_set(), stateful_set(), daemon_set(), controller(), job(), cron_job()),
    *(autoscaler(), budget(minAvailable=1), claim(), quota(hard={"pods": "1"}), service(), pod()),
    *(node(), limits({"type": "Container", "max": {"cpu": "1"}})),
    deployment(strategy=rolling(maxSurge=0, maxUnavailable="1%")),
    stateful_set(volumeClaimTemplates=claims(accessModes=["ReadWriteOnce"], **storage)),
)


@pytest.mark.parametrize("data", VALID, ids=lambda data: data["kind"])
def test_what_is_valid_is_taken(data, tmp_path):
    path = tmp_path / "app.yaml"
    path.write_text(yaml.safe_dump(data))
    build(read_world((path,), Settings())).init()
