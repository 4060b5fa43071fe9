"""The JSON gateway of etcd v3, as far as the store model goes: keys and values are texts."""

import base64
import json
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import attrs
import httpx

TIMEOUT_SECONDS = 10.0
ERROR_KINDS = {
    "etcdserver: mvcc: required revision has been compacted": "compacted",
    "etcdserver: mvcc: required revision is a future revision": "future revision",
    "mvcc: watcher range is empty": "empty range",
}


@attrs.frozen
class KeyValue:
    """A key at one revision with etcd's three counters."""

    key: str
    value: str
    create_revision: int
    mod_revision: int
    version: int


@attrs.frozen
class Event:
    """A watch event; a DELETE has no value of its own."""

    type: str
    key: str
    revision: int
    entry: KeyValue | None
    previous: KeyValue | None


@attrs.frozen
class Answer:
    """What a request was answered: the error kind, or the header's revision and the entries.

    `found` holds a range's entries, or the entry that a write replaced, or the entry that a
    failed compare-and-swap met; `written` is None where a request writes nothing by its nature.
    """

    revision: int = 0
    found: tuple[KeyValue, ...] = ()
    written: bool | None = None
    error: str | None = None


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()


def _key_value(raw: dict[str, Any]) -> KeyValue:
    return KeyValue(
        _decoded(raw["key"]),
        _decoded(raw.get("value", "")),
        int(raw.get("create_revision", 0)),
        int(raw["mod_revision"]),
        int(raw.get("version", 0)),
    )


def _event(raw: dict[str, Any]) -> Event:
    kind, entry = raw.get("type", "PUT"), _key_value(raw["kv"])
    previous = _key_value(raw["prev_kv"]) if "prev_kv" in raw else None
    return Event(kind, entry.key, entry.mod_revision, entry if kind == "PUT" else None, previous)


def _range_of(start: str, end: str | None) -> dict[str, Any]:
    bounds = {"key": _encoded(start)}
    return bounds if end is None else {**bounds, "range_end": _encoded(end)}


class Watch:
    """One watch with its own stream; events arrive with the entry they replaced."""

    def __init__(self, http: httpx.Client, start: str, end: str | None, revision: int) -> None:
        request = {**_range_of(start, end), "start_revision": revision, "prev_kv": True}
        self._stream = http.stream("POST", "/v3/watch", json={"create_request": request})
        self._lines = self._stream.__enter__().iter_lines()
        created = self._next()
        assert created["created"], created
        self.revision = int(created["header"]["revision"])
        self.error = self._error_of(created)
        self.compacted = 0

    def _next(self) -> dict[str, Any]:
        for line in self._lines:
            if line:
                answer = json.loads(line)
                return answer["result"]
        raise AssertionError("etcd closed the watch stream")

    @staticmethod
    def _error_of(message: dict[str, Any]) -> str | None:
        if not message.get("canceled"):
            return None
        if "compact_revision" in message:
            return "compacted"
        return ERROR_KINDS[message["cancel_reason"]]

    def events_until(self, revision: int) -> Iterator[Event]:
        """The events up to the first one at or after `revision`, or up to the cancellation.

        Raises httpx.ReadTimeout where the server sends neither in time.
        """
        while self.error is None:
            message = self._next()
            self.error = self._error_of(message)
            self.compacted = int(message.get("compact_revision", 0))
            last = 0
            for raw in message.get("events", ()):
                event = _event(raw)
                last = event.revision
                yield event
            if last >= revision:
                return

    def close(self) -> None:
        self._stream.__exit__(None, None, None)


class EtcdClient:
    """Requests to one server."""

    def __init__(self, url: str) -> None:
        # One connection per open watch: no limit on them.
        limits = httpx.Limits(max_connections=None)
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS, limits=limits)

    def __enter__(self) -> "EtcdClient":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def _call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._http.post(path, json=body).json()
        if "error" in answer:
            return {"kind": ERROR_KINDS[answer["error"]]}
        answer["revision"] = int(answer["header"]["revision"])
        return answer

    def version(self) -> tuple[int, ...]:
        """The server's version, e.g. (3, 4, 23)."""
        text: str = self._http.get("/version").json()["etcdserver"]
        return tuple(int(part) for part in text.partition("-")[0].split("."))

    def range(self, start: str, end: str | None, revision: int) -> Answer:
        answer = self._call("/v3/kv/range", {**_range_of(start, end), "revision": revision})
        if "kind" in answer:
            return Answer(error=answer["kind"])
        return Answer(answer["revision"], tuple(map(_key_value, answer.get("kvs", ()))))

    def put(self, key: str, value: str) -> Answer:
        answer = self._call("/v3/kv/put", _put(key, value))
        return Answer(answer["revision"], _previous(answer), True)

    def delete(self, start: str, end: str | None = None) -> Answer:
        answer = self._call("/v3/kv/deleterange", {**_range_of(start, end), "prev_kv": True})
        return Answer(answer["revision"], _previous(answer), "deleted" in answer)

    def compare_and_put(self, key: str, expected: int, value: str) -> Answer:
        """Put if the key's modification revision is `expected`."""
        return self._compare(key, expected, {"request_put": _put(key, value)})

    def compare_and_delete(self, key: str, expected: int) -> Answer:
        """Delete if the key's modification revision is `expected`."""
        request = {**_range_of(key, None), "prev_kv": True}
        return self._compare(key, expected, {"request_delete_range": request})

    def _compare(self, key: str, expected: int, request: dict[str, Any]) -> Answer:
        condition = {
            **_range_of(key, None),
            **{"target": "MOD", "result": "EQUAL", "mod_revision": expected},
        }
        otherwise = {"request_range": _range_of(key, None)}
        body = {"compare": [condition], "success": [request], "failure": [otherwise]}
        answer = self._call("/v3/kv/txn", body)
        (only,) = answer["responses"]
        ((kind, response),) = only.items()
        written = kind == "response_put" or "deleted" in response
        return Answer(answer["revision"], _previous(response), written)

    def compact(self, revision: int) -> Answer:
        """Compact and wait until the server has removed what the compaction forgets."""
        answer = self._call("/v3/kv/compaction", {"revision": revision, "physical": True})
        return Answer(error=answer.get("kind"), revision=answer.get("revision", 0))

    def watch(self, start: str, end: str | None, revision: int) -> Watch:
        return Watch(self._http, start, end, revision)


def _put(key: str, value: str) -> dict[str, Any]:
    return {"key": _encoded(key), "value": _encoded(value), "prev_kv": True}


def _previous(answer: dict[str, Any]) -> tuple[KeyValue, ...]:
    one = [answer["prev_kv"]] if "prev_kv" in answer else []
    return tuple(map(_key_value, [*one, *answer.get("prev_kvs", ()), *answer.get("kvs", ())]))
