"""Which lines of some files are executed: a change of any other line cannot be noticed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import CodeType, FrameType
from typing import Any


class LineTrace:
    """Records the lines executed while it is started, by module.

    modules: names by file. A piece of code of which every line was seen is not followed further.
    """

    def __init__(self, modules: Mapping[str, str]) -> None:
        self.modules = modules
        self.lines: dict[str, set[int]] = {}
        self._left: dict[CodeType, set[int]] = {}

    def start(self) -> None:
        sys.settrace(self._enter)

    def stop(self) -> None:
        sys.settrace(None)

    def executed(self) -> dict[str, list[int]]:
        """The lines seen so far, in order, by module."""
        return {module: sorted(lines) for module, lines in sorted(self.lines.items())}

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        left = self._left.get(code)
        if left is None:
            name = self.modules.get(code.co_filename)
            left = {line for _, _, line in code.co_lines() if line} if name else set()
            self._left[code] = left
        if not left:
            return None
        left.discard(frame.f_lineno)
        self._record(code, frame.f_lineno)
        return self._line

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        left, line = self._left[frame.f_code], frame.f_lineno
        if line in left:
            left.discard(line)
            self._record(frame.f_code, line)
        return self._line if left else None

    def _record(self, code: CodeType, line: int) -> None:
        self.lines.setdefault(self.modules[code.co_filename], set()).add(line)
