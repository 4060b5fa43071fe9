"""The model of the store and a real etcd give the same answers, revisions, errors and events."""

from collections import Counter
from collections.abc import Iterator

import attrs
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings

from kspec_models.store import Store

from .client import Answer, EtcdClient
from .client import Watch as ServerWatch
from .known_defects import KNOWN_DEFECTS, LOST_TOMBSTONE, WatchDifference, excuse
from .operations import (
    Compact,
    Delete,
    Operation,
    Put,
    Range,
    RevisionChoice,
    Watch,
    caught,
    event_of,
    histories,
)
from .server import etcd_binary, running_etcd

pytestmark = pytest.mark.skipif(
    etcd_binary() is None, reason="no etcd on PATH: install the package etcd-server"
)

OPERATIONS = 5_000
"""The least number of operations that the comparison must perform."""

OUTCOMES = {
    *(f"{kind}: written" for kind in ("Put", "Delete", "CompareAndPut", "CompareAndDelete")),
    *(f"{kind}: refused" for kind in ("Delete", "CompareAndPut", "CompareAndDelete")),
    *(f"{kind}: compacted" for kind in ("Range", "Compact", "Watch")),
    *(f"{kind}: future revision" for kind in ("Range", "Compact")),
    *("Range: read", "Compact: read", "Watch: events", "Watch: empty range"),
}
"""What the histories must reach, lest they agree because they try nothing."""

WHOLE_STORE = "\0"
ASIDE = "~aside"
"""A key outside all ranges that are drawn."""


@attrs.define
class OpenWatch:
    """A watch on the server, and what the model says of it."""

    watch: Watch
    start: int
    server: ServerWatch
    compacted: int  # the compaction revision when the watch began
    error: str | None
    next_revision: int  # of the events not yet compared


class Comparison:
    """One history on the model and on the server, beginning with an empty store."""

    def __init__(self, client: EtcdClient, version: tuple[int, ...]) -> None:
        self.client, self.version = client, version
        client.delete(WHOLE_STORE, WHOLE_STORE)
        base = client.put(ASIDE, "").revision
        assert client.compact(base) == Answer(base)
        self.store = Store(revision=base, compacted=base)
        self.open: list[OpenWatch] = []
        self.seen: Counter[str] = Counter()
        self.excused: list[str] = []

    def perform(self, operation: Operation) -> None:
        """Perform one operation on both and compare the answers."""
        if isinstance(operation, Watch):
            return self._begin(operation)
        if isinstance(operation, Compact):
            self.catch_up()  # a watch that lags behind a compaction may or may not be cancelled
        return self._answer_alike(operation)

    def _answer_alike(self, operation: Operation) -> None:
        self.store, promised, answered = operation.perform(self.store, self.client)
        outcome = (
            promised.error or {True: "written", False: "refused", None: "read"}[promised.written]
        )
        self.seen[f"{type(operation).__name__}: {outcome}"] += 1
        assert answered == promised, f"{operation}: etcd answers {answered}, the model {promised}"

    def _begin(self, watch: Watch) -> None:
        (start, end), revision = watch.bounds, watch.revision.of(self.store)
        server = self.client.watch(start, end, revision)
        _, error = caught(self.store.watch, start, end, revision)
        self.open.append(
            OpenWatch(
                watch=watch,
                start=revision,
                server=server,
                compacted=self.store.compacted,
                error=error,
                next_revision=revision or self.store.revision + 1,
            )
        )
        assert server.revision == self.store.revision

    def catch_up(self) -> None:
        """Write until each open watch must tell something, and compare what all of them tell."""
        waiting = [one for one in self.open if one.error is None]
        needed = max((one.start for one in waiting), default=0)
        last = 0
        while waiting and last <= needed:
            last = self.store.revision + 1
            for key in sorted({one.watch.bounds[0] for one in waiting}):
                self._answer_alike(Put(key, "told"))
        for one in self.open:
            if one.error is None:
                self._compare_events(one)
            else:
                self._compare_refusal(one)
        self.open = waiting

    def _compare_refusal(self, one: OpenWatch) -> None:
        assert list(one.server.events_until(0)) == []
        assert one.server.error == one.error, f"{one.watch}: etcd answers {one.server.error}"
        assert one.error != "compacted" or one.server.compacted == one.compacted
        self.seen[f"Watch: {one.error}"] += 1
        one.server.close()

    def _compare_events(self, one: OpenWatch) -> None:
        start, end = one.watch.bounds
        changes = self.store.watch(start, end, one.next_revision)
        promised = tuple(map(event_of, changes))
        sent = tuple(one.server.events_until(promised[-1].revision))
        assert one.server.error is None, f"{one.watch}: etcd answers {one.server.error}"
        one.next_revision = self.store.revision + 1
        self.seen["Watch: events"] += len(sent)
        if sent == promised:
            return
        difference = WatchDifference(one.start, one.compacted, promised, sent)
        defect = excuse(self.version, difference)
        assert defect is not None, f"{one.watch}: etcd and the model differ: {difference}"
        self.excused.append(defect.issue)

    def close(self) -> None:
        for one in self.open:
            one.server.close()


@pytest.fixture(scope="module")
def client() -> Iterator[EtcdClient]:
    """A client of a server of this module."""
    with running_etcd() as url, EtcdClient(url) as one:
        yield one


def test_the_model_and_etcd_agree_on_every_history(client):
    """At least OPERATIONS drawn operations, in histories that are the same in every run."""
    version, seen = client.version(), Counter()

    @settings(
        max_examples=100,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(history=histories)
    def agree(history):
        comparison = Comparison(client, version)
        try:
            for operation in history:
                if operation is not None:
                    note(repr(operation))
                    seen["operations"] += 1
                    comparison.perform(operation)
            comparison.catch_up()
            seen.update(comparison.seen)
        finally:
            comparison.close()

    agree()
    assert seen["operations"] >= OPERATIONS, seen
    assert seen.keys() >= OUTCOMES, f"never seen: {OUTCOMES - seen.keys()}"


def test_a_fresh_server_is_a_fresh_store():
    """etcd starts at revision 1 and not compacted: even a compaction at 0 is a first one."""
    with running_etcd() as url, EtcdClient(url) as client:
        store = Store()
        assert client.range("pods/a", None, 0) == Answer(store.revision)
        assert client.range("pods/a", None, 2) == Answer(error="future revision")
        for revision in (2, 0, 0, 1, 1):
            after, error = caught(store.compact, revision)
            answer = Answer(error=error) if error else Answer(store.revision)
            assert client.compact(revision) == answer
            store = after or store


@pytest.mark.parametrize("defect", KNOWN_DEFECTS, ids=lambda defect: defect.issue)
def test_a_known_defect_is_still_there(client, defect):
    """Each excuse is needed by the versions it names, and by no other."""
    version = client.version()
    comparison = Comparison(client, version)
    for operation in REPRODUCTIONS[defect]:
        comparison.perform(operation)
    comparison.catch_up()
    comparison.close()
    assert comparison.excused == ([defect.issue] if defect.affects(version) else [])


REPRODUCTIONS = {
    LOST_TOMBSTONE: (
        Put("pods/a", "1"),
        Delete("pods/a"),
        Compact(RevisionChoice("newest")),
        Watch(("pods/a", None), RevisionChoice("newest")),
        Range(("pods/a", None), RevisionChoice("compacted")),
    )
}
