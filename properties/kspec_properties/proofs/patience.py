"""A proof that does not end: it is Unknown, with the line where it hung or failed.

A policy may loop for ever without asking a symbolic number anything, which no limit on paths or
decisions sees. The alarm only works in the main thread; elsewhere there is none.
"""

import signal
import threading
from collections.abc import Callable
from types import FrameType

from kspec.smt import Proof
from kspec.smt.places import place_in, place_of

NOT_BACK = "it did not come back"
REPEAT = 0.1
"""Seconds until the alarm is raised again: Python drops what is raised in a destructor."""


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
        raise _TooLong(place_in(frame))

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, REPEAT)
    try:
        return check()
    except _TooLong as late:
        reason = f"{NOT_BACK} in {seconds:g} s, at {late}"
        return Proof(name, "Unknown", reason, 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
