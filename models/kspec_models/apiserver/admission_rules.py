"""Mutating and validating admission as functions of the world: what webhooks and policies do.

A world declares them under its component `admission`, in the order in which they are asked:

    components:
      admission:
        rules:
        - name: linux-only
          resources: [pods]
          operations: [CREATE]
          match: {namespace: shop, labels: {app: web}}
          patch: {spec: {nodeSelector: {os: linux}}}
        - {name: no-secrets, resources: [secrets], deny: secrets come from the vault}
        - {name: mine, resources: [deployments], call: my_module:admit}

`patch` is a strategic merge patch and mutates; `deny` refuses, after all that mutates and after
the object's own validation; `call` names a pure function of the user, which is given the review as
JSON (operation, resource, namespace, name, object, oldObject) and returns None, {"patch": ...} or
{"deny": message}; with `validating: true` it is asked with those that deny.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import attrs

from kspec.errors import InputError
from kspec.values import Memo
from kspec_models import requests as api
from kspec_models.apiserver.merging import merged
from kspec_models.objects import EMPTY, ApiObject, FrozenMap, freeze
from kspec_models.requests import Response

CREATE: Final = "CREATE"
UPDATE: Final = "UPDATE"
DELETE: Final = "DELETE"
OPERATIONS: Final = (CREATE, UPDATE, DELETE)
EVERY: Final = "*"


class Attributes(NamedTuple):
    """What is asked of the API server: the object as it would be, None for a deletion, and before
    (None for a creation)."""

    operation: str
    object: Any
    old: Any = None

    @property
    def subject(self) -> ApiObject:
        """The object that it is about."""
        found: ApiObject = self.object if self.object is not None else self.old
        return found

    def review(self) -> dict[str, Any]:
        """The request in JSON, as a user's function gets it."""
        subject = self.subject
        return {
            "operation": self.operation,
            "resource": subject.resource,
            "namespace": subject.namespace,
            "name": subject.name or subject.metadata.generate_name,
            "object": None if self.object is None else self.object.to_json(),
            "oldObject": None if self.old is None else self.old.to_json(),
        }


def _nothing(review: Mapping[str, Any]) -> None:
    return None


@attrs.frozen(kw_only=True, eq=False)
class Rule:
    """One function of the world, see the module. Empty namespaces and labels match everything."""

    name: str
    resources: tuple[str, ...]
    operations: tuple[str, ...] = (CREATE,)
    namespaces: tuple[str, ...] = ()
    labels: Mapping[str, str] = EMPTY
    patch: FrozenMap[Any] | None = None
    deny: str = ""
    call: Callable[[dict[str, Any]], Any] = _nothing
    is_validating: bool = False

    def matches(self, attributes: Attributes) -> bool:
        """Whether it is asked about this request, whose resource and operation it names."""
        meta = attributes.subject.metadata
        if self.namespaces and meta.namespace not in self.namespaces:
            return False
        return all(meta.labels.get(key) == value for key, value in self.labels.items())

    def answer(self, attributes: Attributes) -> Any:
        """The object as this lets it in (None for a deletion), or the refusal."""
        if self.deny:
            return self._refusal(self.deny)
        patch = self.patch
        if patch is None:
            verdict = self._called(attributes)
            if "deny" in verdict:
                return self._refusal(str(verdict["deny"]))
            patch = freeze(verdict["patch"]) if "patch" in verdict else None
        if patch is None or attributes.object is None:
            return attributes.object
        found = merged(attributes.object, patch)
        return Response(api.INVALID, None, found) if isinstance(found, str) else found

    def _called(self, attributes: Attributes) -> Mapping[str, Any]:
        """What the user's function answers; raises InputError where it is none of the three."""
        where = f"admission rule {self.name}"
        try:
            verdict = self.call(attributes.review())
        except Exception as error:
            raise InputError(f"{type(error).__name__}: {error}", where=where) from None
        if verdict is None:
            return EMPTY
        is_one = isinstance(verdict, Mapping) and len(verdict) == 1
        if not is_one or not {"patch", "deny"}.issuperset(verdict):
            expected = '{"patch": ...}, {"deny": message} or None'
            raise InputError(f"it answers {verdict!r}", where=where, expected=expected)
        return dict(verdict)

    def _refusal(self, message: str) -> Response:
        text = f'admission webhook "{self.name}" denied the request: {message}'
        return Response(api.FORBIDDEN, None, text)


class Rules:
    """All rules of a world, found by what they are asked about. Answers are memoised: a rule is a
    pure function of the request."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.known, self.exist = rules, bool(rules)
        self._mutating = tuple(rule for rule in rules if not rule.is_validating)
        self._validating = tuple(rule for rule in rules if rule.is_validating)
        self._asked = Memo("admission rules", self._ask, limit=20_000)

    def of(self, operation: str, resource: str) -> bool:
        """Whether any rule is asked about this operation on this resource."""
        return any(_names(rule, operation, resource) for rule in self.known)

    def mutate(self, attributes: Attributes) -> Any:
        """The object as the mutating rules leave it, one after the other, or the refusal."""
        return self._asked((False, attributes))[0]

    def validate(self, attributes: Attributes) -> Response | None:
        """The refusal of the first rule that denies, or None.

        A deletion has no object to mutate, so all rules are asked whether they deny it.
        """
        found = self._asked((True, attributes))[0]
        return found if isinstance(found, Response) else None

    def _ask(self, case: tuple[bool, Attributes]) -> tuple[Any]:
        is_validating, attributes = case
        rules = self._validating if is_validating else self._mutating
        if attributes.operation == DELETE:
            rules = self.known
        resource = attributes.subject.resource
        for rule in rules:
            if _names(rule, attributes.operation, resource) and rule.matches(attributes):
                answer = rule.answer(attributes)
                if isinstance(answer, Response):
                    return (answer,)
                if not is_validating:
                    attributes = attributes._replace(object=answer)
        return (attributes.object,)


def _names(rule: Rule, operation: str, resource: str) -> bool:
    is_named = resource in rule.resources or EVERY in rule.resources
    return is_named and operation in rule.operations
