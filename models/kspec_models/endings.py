"""When and how containers end by themselves: what a world tells the environment about it.

A container that its restart policy lets be over is a task: it runs and ends, by default at once and
with 0. Annotations of the pod (in a Job: of its template) say otherwise:

    kspec.dev/exit-code: "1"      its tasks end with 1; "0,1": with either, as the environment
                                  chooses, the first where nobody chooses (FIFO)
    kspec.dev/exits-after: "30"   they end 30 virtual seconds after their start, with the first code

A task that is told to stop ends with 143, as a process that SIGTERM kills.

After doBackOff in pkg/kubelet/kuberuntime/kuberuntime_manager.go at 1.36 for the rest: a container
that ends again waits before it is started again, ten seconds, doubled with each restart, five
minutes at most (CrashLoopBackOff).

The times are kept with the container and looked at by the kubelet, who alone notices the end of a
container. Left out: the reset of the back-off after ten minutes without an end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from kspec.errors import InputError
from kspec_models.objects import Pod
from kspec_models.runtime import (
    EXITED,
    RUNNING,
    TASK,
    Runtime,
    RuntimeContainer,
    containers_of,
)

EXIT_CODE: Final = "kspec.dev/exit-code"
EXITS_AFTER: Final = "kspec.dev/exits-after"

FIRST_BACKOFF: Final = 10
MAX_BACKOFF: Final = 300


class Ending(NamedTuple):
    """The exit codes that a task may end with, and after how many seconds."""

    exit_codes: tuple[int, ...] = (0,)
    after: int = 0


def ending_of(annotations: Mapping[str, str]) -> Ending:
    """What the annotations say; raises InputError for what is no number."""
    if EXIT_CODE not in annotations and EXITS_AFTER not in annotations:
        return Ending()
    codes = tuple(_number(EXIT_CODE, c, 255) for c in annotations.get(EXIT_CODE, "0").split(","))
    return Ending(codes, _number(EXITS_AFTER, annotations.get(EXITS_AFTER, "0"), 10**9))


def _number(name: str, text: str, most: int) -> int:
    word = text.strip()
    if not (word.isascii() and word.isdecimal()) or int(word) > most:
        raise InputError(f"got {text!r}", where=name, expected=f"a whole number up to {most}")
    return int(word)


def ending_problems(annotations: Mapping[str, str], path: str) -> Iterator[str]:
    """What is wrong with the annotations, one line."""
    try:
        ending_of(annotations)
    except InputError as error:
        yield f"{path}: Invalid value: {error}"


def planned(pod: Pod) -> tuple[RuntimeContainer, ...]:
    """The containers of a pod before any of them has run, with the ends that it asks for."""
    containers = containers_of(pod.spec)
    is_told = pod.metadata.annotations and any(c.role == TASK for c in containers)
    ending = ending_of(pod.metadata.annotations) if is_told else Ending()
    if ending == Ending():
        return containers
    codes, after = ending
    return tuple(
        c._replace(exit_codes=codes, exits_after=after) if c.role == TASK else c for c in containers
    )


def at(runtime: Runtime, uid: str, now: int) -> Runtime:
    """The runtime with the containers of a pod as virtual second `now` finds them.

    One that runs for a time gets its end or comes to it; one that has ended once more gets the
    second at which it may be started again.
    """
    pod = runtime.pod(uid)
    if pod is None or not any(c.exits_after or c.restarts for c in pod.containers):
        return runtime
    containers = tuple(_at(c, now) for c in pod.containers)
    return runtime if containers == pod.containers else runtime.with_containers(uid, containers)


def _at(container: RuntimeContainer, now: int) -> RuntimeContainer:
    c = container
    if c.state == RUNNING and c.exits_after:
        if c.until is None:
            return c._replace(until=now + c.exits_after)
        if c.until <= now:
            ended = c._replace(state=EXITED, is_ready=False, exit_code=c.exit_codes[0], until=None)
            return _at(ended, now)
    if c.state == EXITED and c.restarts and c.until is None:
        return c._replace(until=now + min(FIRST_BACKOFF << min(c.restarts - 1, 5), MAX_BACKOFF))
    return c


def is_backing_off(runtime: Runtime, uid: str, name: str, now: int) -> bool:
    """Whether a container that has ended may not be started again yet."""
    container = next(c for c in runtime.pods[uid].containers if c.name == name)
    return container.state == EXITED and container.until is not None and container.until > now


def next_second(runtime: Runtime, uid: str, now: int) -> int | None:
    """The next second at which time alone changes something about a pod."""
    pod = runtime.pod(uid)
    if pod is None or pod.is_stopping:
        return None
    times = (c.until for c in pod.containers if c.state in (RUNNING, EXITED))
    return min((time for time in times if time is not None and time > now), default=None)
