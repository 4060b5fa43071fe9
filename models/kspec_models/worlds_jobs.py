"""Documents of Jobs, CronJobs and Events, and small worlds of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kspec_models.endings import EXIT_CODE, EXITS_AFTER
from kspec_models.world import World
from kspec_models.worlds import container

Json = Mapping[str, Any]


def job_spec(
    *, exit_code: str = "", exits_after: int = 0, restart: str = "Never", **spec: Any
) -> dict[str, Any]:
    """The spec of a Job whose containers end as the environment is told to let them end."""
    told = {EXIT_CODE: exit_code, EXITS_AFTER: str(exits_after) if exits_after else ""}
    annotations = {name: text for name, text in told.items() if text}
    pod = {"restartPolicy": restart, "containers": [container()]}
    return {"template": {"metadata": {"annotations": annotations}, "spec": pod}, **spec}


def job(name: str, **spec: Any) -> dict[str, Any]:
    """A Job; spec as `job_spec` takes it."""
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": job_spec(**spec)}


def cronjob(
    name: str, schedule: str = "* * * * *", *, template: Json | None = None, **spec: Any
) -> dict[str, Any]:
    """A CronJob with a schedule; template: the spec of its Jobs, one pod that succeeds without."""
    jobs = {"spec": dict(template) if template is not None else job_spec()}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"schedule": schedule, "jobTemplate": jobs, **spec},
    }


def event(name: str, reason: str = "Noted") -> dict[str, Any]:
    """An Event that somebody outside of the model wrote; it expires after an hour."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": "default"},
        "reason": reason,
    }


def jobs_world(*objects: Json, nodes: int = 1, **options: Any) -> World:
    """A small world of these objects."""
    options.setdefault("name", "jobs")
    return World(nodes=nodes, objects=tuple(objects), **options)
