"""The line of a policy that is to blame: where it raised, looped, returned, or changed things."""

from __future__ import annotations

import ast
import contextlib
import functools
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from kspec_properties.trial.marks import Marks

_WATCHED_LINES, _WATCHED_SECONDS, _AGAIN_SECONDS = 2000, 0.5, 2.0
_MODEL = "kspec_models."
Spot = tuple[str, int]


class Hung(BaseException):
    """A call took too long; no Exception, so that no `except Exception` of a policy holds it."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place


def _parts(policy: Any) -> Iterator[Any]:
    """The objects that a policy is made of, itself last."""
    for plugin, *_ in getattr(policy, "scorers", ()):
        yield plugin
    yield from getattr(policy, "filters", ())
    yield from getattr(policy, "extra", ())
    for name in ("post_filter", "numeric", "rating"):
        if (part := getattr(policy, name, None)) is not None:
            yield part
    yield policy


def own_files(policy: Any) -> tuple[str, ...]:
    """The source files of the policy and its plugins: a user's own, where there are any."""
    found: dict[str, bool] = {}
    for part in _parts(policy):
        for cls in type(part).__mro__:
            for member in vars(cls).values():
                code = getattr(getattr(member, "__func__", member), "__code__", None)
                if code is not None:
                    found[code.co_filename] = not cls.__module__.startswith(_MODEL)
    own = tuple(file for file, is_own in found.items() if is_own)
    return own or tuple(found)


def spelled(file: str, line: int) -> str:
    """FILE:LINE, relative where that is below the working directory."""
    path = Path(file)
    with contextlib.suppress(ValueError):
        path = path.relative_to(Path.cwd())
    return f"{path}:{line}"


def line_of_definition(policy: Any, method: str) -> str:
    """Where a method of the policy is defined; "" where that is not in a file of a user's own."""
    target = getattr(policy, "rating", getattr(policy, "numeric", policy))
    function = getattr(type(target), method, None)
    code = getattr(function, "__code__", None)
    if code is None or type(target).__module__.startswith(_MODEL):
        return ""
    return spelled(code.co_filename, code.co_firstlineno)


def line_of_error(error: BaseException, files: tuple[str, ...]) -> str:
    """The innermost line of the policy on the way to where the error was raised."""
    place, trace = "", error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in files:
            place = spelled(trace.tb_frame.f_code.co_filename, trace.tb_lineno)
        trace = trace.tb_next
    return place


@contextlib.contextmanager
def limited(seconds: float, files: tuple[str, ...]) -> Iterator[None]:
    """Raise Hung in a block that takes longer; without effect outside the main thread."""
    if threading.current_thread() is not threading.main_thread() or seconds <= 0:
        yield
        return
    observer = _Observer(files)
    before = signal.signal(signal.SIGALRM, observer.interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        observer.leave()


class _Observer:
    """Watches, line by line, a call that took too long, to tell which loop it does not leave."""

    def __init__(self, files: tuple[str, ...]) -> None:
        self.files = files
        self.seen: list[tuple[Spot, ...]] = []
        self.before = sys.gettrace()

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.seen:
            self._end()
        self.seen.append(_loops(frame, self.files))
        signal.setitimer(signal.ITIMER_REAL, _WATCHED_SECONDS, _AGAIN_SECONDS)
        while frame is not None:
            if frame.f_code.co_filename in self.files:
                frame.f_trace = self.trace
            frame = frame.f_back
        sys.settrace(self.trace)

    def trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename not in self.files:
            return None
        if event == "line":
            self.seen.append(_loops(frame, self.files))
            if len(self.seen) >= _WATCHED_LINES:
                self._end()
        return self.trace

    def _end(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS, _AGAIN_SECONDS)  # if it is swallowed
        self.leave()
        raise Hung(_common(self.seen))

    def leave(self) -> None:
        if sys.gettrace() == self.trace:
            sys.settrace(self.before)


def _loops(frame: FrameType | None, files: tuple[str, ...]) -> tuple[Spot, ...]:
    """The loops of the policy that a frame is within, the outermost first; else its functions."""
    within: list[Spot] = []
    functions: list[Spot] = []
    frames = []
    while frame is not None:
        if frame.f_code.co_filename in files:
            frames.append(frame)
        frame = frame.f_back
    for each in reversed(frames):
        file = each.f_code.co_filename
        within += [(file, line) for line in _enclosing(file, each.f_lineno)]
        functions.append((file, each.f_lineno))
    return tuple(within) or tuple(functions)


def _common(seen: list[tuple[Spot, ...]]) -> str:
    """The innermost loop that every line was within: the one that does not end."""
    shared: Spot | None = None
    for spots in zip(*seen, strict=False):
        if any(spot != spots[0] for spot in spots):
            break
        shared = spots[0]
    return spelled(*shared) if shared is not None else ""


def _enclosing(file: str, line: int) -> list[int]:
    return [start for start, end in _loops_of(file) if start <= line <= end]


@functools.lru_cache(maxsize=64)
def _loops_of(file: str) -> tuple[tuple[int, int], ...]:
    """The first and last lines of the loops of a file, outer ones before inner ones."""
    try:
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return ()
    kinds = (ast.While, ast.For, ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp)
    found = [(n.lineno, n.end_lineno or n.lineno) for n in ast.walk(tree) if isinstance(n, kinds)]
    return tuple(sorted(found, key=lambda span: (span[0], -span[1])))


def _traced(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    files: tuple[str, ...],
    seen: Callable[[str, Spot], None],
) -> None:
    """Call again, telling of each line and each return in the policy's files."""

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename not in files:
            return None
        if event in ("line", "return"):
            seen(event, (frame.f_code.co_filename, frame.f_lineno))
        return trace

    before = sys.gettrace()
    try:
        with contextlib.suppress(BaseException), contextlib.redirect_stdout(None):
            sys.settrace(trace)
            function(*arguments)
    finally:
        sys.settrace(before)


def line_of_return(
    function: Callable[..., Any], arguments: tuple[Any, ...], files: tuple[str, ...]
) -> str:
    """The line from which the policy returned its answer, seen in a second call."""
    last: list[Spot] = []

    def seen(event: str, spot: Spot) -> None:
        if event == "return":
            last[:] = [spot]

    _traced(function, arguments, files, seen)
    return spelled(*last[0]) if last else ""


def line_of_change(
    function: Callable[..., Any], arguments: tuple[Any, ...], files: tuple[str, ...], marks: Marks
) -> str:
    """The line that changed what was given, seen in a second call; all is as it was afterwards."""
    running: list[Spot] = []
    found: list[Spot] = []

    def seen(event: str, spot: Spot) -> None:
        if not found and running and marks.changed():
            found.append(running[0])
        running[:] = [spot]

    _traced(function, arguments, files, seen)
    marks.restore()
    return spelled(*found[0]) if found else ""
