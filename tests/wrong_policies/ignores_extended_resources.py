from kspec_models.scheduler.framework import SUCCESS, UNSCHEDULABLE, Status
from kspec_models.scheduler.policies.default import default_policy
from kspec_models.scheduler.profile import Profile


class Fit:
    """Processor time, memory, storage and the number of pods."""

    name = "Fit"

    def filter(self, spec, node_info):
        alone = node_info.with_pod(self.asking(spec, node_info))
        if len(alone.pods) > alone.allowed_pods:
            return Status(UNSCHEDULABLE, ("Too many pods",), self.name)
        for resource in ("cpu", "memory", "ephemeral-storage"):
            if alone.requested.amount(resource) > alone.allocatable.amount(resource):
                return Status(UNSCHEDULABLE, (f"Insufficient {resource}",), self.name)
        return SUCCESS

    def asking(self, spec, node_info):
        from kspec_models.objects import Pod

        pod = Pod()
        return pod.replace(metadata=pod.metadata.replace(uid="asking", name="asking"), spec=spec)


class IgnoresExtendedResources(Profile):
    """Its own fit plugin knows the resources of every node, and no device."""

    def __init__(self):
        kept = (p for p in default_policy().filters if p.name != "NodeResourcesFit")
        super().__init__("ignores-extended-resources", (*kept, Fit()))
