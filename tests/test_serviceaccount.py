"""What the ServiceAccount controller promises: every active namespace has a default account."""

import pytest

from kspec_models.controllers.serviceaccount import ServiceAccountController
from kspec_models.host import Call, Notification, View
from kspec_models.objects import Namespace, ObjectMeta, ServiceAccount
from kspec_models.requests import (
    ALREADY_EXISTS,
    NAMESPACE_TERMINATING,
    NOT_FOUND,
    TIMEOUT,
    Create,
    Response,
)
from kspec_models.store import Entry, Snapshot

CONTROLLER = ServiceAccountController()
ACCOUNT = ServiceAccount(metadata=ObjectMeta(name="default", namespace="a"))


def namespace(phase="Active"):
    return Namespace.from_json({"metadata": {"name": "a"}, "status": {"phase": phase}})


def entry(obj, revision=1):
    return Entry(f"{obj.resource}/{obj.key}", obj, 1, revision, 1)


def view(*objects):
    caches = {"namespaces": Snapshot(), "serviceaccounts": Snapshot()}
    for obj in objects:
        caches[obj.resource] = caches[obj.resource].patched(entry(obj).key, entry(obj))
    return View(caches, 0)


def requests(*objects):
    return CONTROLLER.reconcile(None, "a", view(*objects)).requests


def test_an_active_namespace_gets_its_account():
    assert requests(namespace()) == (Create(ACCOUNT),)


def test_nothing_is_written_where_nothing_is_missing():
    assert requests(namespace(), ACCOUNT) == ()
    assert requests(namespace("Terminating")) == ()
    assert requests() == ()


@pytest.mark.parametrize(
    ("reason", "failed"),
    [
        ("", False),
        (ALREADY_EXISTS, False),
        (NAMESPACE_TERMINATING, False),
        (NOT_FOUND, True),
        (TIMEOUT, True),
    ],
)
def test_only_a_refusal_that_may_pass_is_retried(reason, failed):
    answer = CONTROLLER.answer(None, Call("a", ()), Create(ACCOUNT), Response(reason), view())
    assert answer.failed is failed


@pytest.mark.parametrize(
    ("obj", "is_old", "is_new", "keys"),
    [
        (namespace(), False, True, ("a",)),
        (namespace(), True, True, ("a",)),
        (namespace(), True, False, ()),
        (ACCOUNT, True, False, ("a",)),
        (ACCOUNT, False, True, ()),
        (ACCOUNT, True, True, ()),
    ],
)
def test_namespaces_that_come_and_accounts_that_go_are_looked_at(obj, is_old, is_new, keys):
    old, new = (entry(obj) if is_old else None, entry(obj, 2) if is_new else None)
    event = Notification(obj.resource, old, new)
    assert CONTROLLER.handle(CONTROLLER.initial(), event, view()) == (None, keys)
