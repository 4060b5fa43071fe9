"""What failures of one bug share: a cause, without any name or number of a world."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import attrs

_NUMBER = re.compile(r"\d+(\.\d+)?([numkMGTPE]i?)?\b")
_NAME = re.compile(r"(?<![\w-])[\w.-]+/[\w./-]+|(?<![\w-])[\w-]*\d[\w-]*")


@attrs.frozen(kw_only=True)
class Cause:
    """kind: "safety" or "liveness".

    actor, verb: who acted wrongly and how. unseen: the sort of write that it had not seen, "" where
    timing is not at fault. faults: the classes without which nothing breaks. stuck: where what is
    owed waits, for liveness. witness: its kind.
    """

    kind: str
    actor: str = ""
    verb: str = ""
    unseen: str = ""
    faults: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()
    witness: str = ""

    @property
    def signature(self) -> tuple[str, ...]:
        """Equal for failures of one bug, as far as one trace of each tells."""
        faults, stuck = ",".join(self.faults), ",".join(self.stuck)
        return (self.kind, self.actor, self.verb, self.unseen, faults, stuck, self.witness)

    @property
    def text(self) -> str:
        """The cause in a few words."""
        parts = [" by ".join(part for part in (self.verb, self.actor) if part)]
        if self.unseen:
            parts.append(f"that had not seen {self.unseen}")
        if self.stuck:
            parts.append(f"stuck: {', '.join(self.stuck)}")
        if self.faults:
            parts.append(f"after {', '.join(self.faults)}")
        return f"{self.witness}: {' '.join(part for part in parts if part) or 'nobody acts'}"

    def to_json(self) -> dict[str, Any]:
        found = attrs.asdict(self)
        return {**found, "faults": list(self.faults), "stuck": list(self.stuck), "text": self.text}


def abstract(text: str, names: Iterable[str] = ()) -> str:
    """A text with its numbers, and these and other names of objects, replaced by underscores."""
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", "_", text)
    return _NUMBER.sub("_", _NAME.sub("_", text))
