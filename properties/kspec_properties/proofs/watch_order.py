"""Watch order: what one watcher is told follows the store, through reconnect, relist, compaction.

Promise: between two relists every change that the watch shows is told exactly once and in the
order of the store; a relist accounts for everything up to its revision; and there is a relist only
where a change could otherwise be lost.

About: the cursor protocol of one watch, with the comparison that the model's reflector itself runs
(`kspec_models.reflector.is_gone`).

Domain: any store, any number of writes, any selector. `mark` is one change that the selector
shows, at an arbitrary revision; what holds for it holds for all. Revisions are unbounded integers.

After etcd's API guarantees (ordered, unique, reliable, resumable watches), "Efficient detection of
changes" and "410 Gone" in the Kubernetes API concepts, and client-go's reflector.go.
"""

from collections.abc import Callable, Mapping

import attrs

from kspec.smt import Claim, Operation, Proof, inductive
from kspec_models.reflector import is_gone
from kspec_properties.proofs.conditions import every

NAME = "watch-order"
LISTING, WATCHING, DISCONNECTED = 0, 1, 2

STATE = (
    "revision",  # newest of the store
    "compacted",  # history before it is gone
    "status",
    "cursor",  # while watching: the server has gone through all changes up to here
    "resume",  # a broken watch asks for what follows this
    "listed",  # revision of the last list
    "relists",
    "last",  # ghost: the last change told, or the last list
    "mark",  # ghost: one change that the selector shows, at any revision
    "told",  # ghost: how often it was told since the last list
)

State = Mapping[str, int]
Change = dict[str, int]


@attrs.frozen
class Protocol:
    """The decisions that a reflector and its server take; wrong variants replace one."""

    is_gone: Callable[[int, int], bool] = is_gone
    first_after: Callable[[int], int] = lambda resume: resume + 1


def write(state: State, _: State) -> Change:
    """Any client writes any key."""
    return {"revision": state["revision"] + 1}


def deliver(state: State, inputs: State) -> Change | None:
    """The server goes on by one change; the watcher is told if the selector shows it."""
    if state["status"] != WATCHING or state["cursor"] >= state["revision"]:
        return None
    at = state["cursor"] + 1
    if at == state["mark"]:
        return {"cursor": at, "resume": at, "last": at, "told": state["told"] + 1}
    return {"cursor": at, "resume": at, "last": at} if inputs["shown"] else {"cursor": at}


def bookmark(state: State, _: State) -> Change | None:
    """The server says how far it has gone, without a change."""
    return {"resume": state["cursor"]} if state["status"] == WATCHING else None


def disconnect(state: State, _: State) -> Change | None:
    """The watch breaks; what the server went through beyond the last event is not remembered."""
    return {"status": DISCONNECTED} if state["status"] == WATCHING else None


def compact(state: State, inputs: State) -> Change | None:
    """History before a revision is forgotten; a watch that is open keeps its own."""
    at = inputs["at"]
    return {"compacted": at} if state["compacted"] < at <= state["revision"] else None


def listed(state: State, inputs: State) -> Change | None:
    """A list is answered at some revision, older than what was seen if the server lags."""
    at = inputs["at"]
    if state["status"] != LISTING or at < 0 or at > state["revision"]:
        return None
    return {
        "status": WATCHING,
        "cursor": at,
        "resume": at,
        "listed": at,
        "last": at,
        "relists": state["relists"] + 1,
        "told": 0,
    }


def resume_by(protocol: Protocol) -> Operation:
    """A broken watch is asked for again; a server starts no earlier than its oldest change."""

    def step(state: State, _: State) -> Change | None:
        if state["status"] != DISCONNECTED:
            return None
        if protocol.is_gone(state["resume"], state["compacted"]):
            return {"status": LISTING}
        first = protocol.first_after(state["resume"])
        oldest = max(first, state["compacted"])
        return {"status": WATCHING, "cursor": oldest - 1}

    return Operation("resume", step)


def seen(state: State) -> int:
    """Every change up to here was offered to the watcher since the last list."""
    return state["cursor"] if state["status"] == WATCHING else state["resume"]


def revisions_in_order(state: State) -> bool:
    """What was listed is no newer than what was told, remembered, gone through and written."""
    return every(
        state["listed"] >= 0,
        state["listed"] <= state["last"],
        state["last"] <= state["resume"],
        state["resume"] <= seen(state),
        seen(state) <= state["revision"],
        state["compacted"] <= state["revision"],
        state["mark"] >= 1,
    )


def told_exactly_once(state: State) -> bool:
    """A change after the last list is told once when its turn has come, and not before."""
    if every(state["listed"] < state["mark"], state["mark"] <= seen(state)):
        return every(state["told"] == 1, state["mark"] <= state["last"])
    return state["told"] == 0


def told_in_order(before: State, after: State) -> bool:
    """What is told moves forward, but at a relist, which is announced."""
    return after["last"] >= before["last"] or after["relists"] > before["relists"]


def told_when_new(before: State, after: State) -> bool:
    """A change is told only after everything older."""
    return after["told"] <= before["told"] or before["last"] < before["mark"] == after["last"]


def relists_only_if_needed(before: State, after: State) -> bool:
    """A watch gives up only if some change after its resume revision may be compacted."""
    gives_up = before["status"] == DISCONNECTED and after["status"] == LISTING
    return not gives_up or before["compacted"] - before["resume"] >= 2


def started(state: State) -> bool:
    """A process has started: nothing is seen, the first list is due."""
    zero = ("resume", "listed", "relists", "last", "told")
    return (
        state["status"] == LISTING
        and all(state[name] == 0 for name in zero)
        and 0 <= state["compacted"] <= state["revision"]
        and state["mark"] >= 1
    )


def check(protocol: Protocol = Protocol()) -> Proof:
    """Prove it for the reflector's own decisions, or judge a variant of them."""
    return inductive(
        NAME,
        STATE,
        {"revisions are in order": revisions_in_order, "told exactly once": told_exactly_once},
        started,
        (
            Operation("write", write),
            Operation("deliver", deliver, ("shown",)),
            Operation("bookmark", bookmark),
            Operation("disconnect", disconnect),
            Operation("compact", compact, ("at",)),
            Operation("list", listed, ("at",)),
            resume_by(protocol),
        ),
        transitions={
            "told in order": told_in_order,
            "told when new": told_when_new,
            "relists only if needed": relists_only_if_needed,
        },
    )


CLAIM = Claim(
    NAME,
    "between two relists every change is told once, in the store's order; a relist only if needed",
    "the cursor protocol of a watch with kspec_models.reflector.is_gone; any store and selector",
    check,
)
