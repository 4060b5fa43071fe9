"""Work in a child process under a limit of CPU time; its answer comes back as JSON."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

MEMORY = 6 << 30
_GRACE = 5


class Answer(NamedTuple):
    """What a child answered; or why it did not: "exception" or "timeout", and what was seen."""

    value: Any = None
    trouble: str = ""
    detail: str = ""


def in_child(work: Callable[[], Any], cpu_seconds: int) -> Answer:
    """The answer of `work`, done in a fork of this process that prints nothing."""
    sys.stdout.flush()
    sys.stderr.flush()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _work(work, writing, cpu_seconds)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(child, 0)
    if data:
        return Answer(*json.loads(data))
    ended = os.waitstatus_to_exitcode(status)
    if ended in (-signal.SIGXCPU, -signal.SIGKILL):
        return Answer(None, "timeout", f"more than {cpu_seconds} s of CPU time")
    return Answer(None, "exception", f"the process ended with {ended}")


def _work(work: Callable[[], Any], writing: int, cpu_seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + _GRACE))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        answer = (work(), "", "")
    except MemoryError:
        answer = (None, "timeout", "out of memory")
    except BaseException as error:
        answer = (None, "exception", _describe(error))
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(json.dumps(answer).encode())
    os._exit(0)


def _describe(error: BaseException) -> str:
    """The last line of a traceback, and where it was raised."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = "".join(f" in {frame.name}, line {frame.lineno}" for frame in last)
    return f"{type(error).__name__}: {str(error)[:200]}{where}"
