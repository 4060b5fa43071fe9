"""What a pod requests in all, in plain Python from the documentation; see hard_constraints.

Sources, under https://kubernetes.io/docs/concepts/:
  init containers   workloads/pods/init-containers/#resource-sharing-within-containers
  sidecars          workloads/pods/sidecar-containers/#resource-sharing-within-containers; an init
                    container also runs beside the sidecars started before it (KEP-753)
  overhead          scheduling-eviction/pod-overhead/
  pod level         configuration/manage-resources-containers/#pod-level-resource-specification

For quantities whose text is a whole number.
"""

from kspec_models.objects import Container, Pod

POD_LEVEL = ("cpu", "memory")


def requested(pod: Pod, resource: str) -> int:
    """The amount of one resource, in whole units."""
    return of_containers(pod, resource) + int(pod.spec.overhead.get(resource, "0"))


def of_containers(pod: Pod, resource: str) -> int:
    """What the pod says as a whole, else the larger of what starts it and what runs in the end."""
    whole = pod.spec.resources
    if resource in POD_LEVEL and whole is not None and resource in whole.requests:
        return int(whole.requests[resource])
    sidecars = most_to_start = 0
    for container in pod.spec.init_containers:
        amount = _amount(container, resource)
        if container.restart_policy == "Always":
            sidecars += amount
            most_to_start = max(most_to_start, sidecars)
        else:
            most_to_start = max(most_to_start, sidecars + amount)
    running = sidecars + sum(_amount(container, resource) for container in pod.spec.containers)
    return max(most_to_start, running)


def _amount(container: Container, resource: str) -> int:
    return int(container.resources.requests.get(resource, "0"))
