"""Every action of the cluster, as a frozen record of what was chosen, and its text in traces.

An action names what it is about by identity (`upto=default/web-1@3` is the third version of that
object), never by position, so that a trace survives the removal of other actions.

Tuples, because they compare and hash fast; the last field is the name of the class, so that a
Handle and a Sync of the same fields differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from kspec.errors import InputError


class Sync(NamedTuple):
    """The informer of a process for one resource receives its watch events up to one."""

    actor: str
    resource: str
    upto: str
    type: str = "Sync"


class Handle(NamedTuple):
    """A host's event handlers take the notifications of one resource up to one."""

    actor: str
    resource: str
    upto: str
    type: str = "Handle"


class List(NamedTuple):
    """A reflector lists: after a start, or after its watch was answered 410 Gone."""

    actor: str
    resource: str
    type: str = "List"


class Pop(NamedTuple):
    """One key of a Replace reaches the informer's cache."""

    actor: str
    resource: str
    key: str
    type: str = "Pop"


class Rewatch(NamedTuple):
    """A reflector whose watch broke asks to resume it."""

    actor: str
    resource: str
    type: str = "Rewatch"


class Reconcile(NamedTuple):
    """A controller takes a key from its queue."""

    actor: str
    key: str
    type: str = "Reconcile"


class Schedule(NamedTuple):
    """A scheduler takes a pod through one scheduling cycle."""

    actor: str
    key: str
    type: str = "Schedule"


class SyncPod(NamedTuple):
    """A kubelet's pod worker looks at its pod."""

    actor: str
    key: str
    type: str = "SyncPod"


class SyncProxyRules(NamedTuple):
    """A kube-proxy writes the rules of its node."""

    actor: str
    key: str
    type: str = "SyncProxyRules"


class Deliver(NamedTuple):
    """The API server applies the request at the head of a call, and its answer arrives."""

    actor: str
    key: str
    request: str
    type: str = "Deliver"


class Renew(NamedTuple):
    """An elector, or a kubelet, looks after its Lease."""

    actor: str
    key: str
    type: str = "Renew"


class Progress(NamedTuple):
    """A node's container runtime gets on with something by itself."""

    actor: str
    key: str
    type: str = "Progress"


class Start(NamedTuple):
    """A process that is down starts again with an empty memory."""

    actor: str
    type: str = "Start"


class StartOn(NamedTuple):
    """A process that is down starts again, as a client of that API server."""

    actor: str
    to: str
    type: str = "StartOn"


class Advance(NamedTuple):
    """Virtual time moves to a deadline, in seconds."""

    to: str
    type: str = "Advance"


class User(NamedTuple):
    """The next operation of the world's users."""

    operation: str
    type: str = "User"


class Crash(NamedTuple):
    """A process dies with all that it remembers."""

    actor: str
    type: str = "Crash"


class StaleList(NamedTuple):
    """A list is answered by an API server that is that many revisions of the resource behind."""

    actor: str
    resource: str
    behind: str
    type: str = "StaleList"


class Disconnect(NamedTuple):
    """A watch breaks."""

    actor: str
    resource: str
    type: str = "Disconnect"


class LoseRequest(NamedTuple):
    """A request never arrives; its sender is told of a timeout."""

    actor: str
    key: str
    request: str
    type: str = "LoseRequest"


class LoseAnswer(NamedTuple):
    """A request is applied but its sender is told of a timeout."""

    actor: str
    key: str
    request: str
    type: str = "LoseAnswer"


class Throttle(NamedTuple):
    """A request is refused with 429 Too Many Requests."""

    actor: str
    key: str
    request: str
    type: str = "Throttle"


class Compact(NamedTuple):
    """The store forgets all history before its newest revision."""

    store: str = "store"
    type: str = "Compact"


class LoseNode(NamedTuple):
    """A node loses power: its processes, containers and rules are gone until it starts again."""

    node: str
    type: str = "LoseNode"


class Pause(NamedTuple):
    """A process stands still, with all that it remembers and has under way."""

    actor: str
    type: str = "Pause"


class Resume(NamedTuple):
    """A paused process goes on, and does not know for how long it stood still."""

    actor: str
    type: str = "Resume"


class Partition(NamedTuple):
    """A process is cut off from the API servers: watches break, requests time out."""

    actor: str
    type: str = "Partition"


class Rejoin(NamedTuple):
    """A process that was cut off reaches the API servers again."""

    actor: str
    type: str = "Rejoin"


class FailOver(NamedTuple):
    """A leader could not renew its lease in time: it exits, and the lease is free."""

    actor: str
    type: str = "FailOver"


class Heal(NamedTuple):
    """The environment ends its faults for good."""

    cluster: str = "cluster"
    type: str = "Heal"


Action = (
    Sync
    | Handle
    | List
    | Pop
    | Rewatch
    | Reconcile
    | Schedule
    | SyncPod
    | SyncProxyRules
    | Renew
    | Deliver
    | Progress
    | Start
    | StartOn
    | Advance
    | User
    | Crash
    | StaleList
    | Disconnect
    | LoseRequest
    | LoseAnswer
    | Throttle
    | Compact
    | LoseNode
    | Pause
    | Resume
    | Partition
    | Rejoin
    | FailOver
    | Heal
)


class Named(dict[str, Any]):
    """Actions of one actor by what they name, each made once; a full table starts afresh."""

    def __init__(self, kind: Callable[..., Any], *parts: str) -> None:
        super().__init__()
        self.kind, self.parts = kind, parts

    def __missing__(self, name: str) -> Any:
        if len(self) >= _MAX_NAMED:
            self.clear()
        action = self[name] = self.kind(*self.parts, name)
        return action


_MAX_NAMED: Final = 10_000

TYPES: Final[dict[str, Any]] = {
    cls.__name__: cls
    for cls in (
        *(Sync, Handle, List, Pop, Rewatch, Reconcile, Schedule, SyncPod, SyncProxyRules),
        *(Deliver, Progress, Start, Advance, User, Crash, StaleList, Disconnect, LoseRequest),
        *(LoseAnswer, Throttle, Compact, LoseNode, Heal),
        *(Renew, StartOn, Pause, Resume, Partition, Rejoin, FailOver),
    )
}

FAULT_CLASSES: Final[dict[type, str]] = {
    Crash: "crash",
    StaleList: "stale-list",
    Disconnect: "disconnect",
    LoseRequest: "lost-request",
    LoseAnswer: "lost-answer",
    Throttle: "throttle",
    Compact: "compaction",
    LoseNode: "node-loss",
    Pause: "pause",
    Partition: "partition",
    FailOver: "failover",
}
"""The fault class that an environment action draws from the budget."""

_NAMED: Final = {"upto", "to", "behind"}
_TEXT: Final = re.compile(r"(\w+)\((.*)\)")


def encode(action: Any) -> str:
    """The action as text, e.g. `Sync(kube-scheduler, pods, upto=default/web-1@3)`."""
    parts = (
        f"{name}={value}" if name in _NAMED else value
        for name, value in zip(action._fields[:-1], action, strict=False)
    )
    return f"{type(action).__name__}({', '.join(parts)})"


def decode(text: str) -> Any:
    """The action of a text that `encode` wrote; raises InputError for any other text."""
    match = _TEXT.fullmatch(text)
    kind = TYPES.get(match[1]) if match else None
    if match is None or kind is None:
        raise InputError(f"unknown action {text!r}", expected="an action such as Crash(kubelet/n1)")
    parts = match[2].split(", ") if match[2] else []
    values = [re.sub(r"^(upto|to|behind)=", "", part) for part in parts]
    names = kind._fields[:-1]
    if len(values) != len(names):
        raise InputError(f"action {text!r} has {len(values)} parts", expected=", ".join(names))
    return kind(*values)
