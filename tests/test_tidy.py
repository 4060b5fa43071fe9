"""The house rules: who may import whom, how long things are, what no model may call, and that each
property says where it comes from, is not vacuous, and has a mutant that it kills.

A rule takes a module and yields (line, what is wrong); `BROKEN` shows that each of them bites.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path

import attrs
import pytest

from kspec.property import Kind
from kspec.suite import load_suite

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"kspec": ".", "kspec_models": "models", "kspec_properties": "properties"}

LINES_OF_A_FILE, LINES_AIMED_AT, LINES_OF_A_FUNCTION = 500, 250, 70
LINES_THAT_NEED_A_DOCSTRING = 10
LONG: dict[str, str] = {}
"""Modules that may be longer than the hard stop, with the reason."""

ENGINE_FOR_MODELS = ("values", "log", "errors", "system", "schema")
COMPOSERS = ("kspec_models.cluster", "kspec_models.components", "kspec_models.world")
SHARED_BY_CONTROLLERS = ("worker", "pods", "claims", "expectations", "ranking")
DETERMINISTIC = ("kspec_models", "kspec.explore")
BANNED_MODULES = ("time", "uuid", "secrets", "threading", "asyncio", "multiprocessing")
BANNED_CALLS = re.compile(
    r"hash|id|random\.(?!Random$)\w+|(\w+\.)*(now|utcnow|today)|os\.(environ|getenv|urandom)(\.\w+)?"
)
ORDER_FREE = ("all", "any", "frozenset", "set", "sorted")


@attrs.frozen(eq=False)
class Module:
    """One module, parsed."""

    name: str
    text: str
    tree: ast.Module

    @classmethod
    def parse(cls, name, text):
        return cls(name, text, ast.parse(text))

    def nodes(self, *types):
        return (node for node in ast.walk(self.tree) if isinstance(node, types))

    def imports(self):
        """(line, module, name or None) of everything imported, at any depth."""
        for node in self.nodes(ast.Import, ast.ImportFrom):
            for alias in node.names:
                if isinstance(node, ast.Import):
                    yield node.lineno, alias.name, None
                else:
                    yield node.lineno, "." * node.level + (node.module or ""), alias.name

    def is_in(self, packages):
        return any(self.name == p or self.name.startswith(p + ".") for p in packages)


@cache
def modules():
    found = []
    for package, folder in FOLDERS.items():
        for path in sorted((ROOT / folder / package).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            name = ".".join(parts).removesuffix(".__init__")
            if not parts[-1].startswith("test_"):
                found.append(Module.parse(name, path.read_text(encoding="utf-8")))
    return tuple(found)


def is_public(name):
    return not any(part.startswith("_") for part in name.split("."))


# Imports


def package_directions(module):
    """kspec imports neither of the others; the model only the value and system parts of it."""
    for line, source, name in module.imports():
        package, _, part = source.partition(".")
        part = part or (name if package == "kspec" else "") or ""
        if package.startswith("."):
            yield line, "a relative import: write the whole name"
        elif module.is_in(["kspec"]) and package in ("kspec_models", "kspec_properties"):
            yield line, f"the engine imports {source}"
        elif module.is_in(["kspec_models"]) and package == "kspec_properties":
            yield line, f"the model imports {source}"
        elif module.is_in(["kspec_models"]) and package == "kspec":
            is_settings = part == "suite" and name == "Settings"
            if part.partition(".")[0] not in ENGINE_FOR_MODELS and not is_settings:
                yield line, f"the model imports {source}, no value or system part of the engine"


def host_of(name):
    """The host that a module belongs to: scheduler, kubelet, kubeproxy, or one controller."""
    package, _, rest = name.partition(".")
    if package != "kspec_models" or not rest:
        return None
    head, *inner = rest.split(".")
    if head == "controllers":
        family = inner[0].partition("_")[0] if inner else ""
        return None if family in ("", *SHARED_BY_CONTROLLERS) else f"controllers.{family}"
    family = head.partition("_")[0]
    return family if family in ("scheduler", "kubelet", "kubeproxy") else None


def hosts_know_no_sibling(module):
    """Hosts never import each other, and only the composers import hosts."""
    own = host_of(module.name)
    if not module.is_in(["kspec_models"]) or module.name in COMPOSERS:
        return
    for line, source, name in module.imports():
        other = host_of(source) or host_of(f"{source}.{name}")
        if other is not None and other != own:
            yield line, f"{own or 'no composer, and it'} imports the host {other}"


# Size


def sizes(module):
    """Files of 500 lines and functions of 70 at most."""
    length = len(module.text.splitlines())
    if length > LINES_OF_A_FILE and module.name not in LONG:
        yield 1, f"{length} lines, more than {LINES_OF_A_FILE}"
    for node in module.nodes(ast.FunctionDef, ast.AsyncFunctionDef):
        length = node.end_lineno - node.lineno + 1
        if length > LINES_OF_A_FUNCTION:
            yield node.lineno, f"{node.name} has {length} lines, more than {LINES_OF_A_FUNCTION}"


# Determinism


def nothing_nondeterministic(module):
    """No clock, no shared generator, no environment, thread, address or hash in what must repeat."""
    if not module.is_in(DETERMINISTIC):
        return
    for line, source, name in module.imports():
        is_generator = source == "random" and name != "Random"
        if (
            source.partition(".")[0] in BANNED_MODULES
            or is_generator
            or (source, name) == BANNED_OS
        ):
            yield line, f"imports {source}{'.' + name if name else ''}"
    for node in module.nodes(ast.Call, ast.Attribute):
        text = ast.unparse(node.func if isinstance(node, ast.Call) else node)
        is_use = isinstance(node, ast.Call) or text == "os.environ"
        if is_use and BANNED_CALLS.fullmatch(text):
            yield node.lineno, f"uses {text}"


BANNED_OS = ("os", "environ")


def no_bare_set_is_iterated(module):
    """The order of a set of strings differs from process to process."""
    if not module.is_in(DETERMINISTIC):
        return
    free = set()
    for call in module.nodes(ast.Call):
        if isinstance(call.func, ast.Name) and call.func.id in ORDER_FREE:
            free.update(call.args)
        elif isinstance(call.func, ast.Name) and call.func.id in ("tuple", "list", "iter"):
            for argument in call.args:
                if is_set(argument):
                    yield argument.lineno, f"orders a set: {ast.unparse(argument)}"
    for node in module.nodes(ast.For, ast.ListComp, ast.GeneratorExp, ast.DictComp):
        loops = [node] if isinstance(node, ast.For) else node.generators
        for loop in loops:
            if is_set(loop.iter) and node not in free:
                yield loop.iter.lineno, f"iterates over a set: {ast.unparse(loop.iter)}"


def is_set(node):
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.BitAnd | ast.Sub):
        return is_set(node.left) or is_set(node.right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in ("set", "frozenset")
    return isinstance(node, ast.Set | ast.SetComp)


# Docstrings


def docstrings(module):
    """Public modules, classes and longer functions say what they promise.

    The objects are those of the Kubernetes API, which documents them; a mutant's description is
    in its list; a module of one class says it at its top; hooks are documented where they are
    specified.
    """
    if not is_public(module.name):
        return
    if not ast.get_docstring(module.tree):
        yield 1, "the module has no docstring"
    classes = [n for n in module.tree.body if isinstance(n, ast.ClassDef) and is_public(n.name)]
    if not module.is_in(["kspec_models.objects", "kspec_properties.mutants"]) and len(classes) > 1:
        for node in classes:
            if not ast.get_docstring(node):
                yield node.lineno, f"class {node.name} has no docstring"
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef) and is_public(node.name):
            length = node.end_lineno - node.lineno + 1
            is_hook = node.name.startswith("pytest_")
            if length > LINES_THAT_NEED_A_DOCSTRING and not is_hook and not ast.get_docstring(node):
                yield node.lineno, f"{node.name} has {length} lines and no docstring"


RULES = (
    package_directions,
    hosts_know_no_sibling,
    sizes,
    nothing_nondeterministic,
    no_bare_set_is_iterated,
    docstrings,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_module_keeps(rule):
    found = [f"{module.name}:{line}: {what}" for module in modules() for line, what in rule(module)]
    assert not found, "\n".join(found)


def test_files_above_the_aim_are_reported():
    """No failure: a list for the next one who looks for something to split."""
    lengths = {module.name: len(module.text.splitlines()) for module in modules()}
    long = {name: n for name, n in lengths.items() if n > LINES_AIMED_AT}
    assert LONG.keys() <= {name for name, n in lengths.items() if n > LINES_OF_A_FILE}
    if long:
        listed = ", ".join(f"{name} {n}" for name, n in sorted(long.items(), key=lambda i: -i[1]))
        warnings.warn(f"{len(long)} files above {LINES_AIMED_AT} lines: {listed}", stacklevel=1)


FILLER = "    pass\n"
BROKEN = (
    (package_directions, "kspec.x", "from kspec_models import store"),
    (package_directions, "kspec.x", "def late():\n    import kspec_properties.suite"),
    (package_directions, "kspec_models.x", "from kspec.explore import bfs"),
    (package_directions, "kspec_models.x", "from kspec.suite import Mutant"),
    (package_directions, "kspec_models.x", "from kspec import trace"),
    (package_directions, "kspec_models.x", "from kspec_properties import api"),
    (package_directions, "kspec_models.x", "from .store import Store"),
    (
        hosts_know_no_sibling,
        "kspec_models.kubelet_x",
        "from kspec_models.kubeproxy import KubeProxy",
    ),
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
    (docstrings, "kspec.x", "x = 1"),
    (docstrings, "kspec.x", "'''A.'''\nclass B: '''C.'''\nclass D: x = 1"),
    (docstrings, "kspec.x", "'''A.'''\ndef f():\n" + FILLER * LINES_THAT_NEED_A_DOCSTRING),
)


@pytest.mark.parametrize(("rule", "name", "text"), BROKEN)
def test_a_rule_bites(rule, name, text):
    assert list(rule(Module.parse(name, text)))


FINE = (
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
)


@pytest.mark.parametrize(("rule", "name", "text"), FINE)
def test_a_rule_lets_pass(rule, name, text):
    assert not list(rule(Module.parse(name, text)))


# The specification


PROPERTIES = {prop.name: prop for prop in load_suite().properties()}
MUTANTS = {mutant.name: mutant for mutant in load_suite().mutants()}


def test_names_of_properties_and_mutants_are_unique():
    assert len(PROPERTIES) == len(load_suite().properties())
    assert len(MUTANTS) == len(load_suite().mutants())


@pytest.mark.parametrize("prop", PROPERTIES.values(), ids=PROPERTIES)
def test_a_property_is_sourced_reachable_and_killing(prop):
    """A known false one kills nothing, and a `sometimes` is itself the sign of reachability."""
    assert prop.promise and prop.source
    assert set(prop.faults) <= {"none", *load_suite().fault_classes}
    if prop.kind is Kind.SOMETIMES:
        return
    assert PROPERTIES[prop.companion].kind is Kind.SOMETIMES
    assert set(prop.mutants) <= MUTANTS.keys()
    assert prop.mutants or prop.known_false


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_a_mutant_is_killed_by_a_property_that_lists_it(mutant):
    assert mutant.description
    assert mutant.name in PROPERTIES[mutant.property].mutants


def test_every_companion_belongs_to_a_property():
    companions = {prop.companion for prop in PROPERTIES.values()}
    assert {n for n, p in PROPERTIES.items() if p.kind is Kind.SOMETIMES} <= companions


# The tree


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
    places = "|".join(re.escape(place) for place in here) or r"(?!)"
    return re.compile(rf"(?<![\w.:/-])(/(home|Users)/\w+|/root/|({places})(?![\w-]))")


def test_no_file_names_a_path_of_a_machine():
    pattern, found = machine_paths(), []
    tops = [
        "README.md",
        "pyproject.toml",
        ".ci",
        "tests",
        *(ROOT / f / p for p, f in FOLDERS.items()),
    ]
    for top in (ROOT / name for name in tops):
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and path.suffix != ".pyc" and path != Path(__file__).resolve():
                lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
                where = path.relative_to(ROOT)
                found += [f"{where}:{i}: {x}" for i, x in enumerate(lines, 1) if pattern.search(x)]
    assert not found, "\n".join(found)
