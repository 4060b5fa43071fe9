"""The errors that end a command, each with its exit status and a one-line remedy.

Exit status: 0 nothing that was promised or asked for failed, 1 a violation, 2 bad usage or input,
3 unfinished, 4 an internal error, 130 interrupted.
"""

EXIT_HOLDS = 0
EXIT_VIOLATION = 1
EXIT_BAD_INPUT = 2
EXIT_UNFINISHED = 3
EXIT_INTERNAL = 4
EXIT_INTERRUPTED = 130


class KspecError(Exception):
    """Base of every error that kspec raises on purpose; `str` of it is one clear line."""

    exit_status = EXIT_INTERNAL


class InputError(KspecError):
    """What a user gave cannot be used: says where, what, and what was expected."""

    exit_status = EXIT_BAD_INPUT

    def __init__(self, problem: str, *, where: str = "", expected: str = "") -> None:
        line = f"{where}: {problem}" if where else problem
        super().__init__(f"{line}; expected {expected}" if expected else line)


class NotEnabled(KspecError):
    """`step` was given an action that is not enabled in that state."""


class Diverged(KspecError):
    """A strict replay met a state or an action that differs from the recorded one."""

    exit_status = EXIT_UNFINISHED
