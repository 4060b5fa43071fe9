"""Processes that are paused or cut off, and leaders that lose their lease: faults that last.

A paused process takes no step and receives nothing, and its requests stay where they are; time goes
on as if it had nothing to do. One that is cut off works on with what it has: its watches break, and
every request that it sends times out. Both end by themselves at any moment, and when faults heal.
A failover is a lease that ran out because no renewal got through for as long: its holder has given
up by then, and exits.

Left out: a request that was sent before a pause and arrives during it (it may as well have arrived
before), and one that arrives though its sender is cut off (`lost-answer` shows what it does).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kspec.errors import NotEnabled
from kspec_models import actions, processes
from kspec_models.layout import InformerSlot, Layout, ProcessSlots
from kspec_models.objects import Time
from kspec_models.reflector import WATCHING
from kspec_models.requests import Update
from kspec_models.state import BIT, State
from kspec_models.steps import Steps


class Outages:
    """Their effects and guards. struck: the processes that may be, all but API servers."""

    def __init__(self, layout: Layout, steps: Steps, struck: list[ProcessSlots]) -> None:
        self.layout, self.steps, self.struck = layout, steps, struck
        self.servers = [process for process in layout.processes if process.is_server]

    # enabledness

    def ends(self, t: State) -> Iterator[Any]:
        """The ends of what lasts, which are always possible."""
        for name in t.environment.paused:
            yield actions.Resume(name)
        for name in t.environment.cut:
            yield actions.Rejoin(name)

    def pauses(self, t: State) -> Iterator[Any]:
        """Of any process; an API server's informers that stand still show an old view for long."""
        for process in (*self.struck, *self.servers):
            if t.slots[process.up] and process.name not in t.environment.paused:
                yield actions.Pause(process.name)

    def partitions(self, t: State) -> Iterator[Any]:
        for process in self.struck:
            if process.name not in t.environment.cut:
                yield actions.Partition(process.name)

    def failovers(self, t: State) -> Iterator[Any]:
        for process in self.struck:
            if self._may_fail_over(t, process):
                yield actions.FailOver(process.name)

    def _may_fail_over(self, t: State, process: ProcessSlots) -> bool:
        apart = (*t.environment.paused, *t.environment.cut)
        return process.elector >= 0 and process.name not in apart and processes.leads(t, process)

    # effects

    def pause(self, t: State, action: actions.Pause) -> None:
        process = self._named(action)
        if action not in tuple(self.pauses(t)):
            raise NotEnabled(actions.encode(action))
        self._put(t, paused=(*t.environment.paused, process.name))
        self._touch(t, process)
        processes.stamp_leases(self.steps, t, process)

    def resume(self, t: State, action: actions.Resume) -> None:
        if action.actor not in t.environment.paused:
            raise NotEnabled(actions.encode(action))
        self.end_pause(t, self._named(action))

    def end_pause(self, t: State, process: ProcessSlots) -> None:
        """The process goes on, or is not there any more to be paused."""
        if process.name in t.environment.paused:
            rest = tuple(name for name in t.environment.paused if name != process.name)
            self._put(t, paused=rest)
            self._touch(t, process)

    def partition(self, t: State, action: actions.Partition) -> None:
        process = self._named(action)
        if action not in tuple(self.partitions(t)):
            raise NotEnabled(actions.encode(action))
        self._put(t, cut=(*t.environment.cut, process.name))
        for slot in process.informers.values():
            place = self.layout.slots[slot]
            assert isinstance(place, InformerSlot)
            if t.slots[slot].status is WATCHING:
                broken = self.steps.reflector.disconnected(t.slots[slot])
                self.steps.put_informer(t, slot, place, broken)
        self._touch(t, process)
        processes.stamp_leases(self.steps, t, process)

    def rejoin(self, t: State, action: actions.Rejoin) -> None:
        if action.actor not in t.environment.cut:
            raise NotEnabled(actions.encode(action))
        rest = tuple(name for name in t.environment.cut if name != action.actor)
        self._put(t, cut=rest)
        self._touch(t, self._named(action))

    def heal(self, t: State) -> None:
        """Everything that lasts ends at once."""
        for end in tuple(self.ends(t)):
            (self.resume if isinstance(end, actions.Resume) else self.rejoin)(t, end)

    def fail_over(self, t: State, action: actions.FailOver) -> None:
        process = self._named(action)
        if not self._may_fail_over(t, process):
            raise NotEnabled(actions.encode(action))
        for entry in t.api.store.bucket("leases").entries():
            if processes.is_held_by(entry, process) and not process.node:
                spec = entry.value.spec.replace(holder_identity="", renew_time=Time(t.clock))
                self.steps.apply(t, process.name, Update(entry.value.replace(spec=spec)))
        processes.stop(self.steps, t, process)

    def _named(self, action: Any) -> ProcessSlots:
        slot = self.layout.by_process.get(action.actor, -1)
        process = self.layout.slots[slot]
        if slot < 0 or not isinstance(process, ProcessSlots):
            raise NotEnabled(f"{action.actor} is no process")
        return process

    def _put(self, t: State, **changes: Any) -> None:
        t.put_outside(t.clock, t.environment._replace(**changes))
        t.changed |= BIT["environment"]

    def _touch(self, t: State, process: ProcessSlots) -> None:
        """What the process may do must be found again."""
        self.steps.note_idle(t, process.index)
        for slot in (process.up, *process.informers.values(), *process.hosts.values()):
            t.touched[slot] = None
