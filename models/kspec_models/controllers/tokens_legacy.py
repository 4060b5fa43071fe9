"""Tokens controller as it was before 1.24: it makes a Secret for every account that has none.

After pkg/controller/serviceaccount/tokens_controller.go at 1.23 (ensureReferencedToken), where the
gate LegacyServiceAccountTokenNoAutoGeneration is off. A world turns it on by the component
`serviceaccount-token-controller: {autoGenerate: true}`. What it creates it puts into its own store
at once, as upstream's mutation cache does, so that the update of the account, which its informer
may tell before it tells of the Secret, makes no second one.
"""

from __future__ import annotations

from typing import Final

from kspec_models.account_tokens import ACCOUNT_NAME, ACCOUNT_UID, TOKEN_TYPE, filled, is_token_of
from kspec_models.controllers.tokens import (
    ACCOUNTS,
    DELETE,
    SECRETS,
    Remembered,
    Step,
    TokensController,
)
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, View
from kspec_models.objects import FrozenMap, ObjectMeta, ObjectReference, Secret, ServiceAccount
from kspec_models.requests import (
    CONFLICT,
    NOT_FOUND,
    Create,
    Delete,
    Get,
    Request,
    Response,
    Update,
)
from kspec_models.store import Entry

REMEMBERED_SECONDS: Final = 60
READ, CREATE, REFER, READ_AGAIN = "read account", "create secret", "refer to secret", "read again"


class _Made(Step):
    """A step of making a token; its entry is the account, then the Secret that was created."""


def token_prefix(account: ServiceAccount) -> str:
    """The names of the Secrets that are made for an account begin with this."""
    return f"{account.name}-token-"


class LegacyTokensController(TokensController):
    """See the module."""

    def existing(self, memory: Remembered, account: Entry, view: View) -> Worked:
        """ensureReferencedToken: an account that lists no token that is known gets one."""
        if self._has_token(memory, account.value, view):
            return Worked(memory)
        step = _Made(READ, entry=account)
        return Worked(memory, (Get(ACCOUNTS, account.value.key),), step)

    def _has_token(self, memory: Remembered, account: ServiceAccount, view: View) -> bool:
        secrets = (entry.value for entry in view.caches[SECRETS].entries())
        known = {secret.name for secret in secrets if is_token_of(secret, account)}
        return any(
            ref.name in known or memory.get(f"{account.namespace}/{ref.name}", 0) > view.now
            for ref in account.secrets
        )

    def answer(
        self, memory: Remembered, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """Read the account, create the Secret, list it in the account."""
        step = call.phase
        if not isinstance(step, _Made):
            return super().answer(memory, call, request, response, view)
        assert step.entry is not None
        if step.name == READ:
            return self._read(memory, step.entry, response)
        if step.name == CREATE:
            return self._created(memory, step.entry, response, view.now)
        if step.name == REFER and response.ok:
            return Worked(memory)
        return self._not_referred(memory, step, request, response, view)

    def _read(self, memory: Remembered, known: Entry, response: Response) -> Worked:
        """The account read live: another version than the cache's will be told by an event."""
        live = response.entry
        if live is None:
            return Worked(memory, failed=response.reason != NOT_FOUND)
        if live != known:
            return Worked(memory)
        account: ServiceAccount = live.value
        notes = FrozenMap({ACCOUNT_NAME: account.name, ACCOUNT_UID: account.uid})
        meta = ObjectMeta(
            generate_name=token_prefix(account), namespace=account.namespace, annotations=notes
        )
        secret = filled(Secret(metadata=meta, type=TOKEN_TYPE), account)
        return Worked(memory, (Create(secret),), _Made(CREATE, entry=live))

    def _created(self, memory: Remembered, account: Entry, response: Response, now: int) -> Worked:
        made = response.entry
        if made is None:
            return Worked(memory, failed=True)
        return self._refer(self.remembering(memory, made, now), account, made)

    def remembering(self, memory: Remembered, made: Entry, now: int) -> Remembered:
        """Write-through: the Secret is known from now on, whatever the cache shows."""
        return memory.set(made.value.key, now + REMEMBERED_SECONDS)

    def _refer(self, memory: Remembered, account: Entry, made: Entry) -> Worked:
        secrets = (*account.value.secrets, ObjectReference(name=made.value.name))
        update = Update(account.value.replace(secrets=secrets), account.resource_version)
        return Worked(memory, (update,), _Made(REFER, uid=account.value.uid, entry=made))

    def _not_referred(
        self, memory: Remembered, step: _Made, request: Request, response: Response, view: View
    ) -> Worked:
        """A conflict is tried again on the account as it is now; else the Secret is deleted."""
        made = step.entry
        assert made is not None
        if step.name == REFER and response.reason == CONFLICT:
            account = request.object.key  # type: ignore[union-attr]
            return Worked(memory, (Get(ACCOUNTS, account),), step._replace(name=READ_AGAIN))
        live = response.entry
        is_same = live is not None and step.name == READ_AGAIN and live.value.uid == step.uid
        if live is not None and is_same and not self._has_token(memory, live.value, view):
            return self._refer(memory, live, made)
        failed = response.reason not in ("", NOT_FOUND)
        delete = Delete(SECRETS, made.value.key, uid=made.value.uid)
        return Worked(memory, (delete,), Step(DELETE), failed=failed)
