"""Where in the code that is proved something happened: the innermost line that is its own.

Lines of this package, of z3, of the standard library and of modules that say PASSED_OVER are passed
over.
"""

import sys
import sysconfig
from pathlib import Path
from types import FrameType, TracebackType

import z3

_ENGINE = (str(Path(__file__).parent), str(Path(z3.__file__).parent))
PASSED_OVER = "PASSED_OVER_BY_PLACES"
"""A module with this global only stands in for what the code uses."""
_LIBRARY = sysconfig.get_path("stdlib")


def place_here() -> str:
    """FILE:LINE of the innermost call that is neither of this package nor of z3."""
    return place_in(sys._getframe(1))


def place_in(frame: FrameType | None) -> str:
    """As `place_here`, for the call that a frame is."""
    while frame is not None and _is_passed_over(frame):
        frame = frame.f_back
    return "" if frame is None else _place(frame.f_code.co_filename, frame.f_lineno)


def place_of(error: BaseException) -> str:
    """FILE:LINE of the innermost line outside the engine that the error went through."""
    place, step = "", error.__traceback__
    while step is not None:
        place = _later(step) or place
        step = step.tb_next
    return place


def _later(step: TracebackType) -> str:
    frame = step.tb_frame
    return "" if _is_passed_over(frame) else _place(frame.f_code.co_filename, step.tb_lineno)


def _is_passed_over(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    is_library = file.startswith(_LIBRARY) and "site-packages" not in file
    return is_library or file.startswith((*_ENGINE, "<")) or PASSED_OVER in frame.f_globals


def _place(file: str, line: int) -> str:
    return f"{Path(file).name}:{line}"
