"""A proof that does not end: it is Unknown, with the line where it hung or failed.

A policy may loop for ever without asking a symbolic number anything, which no limit on paths or
decisions sees. The limit is in processor time, so that a busy machine does not change an answer; a
policy that sleeps is noticed by the wall clock, after `ASLEEP` times as long. The alarm only works
in the main thread; elsewhere there is none.
"""

import signal
import threading
from collections.abc import Callable
from types import FrameType

from kspec.smt import Proof
from kspec.smt.places import place_in, place_of

NOT_BACK = "it did not come back"
ASLEEP = 10
REPEAT = 0.1
"""Seconds until the alarm rings again: within a destructor it waits, since what is raised there is
dropped and written to standard error."""


class _TooLong(BaseException):
    """Not an Exception, so that no policy catches it."""


def within(seconds: float, name: str, check: Callable[[], Proof]) -> Proof:
    """The proof, or Unknown once it has taken longer than that, or where it raises."""
    try:
        return _within(seconds, name, check)
    except (Exception, SystemExit) as error:
        reason = f"it raised {type(error).__name__}: {error}, at {place_of(error)}"
        return Proof(name, "Unknown", reason, 0)


def _within(seconds: float, name: str, check: Callable[[], Proof]) -> Proof:
    if threading.current_thread() is not threading.main_thread():
        return check()

    def ring(number: int, frame: FrameType | None) -> None:
        if not _is_destroying(frame):
            raise _TooLong(place_in(frame))

    timers = (
        (signal.SIGPROF, signal.ITIMER_PROF, seconds),
        (signal.SIGALRM, signal.ITIMER_REAL, ASLEEP * seconds),
    )
    before = [signal.signal(number, ring) for number, _, _ in timers]
    for _, timer, limit in timers:
        signal.setitimer(timer, limit, REPEAT)
    try:
        return check()
    except _TooLong as late:
        reason = f"{NOT_BACK} in {seconds:g} s, at {late}"
        return Proof(name, "Unknown", reason, 0)
    finally:
        for (number, timer, _), handler in zip(timers, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)


def _is_destroying(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False
