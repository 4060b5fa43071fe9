"""Tokens controller: fill in the Secrets that ask for a ServiceAccount's token, and clean up.

After pkg/controller/serviceaccount/tokens_controller.go at 1.36. It creates no Secret by itself any
more: one of type kubernetes.io/service-account-token that names an account gets its token; one
whose account is gone is deleted; and a Secret that is gone is taken out of its account's list.
`tokens_legacy` has what it did before 1.24.

Keys are "account NAMESPACE/NAME UID" and "secret NAMESPACE/NAME UID ACCOUNT ACCOUNT-UID", as
upstream's two queues hold them; one worker stands for both. Left out: the root certificate and the
signature of a token, which only stand for themselves here.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from kspec.values import EMPTY_MAP, FingerprintedMap
from kspec_models.account_tokens import account_of, filled, is_filled, is_token, is_token_of
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import ObjectMeta, ServiceAccount
from kspec_models.requests import (
    CONFLICT,
    NOT_FOUND,
    Delete,
    Get,
    Request,
    Response,
    Update,
)
from kspec_models.store import Entry

ACCOUNTS: Final = "serviceaccounts"
SECRETS: Final = "secrets"
FETCH, COMPARE, FILL = "fetch account", "compare secret", "fill secret"
READ_LIST, WRITE_LIST, DELETE = "read account", "write account", "delete"

Remembered = FingerprintedMap[str, int]
"""Secrets that this controller made and its cache may not show yet, and how long to believe it."""


class Step(NamedTuple):
    """Which answer a pass waits for, and what it is about."""

    name: str
    secret: str = ""
    uid: str = ""
    entry: Entry | None = None


class TokensController:
    """See the module."""

    name = "tokens"
    watches = (Watch(ACCOUNTS), Watch(SECRETS))

    def initial(self) -> Remembered:
        return EMPTY_MAP

    def concerns(self, event: Notification) -> bool:
        """Of Secrets only those for tokens: the informer selects them by their type."""
        if event.resource == ACCOUNTS:
            return True
        return any(entry and is_token(entry.value) for entry in (event.old, event.new))

    def handle(
        self, memory: Remembered, event: Notification, view: View
    ) -> tuple[Remembered, tuple[str, ...]]:
        """Enqueue the account or the Secret, with the uids that it had."""
        entry = event.new if event.new is not None else event.old
        if entry is None or not self.concerns(event):
            return memory, ()
        obj = entry.value
        if event.resource == ACCOUNTS:
            return memory, (f"account {obj.key} {obj.uid}",)
        name, uid = account_of(obj)
        key = f"secret {obj.key} {obj.uid} {name} {uid}" if name else ""
        return memory.without(obj.key), (key,) if key else ()

    def reconcile(self, memory: Remembered, key: str, view: View) -> Worked:
        """One account, or one Secret."""
        kind, name, uid, *account = key.split(" ")
        if kind == "secret":
            return self._secret(memory, name, uid, (account[0], account[1]), view)
        entry = _cached(view, ACCOUNTS, name, uid)
        if entry is None:
            return self._orphaned(memory, name, uid, view)
        return self.existing(memory, entry, view)

    def existing(self, memory: Remembered, account: Entry, view: View) -> Worked:
        """An account that is there needs nothing."""
        return Worked(memory)

    def _orphaned(self, memory: Remembered, key: str, uid: str, view: View) -> Worked:
        """The account is gone: its tokens go too."""
        namespace, _, name = key.partition("/")
        gone = ServiceAccount(metadata=ObjectMeta(name=name, namespace=namespace, uid=uid))
        secrets = (entry.value for entry in view.caches[SECRETS].entries())
        deletions = tuple(
            Delete(SECRETS, s.key, uid=s.uid) for s in secrets if is_token_of(s, gone)
        )
        return Worked(memory, deletions, Step(DELETE))

    def _secret(
        self, memory: Remembered, key: str, uid: str, account: tuple[str, str], view: View
    ) -> Worked:
        """A Secret that is gone leaves its account's list; another one is filled, or goes."""
        name = f"{key.partition('/')[0]}/{account[0]}"
        entry = _cached(view, SECRETS, key, uid)
        owner = _cached(view, ACCOUNTS, name, account[1])
        if entry is None:
            if owner is None:
                return Worked(memory)
            step = Step(READ_LIST, key.partition("/")[2], account[1])
            return Worked(memory, (Get(ACCOUNTS, name),), step)
        if owner is None:
            step = Step(FETCH, key, account[1], entry)
            return Worked(memory, (Get(ACCOUNTS, name),), step)
        return self._fill(memory, entry, owner)

    def _fill(self, memory: Remembered, entry: Entry, account: Entry) -> Worked:
        """generateTokenIfNeeded: only the Secret as it is stored now is filled."""
        if is_filled(entry.value):
            return Worked(memory)
        step = Step(COMPARE, entry.value.key, account.value.uid, account)
        return Worked(memory, (Get(SECRETS, entry.value.key),), step)

    def answer(
        self, memory: Remembered, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """Take the step that follows the one that was answered."""
        step: Step = call.phase
        if step.name == DELETE:
            failed = response.reason not in ("", NOT_FOUND, CONFLICT)
            return Worked(memory, call.requests, step, failed=failed)
        if step.name == FETCH:
            return self._fetched(memory, step, response)
        if step.name == COMPARE:
            return self._compared(memory, step, response, view)
        if step.name == FILL:
            return Worked(memory, failed=response.reason not in ("", NOT_FOUND, CONFLICT))
        return self._listed(memory, step, request, response)

    def _fetched(self, memory: Remembered, step: Step, response: Response) -> Worked:
        """The account that the cache lacks, read live: without it the Secret goes."""
        assert step.entry is not None
        found = response.entry
        if response.reason not in ("", NOT_FOUND):
            return Worked(memory, failed=True)
        if found is None or step.uid not in ("", found.value.uid):
            secret = step.entry.value
            return Worked(memory, (Delete(SECRETS, secret.key, uid=secret.uid),), Step(DELETE))
        return self._fill(memory, step.entry, found)

    def _compared(self, memory: Remembered, step: Step, response: Response, view: View) -> Worked:
        """The Secret read live: another version than the cache's will be told by an event."""
        assert step.entry is not None
        if response.reason == NOT_FOUND:
            return Worked(memory)
        live = response.entry
        if live is None:
            return Worked(memory, failed=True)
        known = view.caches[SECRETS].get(f"{SECRETS}/{step.secret}")
        if known is None or known != live or is_filled(live.value):
            return Worked(memory)
        update = Update(filled(live.value, step.entry.value), live.resource_version)
        return Worked(memory, (update,), Step(FILL))

    def _listed(
        self, memory: Remembered, step: Step, request: Request, response: Response
    ) -> Worked:
        """removeSecretReference: read, write, and again where the write conflicts; no other error
        is tried again."""
        if step.name == WRITE_LIST:
            if response.reason != CONFLICT:
                return Worked(memory)
            account = request.object.key  # type: ignore[union-attr]
            return Worked(memory, (Get(ACCOUNTS, account),), step._replace(name=READ_LIST))
        found = response.entry
        if found is None or step.uid not in ("", found.value.uid):
            return Worked(memory)
        kept = tuple(ref for ref in found.value.secrets if ref.name != step.secret)
        if kept == found.value.secrets:
            return Worked(memory)
        update = Update(found.value.replace(secrets=kept), found.resource_version)
        return Worked(memory, (update,), step._replace(name=WRITE_LIST))

    def relative(self, memory: Remembered, now: int) -> Remembered:
        """What is remembered, with its times as distances."""
        found: Remembered = EMPTY_MAP
        for key, until in memory.sorted_items():
            found = found.set(key, until - now)
        return found


def _cached(view: View, resource: str, key: str, uid: str) -> Any:
    """The entry of that object in the cache, if it has that uid; "" is any."""
    entry = view.caches[resource].get(f"{resource}/{key}")
    return entry if entry is not None and uid in ("", entry.value.uid) else None
