"""The conditions of a Job, as every controller that looks at Jobs reads them.

After pkg/controller/job/util/utils.go at Kubernetes 1.36.
"""

from __future__ import annotations

from typing import Final

from kspec_models.objects import Condition, Job, condition

COMPLETE: Final = "Complete"
FAILED: Final = "Failed"


def true_condition(job: Job, kind: str) -> Condition | None:
    """The Job's condition of that type if it is true, else None."""
    found = condition(job.status.conditions, kind)
    return found if found is not None and found.status == "True" else None


def is_finished(job: Job) -> bool:
    """IsJobFinished: whether it is Complete or Failed, and so never runs again."""
    return any(c.type in (COMPLETE, FAILED) and c.status == "True" for c in job.status.conditions)
