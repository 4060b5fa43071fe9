"""An API server with its state, for the tests that call it verb by verb."""

from __future__ import annotations

from typing import Any

from kspec_models import requests as api
from kspec_models.apiserver.server import Api, ApiServer
from kspec_models.indexes import INDEXERS
from kspec_models.manifests import Document, read_object
from kspec_models.objects import freeze
from kspec_models.store import Store


class Server:
    """Calls verbs one after the other. `now` is what the clock says."""

    def __init__(self) -> None:
        self.server = ApiServer()
        self.state = Api(Store(INDEXERS))
        self.now = 0
        self.changes: tuple[Any, ...] = ()
        self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        self.create(account)

    def ask(self, request: Any) -> api.Response:
        reply = self.server.apply(self.state, request, self.now)
        self.state, self.changes = reply.api, reply.changes
        return reply.response

    def create(self, data: dict[str, Any]) -> api.Response:
        return self.ask(api.Create(read_object(Document("test", data))))

    def get(self, key: str) -> Any:
        entry = self.state.store.get(key)
        return entry.value if entry is not None else None

    def revision(self, key: str) -> int:
        return self.state.store.get(key).resource_version

    def patch(self, key: str, patch: Any, **options: Any) -> api.Response:
        resource, _, rest = key.partition("/")
        return self.ask(api.Patch(resource, rest, freeze(patch), **options))

    def delete(self, key: str, **options: Any) -> api.Response:
        resource, _, rest = key.partition("/")
        return self.ask(api.Delete(resource, rest, **options))

    def run(self, name: str, node: str = "n1") -> None:
        """Bind a pod, as a scheduler would."""
        assert self.ask(api.Bind(f"default/{name}", "", node)).ok
