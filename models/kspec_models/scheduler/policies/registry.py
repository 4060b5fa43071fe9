"""The policies by name, and how a user's own is found.

`load_policy` takes
- a name of `POLICIES`;
- the name of an installed entry point of the group `kspec.policies`;
- MODULE:NAME, of a class, a function that makes a policy, an instance, or a list of plugins (see
  `plugin_lists`); a class with `score` and no `filter` gets the default filters and preemption; one
  that says `numeric = True` is a `NumericPolicy`: it sees plain numbers, and the default filters
  judge everything else;
- a file with a KubeSchedulerConfiguration, or with one extender as such a configuration has it;
- the address of an extender, http://... or https://..., that filters at .../filter and rates at
  .../prioritize; one with other verbs is given as a file.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import inspect
import sys
import traceback
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final, cast

from kspec.errors import InputError, KspecError
from kspec_models.scheduler.configuration import Configuration
from kspec_models.scheduler.framework import DEFAULT_SCHEDULER, Policy, PolicyFactory
from kspec_models.scheduler.policies import files
from kspec_models.scheduler.policies.plugin_lists import policy_of_plugins
from kspec_models.scheduler.policies.rated import Rated

GROUP: Final = "kspec.policies"
"""The entry points of installed policies: each names what MODULE:NAME may name."""


def _in_module(module: str, name: str) -> PolicyFactory:
    """A policy of this package, whose module is imported when it is made: some need arrays."""

    def make() -> Policy:
        found = importlib.import_module(f"kspec_models.scheduler.policies.{module}")
        policy: Policy = getattr(found, name)()
        return policy

    return make


POLICIES: dict[str, PolicyFactory] = {
    "default": _in_module("default", "default_policy"),
    "first-fit": _in_module("first_fit", "first_fit"),
    "best-fit": _in_module("best_fit", "best_fit"),
    "most-allocated": _in_module("most_allocated", "most_allocated"),
    "spread": _in_module("spread", "spread"),
    "random": _in_module("random", "random_choice"),
    "dot-product": _in_module("dot_product", "dot_product"),
    "gpu-packing": _in_module("gpu_packing", "gpu_packing"),
    "gpu-clustering": _in_module("gpu_clustering", "gpu_clustering"),
    "fgd": _in_module("fgd", "fgd"),
}


def as_policy(policy: Any, given_as: str = "") -> Policy:
    """A user's policy object as a `Policy`; raises InputError where it is none.

    given_as: what an error calls it; without it, by its class.
    """
    kind = f"policy {given_as or type(policy).__name__}"
    if not callable(getattr(policy, "score", None)):
        raise InputError(
            f"{kind} has no method score",
            expected="a class with a name and score, and filter where it has constraints",
        )
    if not isinstance(getattr(policy, "name", None), str):
        raise InputError(f"{kind} has no name", expected='name = "..." in the class')
    has_filter = callable(getattr(policy, "filter", None))
    if getattr(policy, "numeric", False) and not has_filter:
        raise InputError(f"{kind} has no method filter", expected="filter(pod, node), true or not")
    _check_declared(policy, kind)
    if getattr(policy, "numeric", False):
        from kspec_models.scheduler.policies.numeric import Numeric

        return Numeric(policy)
    return cast("Policy", policy) if has_filter else Rated(policy)


def _check_declared(policy: Any, kind: str) -> None:
    """Refuse what a policy says of itself in a type that it cannot be."""
    for name in ("lowest_score", "highest_score"):
        if not isinstance(getattr(policy, name, 0), int):
            raise InputError(f"{kind}: {name} is {getattr(policy, name)!r}", expected="an integer")
    resources = getattr(policy, "resources", ())
    is_list = isinstance(resources, list | tuple)
    if not is_list or not all(isinstance(resource, str) for resource in resources):
        problem = f"{kind}: resources is {resources!r}"
        raise InputError(problem, expected='a list of names, such as "services"')
    plugin = getattr(policy, "post_filter", None)
    if plugin is not None and not callable(getattr(plugin, "post_filter", plugin)):
        problem = f"{kind}: post_filter is {plugin!r}"
        raise InputError(problem, expected="a method, or a plugin that has it")


def load_policy(text: str) -> Policy:
    """The policy that a text names, see the module; raises InputError."""
    if text in POLICIES:
        return POLICIES[text]()
    if files.is_address(text):
        return cast("Policy", files.extender_at(text))
    if files.is_file(text):
        return cast("Policy", files.policy_of_file(text))
    for entry_point in entry_points(group=GROUP, name=text):
        return _made(_guarded(text, entry_point.load), text)
    module_name, _, attribute = text.partition(":")
    if module_name.endswith(".py"):
        example = f"{Path(module_name).stem}:{attribute or 'NAME'}"
        problem = f"policy {text}: a Python file is given as a module"
        raise InputError(problem, expected=f"{example}, in the folder of the file")
    if not attribute:
        raise _unknown(text)
    return _made(_guarded(text, lambda: _imported(module_name, attribute)), text)


def load_configuration(text: str) -> Configuration:
    """What a scheduler is set up with for that text: of a file all that it says, else one profile.

    Raises InputError as `load_policy`.
    """
    if text not in POLICIES:
        if files.is_address(text):
            return files.configuration_of_address(text)
        if files.is_file(text):
            return files.configuration_of_file(text)
    return Configuration({DEFAULT_SCHEDULER: load_policy(text)})


def _unknown(text: str) -> InputError:
    installed = sorted({entry_point.name for entry_point in entry_points(group=GROUP)})
    names = [*POLICIES, *installed]
    near = difflib.get_close_matches(text, names, 1)
    others = "MODULE:NAME, a configuration file or the address of an extender"
    return InputError(
        f"no policy is called {text!r}" + (f", but {near[0]} is" if near else ""),
        expected=f"one of {', '.join(names)}, {others}",
    )


def _imported(module_name: str, attribute: str) -> Any:
    found = importlib.import_module(module_name)
    for name in attribute.split("."):
        found = getattr(found, name)
    return found


def _made(found: Any, text: str) -> Policy:
    """What a module holds, as a policy."""
    if isinstance(found, list | tuple):
        return policy_of_plugins(found, text.rpartition(":")[2])
    if isinstance(found, type) or inspect.isroutine(found):
        found = _guarded(text, found)
        if isinstance(found, list | tuple):
            return _made(found, text)
    return cast("Policy", _guarded(text, lambda: as_policy(found, text)))


def _guarded(text: str, make: Any) -> Any:
    """Run a user's code; what it raises becomes one line with the place.

    What it prints goes to standard error: standard output is the report's.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return make()
    except KspecError:
        raise
    except (Exception, SystemExit) as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        problem = f"policy {text}: {type(error).__name__}: {' '.join(str(error).split())}"
        is_own = frame.filename != __file__ and "importlib" not in frame.filename
        raise InputError(
            problem,
            where=f"{frame.filename}:{frame.lineno}" if is_own else "",
            expected="MODULE:NAME of a policy that can be imported and made without arguments",
        ) from None
