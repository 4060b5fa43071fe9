"""The tree keeps the house rules, and each rule bites; each property says where it comes from, is
not vacuous, and has a mutant that it kills."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path

import pytest
from tidy_rules import (
    LINES_OF_A_FILE,
    LINES_OF_A_FUNCTION,
    LINES_WITHOUT_DOCSTRING,
    LONG,
    RULES,
    Module,
    docstrings,
    hosts_know_no_sibling,
    no_bare_set_is_iterated,
    nothing_nondeterministic,
    package_directions,
    sizes,
)

from kspec.property import Kind
from kspec.suite import load_suite

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {"kspec": ".", "kspec_models": "models", "kspec_properties": "properties"}
LINES_AIMED_AT = 250


@cache
def modules():
    found = []
    for package, folder in PACKAGES.items():
        for path in sorted((ROOT / folder / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT / folder).with_suffix("").parts)
            if not path.name.startswith("test_"):
                text = path.read_text(encoding="utf-8")
                found.append(Module.parse(name.removesuffix(".__init__"), text))
    return tuple(found)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_module_keeps(rule):
    found = [f"{module.name}:{line}: {what}" for module in modules() for line, what in rule(module)]
    assert not found, "\n".join(found)


def test_only_files_that_are_too_long_are_excused_and_those_above_the_aim_are_reported():
    lengths = {module.name: module.length for module in modules()}
    assert all(lengths[name] > LINES_OF_A_FILE for name in LONG)
    above = sorted((-n, name) for name, n in lengths.items() if n > LINES_AIMED_AT)
    if above:
        listed = ", ".join(f"{name} {-n}" for n, name in above)
        warnings.warn(f"{len(above)} files above {LINES_AIMED_AT} lines: {listed}", stacklevel=1)


FILLER = "    pass\n"
BROKEN = (
    (package_directions, "kspec.x", "from kspec_models import store"),
    (package_directions, "kspec.x", "def late():\n    import kspec_properties.suite"),
    (package_directions, "kspec_models.x", "from kspec.explore import bfs"),
    (package_directions, "kspec_models.x", "from kspec.suite import Mutant"),
    (package_directions, "kspec_models.x", "from kspec import trace"),
    (package_directions, "kspec_models.x", "from kspec_properties import api"),
    (package_directions, "kspec_models.x", "from .store import Store"),
    (hosts_know_no_sibling, "kspec_models.kubelet_x", "from kspec_models.kubeproxy import Rules"),
    (hosts_know_no_sibling, "kspec_models.kubeproxy", "from kspec_models import kubelet"),
    (
        hosts_know_no_sibling,
        "kspec_models.controllers.deployment_x",
        "from kspec_models.controllers.replicaset_pods import claimed",
    ),
    (
        hosts_know_no_sibling,
        "kspec_models.scheduler.x",
        "import kspec_models.controllers.namespace",
    ),
    (hosts_know_no_sibling, "kspec_models.store", "from kspec_models.scheduler.cache import Cache"),
    (sizes, "kspec.x", "\n" * (LINES_OF_A_FILE + 1)),
    (sizes, "kspec.x", "def f():\n" + FILLER * LINES_OF_A_FUNCTION),
    (nothing_nondeterministic, "kspec_models.x", "import time"),
    (nothing_nondeterministic, "kspec_models.x", "from random import choice"),
    (nothing_nondeterministic, "kspec.explore.x", "import random\nrandom.choice((1, 2))"),
    (nothing_nondeterministic, "kspec_models.x", "import datetime\ndatetime.datetime.now()"),
    (nothing_nondeterministic, "kspec_models.x", "from uuid import uuid4"),
    (nothing_nondeterministic, "kspec_models.x", "import os\nos.environ['A']"),
    (nothing_nondeterministic, "kspec_models.x", "from os import environ"),
    (nothing_nondeterministic, "kspec_models.x", "import threading"),
    (nothing_nondeterministic, "kspec.explore.x", "import asyncio"),
    (nothing_nondeterministic, "kspec_models.x", "hash('a')"),
    (nothing_nondeterministic, "kspec_models.x", "id(3)"),
    (no_bare_set_is_iterated, "kspec_models.x", "for x in {1, 2}: pass"),
    (no_bare_set_is_iterated, "kspec_models.x", "[x for x in set(y)]"),
    (no_bare_set_is_iterated, "kspec_models.x", "for x in set(y) - z: pass"),
    (no_bare_set_is_iterated, "kspec.explore.x", "tuple(frozenset(y))"),
    (no_bare_set_is_iterated, "kspec_models.x", "def f():\n  a = set()\n  for x in a: pass"),
    (no_bare_set_is_iterated, "kspec_models.x", "def f(a: set[str]):\n  return list(a)"),
    (docstrings, "kspec.x", "x = 1"),
    (docstrings, "kspec.x", "'''A.'''\nclass B: '''C.'''\nclass D: x = 1"),
    (docstrings, "kspec.x", "'''A.'''\ndef f():\n" + FILLER * LINES_WITHOUT_DOCSTRING),
)
KEPT = (
    (package_directions, "kspec_models.x", "from kspec.suite import Settings\nimport kspec.values"),
    (hosts_know_no_sibling, "kspec_models.world", "from kspec_models.kubelet import Kubelet"),
    (
        hosts_know_no_sibling,
        "kspec_models.controllers.deployment",
        "from kspec_models.controllers.deployment_sync import sync\n"
        "from kspec_models.controllers.claims import Claims",
    ),
    (nothing_nondeterministic, "kspec.explore.x", "from random import Random\nRandom(0).random()"),
    (nothing_nondeterministic, "kspec.cli.x", "import time\ntime.monotonic()"),
    (no_bare_set_is_iterated, "kspec_models.x", "for x in sorted(set(y)): pass"),
    (no_bare_set_is_iterated, "kspec_models.x", "sorted(f(x) for x in {1, 2})"),
    (no_bare_set_is_iterated, "kspec_models.x", "{f(x) for x in {1, 2}}"),
)


@pytest.mark.parametrize(("rule", "name", "text"), BROKEN)
def test_a_rule_bites(rule, name, text):
    assert list(rule(Module.parse(name, text)))


@pytest.mark.parametrize(("rule", "name", "text"), KEPT)
def test_a_rule_lets_pass(rule, name, text):
    assert not list(rule(Module.parse(name, text)))


SUITE = load_suite()
PROPERTIES = {prop.name: prop for prop in SUITE.properties()}
MUTANTS = {mutant.name: mutant for mutant in SUITE.mutants()}


def test_names_of_properties_and_mutants_are_unique():
    assert len(PROPERTIES) == len(SUITE.properties())
    assert len(MUTANTS) == len(SUITE.mutants())


@pytest.mark.parametrize("prop", PROPERTIES.values(), ids=PROPERTIES)
def test_a_property_is_sourced_reachable_and_killing(prop):
    """A known false one kills nothing, and a `sometimes` is itself the sign of reachability."""
    assert prop.promise and prop.source
    assert set(prop.faults) <= {"none", *SUITE.fault_classes}
    if prop.kind is not Kind.SOMETIMES:
        assert PROPERTIES[prop.companion].kind is Kind.SOMETIMES
        assert set(prop.mutants) <= MUTANTS.keys()
        assert prop.mutants or prop.known_false


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_a_mutant_breaks_a_property_that_lists_it(mutant):
    assert mutant.description
    assert mutant.name in PROPERTIES[mutant.property].mutants


def test_every_sometimes_is_the_companion_of_a_property():
    companions = {prop.companion for prop in PROPERTIES.values()}
    assert {p.name for p in PROPERTIES.values() if p.kind is Kind.SOMETIMES} <= companions


@pytest.mark.parametrize("module", ["kspec", "kspec.cli", "kspec.pytest_plugin"])
def test_what_always_starts_imports_nothing_heavy(module):
    heavy = ("z3", "hypothesis", "jsonschema", "kspec_models", "kspec_properties")
    code = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert run.stdout.strip() == "[]"


def machine_paths():
    """A home folder, or where this repository and its environment happen to be."""
    here = [str(ROOT)] if len(ROOT.parts) > 2 else []
    if sys.prefix != sys.base_prefix and not Path(sys.prefix).is_relative_to(ROOT):
        here.append(sys.prefix)
    places = "|".join(re.escape(place) for place in here) or "(?!)"
    return re.compile(rf"(?<![\w.:/-])(/(home|Users|root)/\w|({places})(?![\w-]))")


def test_no_file_names_a_path_of_a_machine():
    pattern, found = machine_paths(), []
    folders = [ROOT / ".ci", ROOT / "tests", *(ROOT / f / p for p, f in PACKAGES.items())]
    files = {
        ROOT / "README.md",
        ROOT / "pyproject.toml",
        *(p for f in folders for p in f.rglob("*")),
    }
    for path in sorted(p for p in files if p.is_file() and p.suffix != ".pyc"):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        where = path.relative_to(ROOT)
        found += [f"{where}:{i}: {x}" for i, x in enumerate(lines, 1) if pattern.search(x)]
    assert not found, "\n".join(found)
