"""When the controllers of quotas and tokens run, and with what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kspec.errors import InputError
from kspec_models.controllers.resourcequota import ResourceQuotaController
from kspec_models.controllers.tokens import TokensController
from kspec_models.controllers.tokens_legacy import LegacyTokensController
from kspec_models.needs import Needs, Wiring
from kspec_models.quota_usage import counted_resource

TOKENS: Final = "serviceaccount-token-controller"
AUTO_GENERATE: Final = "autoGenerate"


def tracked(needs: Needs) -> tuple[str, ...]:
    """The resources that a quota of the world could track, those of its operations included."""
    world = needs.world
    named = {counted_resource(name) for name in _hard_names((world.objects, world.operations))}
    return tuple(resource for resource in needs.namespaced if resource in named)


def _hard_names(data: Any) -> Iterator[str]:
    """Whatever is listed under a field `hard`, at any depth: only quotas have one."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            if key == "hard" and isinstance(value, Mapping):
                yield from value
            else:
                yield from _hard_names(value)
    elif isinstance(data, list | tuple):
        for item in data:
            yield from _hard_names(item)


def _tokens(needs: Needs) -> TokensController:
    """The tokens controller, with what it did before 1.24 where the world asks for that."""
    options = needs.options(TOKENS)
    is_legacy = options.pop(AUTO_GENERATE, False)
    if options or not isinstance(is_legacy, bool):
        problem = f"components: {TOKENS}: {needs.options(TOKENS)}"
        raise InputError(problem, expected=f"{AUTO_GENERATE}: true or false")
    return LegacyTokensController() if is_legacy else TokensController()


def _needs_tokens(needs: Needs) -> bool:
    return needs.any_of("secrets") or TOKENS in needs.world.components


def _quota(needs: Needs) -> ResourceQuotaController:
    return ResourceQuotaController(tracked(needs))


QUOTA_WIRINGS: Final[tuple[Wiring, ...]] = (
    Wiring("resourcequota-controller", lambda needs: needs.any_of("resourcequotas"), _quota),
    Wiring(TOKENS, _needs_tokens, _tokens),
)
