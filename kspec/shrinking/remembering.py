"""A system that remembers the states of one path, so that replays of its variants start late.

States are immutable values, so the states of the best trace so far are kept, and a replay that
begins like it takes them from there. Whoever replays need not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kspec.system import AnySystem


class Remembering:
    """The same system; along the remembered path a step costs nothing.

    stepped: how many steps of the system were taken in earnest. What follows the path in the run
    since the last `init` is kept as well, because the replay that was just taken is most often what
    is to be remembered next.
    """

    def __init__(self, system: AnySystem) -> None:
        self._system = system
        self._actions: tuple[Any, ...] = ()
        self._states: list[Any] = [system.init()]
        self._place = 0
        self._strayed: list[tuple[Any, Any]] = []
        self.stepped = 0

    @classmethod
    def of(cls, system: AnySystem) -> Remembering:
        """The system itself where it remembers already."""
        return system if isinstance(system, cls) else cls(system)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._system, name)

    def remember(self, actions: Sequence[Any]) -> None:
        """Keep the states along these actions, each of which must be enabled."""
        same = 0
        for old, new in zip(self._actions, actions, strict=False):
            if old != new:
                break
            same += 1
        known = self._strayed if same == self._place else []
        del self._states[same + 1 :]
        for number, action in enumerate(actions[same:]):
            if number < len(known) and known[number][0] == action:
                self._states.append(known[number][1])
            else:
                known = []
                self.stepped += 1
                self._states.append(self._system.step(self._states[-1], action))
        self._actions = tuple(actions)
        self.init()

    def init(self) -> Any:
        self._place = 0
        self._strayed = []
        return self._states[0]

    def resolve(self, state: Any, action: Any) -> Any:
        return action if self._is_on_path(state, action) else self._system.resolve(state, action)

    def step(self, state: Any, action: Any) -> Any:
        if self._is_on_path(state, action):
            self._place += 1
            return self._states[self._place]
        self.stepped += 1
        after = self._system.step(state, action)
        if self._place + len(self._strayed) < len(self._actions):  # no variant is longer
            self._strayed.append((action, after))
        return after

    def _is_on_path(self, state: Any, action: Any) -> bool:
        place = self._place
        return (
            place < len(self._actions)
            and state is self._states[place]
            and action == self._actions[place]
        )
