"""Where the model can be mutated: every place in a fixed order, and a sample of them by seed."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from random import Random
from typing import NamedTuple

import attrs

from kspec_properties.mutation.operators import Surroundings, variants

MODEL = "kspec_models"
NOT_MUTATED = {
    "objects*": "values as the API writes them",
    "kinds": "a table",
    "manifests": "reads input",
    "plain": "reads input",
    "dump": "reads the start of a world",
    "quantity*": "reads input",
    "validation*": "judges input",
    "apiserver.validate": "judges input",
    "apiserver.shapes": "judges input",
    "selector_text": "reads input",
    "field_selectors": "reads input",
    "operations": "reads input",
    "reading_worlds": "reads input",
    "scheduler.policies": "finds a policy by name",
    "strategies": "draws worlds for Hypothesis",
    "smaller": "makes worlds smaller",
    "world": "reads worlds",
    "worlds": "a few worlds",
    "actions": "texts of traces",
    "describe": "texts for people",
}
"""Modules of the model that are data, texts or readers of input, and what they are."""

NOWHERE = -1
"""The node of a site that changes nothing, to try what judges a mutant on the model as it is."""

_UNSEEN = (ast.Raise, ast.Assert, ast.JoinedStr, ast.Import, ast.ImportFrom)
_NO_BEHAVIOUR = ("__repr__", "__str__", "__eq__", "__hash__", "describe")
_GUARDS = ("NotEnabled", "InputError")


@attrs.frozen
class Module:
    """One module's source, as it was when the run began."""

    name: str
    path: str
    text: str

    @property
    def is_package(self) -> bool:
        return Path(self.path).name == "__init__.py"

    @property
    def file(self) -> str:
        """Its place below the folder of its package, for people."""
        package = self.name.partition(".")[0]
        parts = Path(self.path).parts
        return "/".join(parts[len(parts) - 1 - parts[::-1].index(package) :])


class Site(NamedTuple):
    """One possible mutant.

    number: its place among all. node: the place of the changed node in a preorder walk of its
    module; variant: which of that node's changes. first, last: the lines of the statement (of a
    compound one, its head), which must be executed for the change to matter.
    """

    number: int
    module: str
    file: str
    line: int
    operator: str
    before: str
    after: str
    source: str
    node: int
    variant: int
    first: int
    last: int

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


def read_modules(package: str) -> dict[str, Module]:
    """The sources of a package by module name, which are not imported for it."""
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.origin is not None
    folder = Path(spec.origin).parent
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = (package, *path.relative_to(folder).with_suffix("").parts)
        name = ".".join(parts).removesuffix(".__init__")
        found[name] = Module(name, str(path), path.read_text(encoding="utf-8"))
    return found


def is_mutated(module: str) -> bool:
    """Is it behaviour of the model, and no table, text or reader?"""
    inner = module.removeprefix(MODEL + ".")
    return module.startswith(MODEL + ".") and not any(
        fnmatch(inner, pattern) or inner.startswith(pattern + ".") for pattern in NOT_MUTATED
    )


def sites(modules: Mapping[str, Module], pattern: str = "*") -> tuple[Site, ...]:
    """Every possible mutant of the modules that match, numbered in a fixed order."""
    found: list[Site] = []
    for name in sorted(modules):
        inner = name.removeprefix(MODEL + ".")
        if is_mutated(name) and (fnmatch(name, pattern) or fnmatch(inner, pattern)):
            found.extend(_sites_of(modules[name], len(found)))
    return tuple(found)


def sample(every: Sequence[Site], count: int, seed: int) -> tuple[Site, ...]:
    """`count` of them, drawn by the seed, in their own order; all if there are no more."""
    drawn = Random(seed).sample(range(len(every)), min(count, len(every)))
    return tuple(every[i] for i in sorted(drawn))


def mutated(module: Module, site: Site) -> ast.Module:
    """The syntax tree of a module with one place changed."""
    tree = ast.parse(module.text)
    if site.node == NOWHERE:
        return tree
    place = next(p for p in _places(tree) if p.number == site.node)
    changes = tuple(variants(place.node, place.at))
    _, replacement = changes[site.variant]
    ast.copy_location(replacement, place.node)
    _Replacing(place.node, replacement).generic_visit(tree)
    return ast.fix_missing_locations(tree)


class _Replacing(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else self.generic_visit(node)


class _Place(NamedTuple):
    """A node that an operator may change. statement: the innermost one around it, or itself."""

    number: int
    node: ast.AST
    at: Surroundings
    statement: ast.stmt


def _sites_of(module: Module, start: int) -> Iterator[Site]:
    lines = module.text.splitlines()
    number = start
    for place in _places(ast.parse(module.text)):
        for variant, (operator, replacement) in enumerate(variants(place.node, place.at)):
            line = getattr(place.node, "lineno", place.statement.lineno)
            first, last = _span(place.statement)
            yield Site(
                number=number,
                module=module.name,
                file=module.file,
                line=line,
                operator=operator,
                before=_text(place.node),
                after=_text(ast.copy_location(replacement, place.node)),
                source=lines[line - 1].strip(),
                node=place.number,
                variant=variant,
                first=first,
                last=last,
            )
            number += 1


def _span(statement: ast.stmt) -> tuple[int, int]:
    """The lines of a statement, or of the head of a compound one."""
    first = min(d.lineno for d in (statement, *getattr(statement, "decorator_list", ())))
    body = getattr(statement, "body", None)
    last = statement.end_lineno or statement.lineno
    return first, max(first, body[0].lineno - 1) if body else last


def _text(node: ast.AST) -> str:
    """A node in one line; of a compound statement the head and what follows it."""
    return " ".join(part.strip() for part in ast.unparse(node).splitlines())


def _places(tree: ast.Module) -> Iterator[_Place]:
    """The nodes of a module in preorder, without what has no behaviour; all are counted."""
    counter = iter(range(1 << 30))

    def walk(node: ast.AST, at: Surroundings, statement: ast.stmt | None) -> Iterator[_Place]:
        number = next(counter)
        if isinstance(node, ast.stmt):
            statement = node
        if _is_unseen(node):
            return
        if statement is not None:
            yield _Place(number, node, at, statement)
        function = node if isinstance(node, ast.FunctionDef) else at.function
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list", "keywords") and not isinstance(
                node, ast.Call
            ):
                continue
            for child in value if isinstance(value, list) else (value,):
                if isinstance(child, ast.AST):
                    yield from walk(child, Surroundings(node, function), statement)

    yield from walk(tree, Surroundings(None, None), None)


def _is_unseen(node: ast.AST) -> bool:
    """Imports, texts, identity, assertions, and guards that refuse what no run ever asks for."""
    if isinstance(node, ast.If):
        return not node.orelse and all(_refuses(inner) for inner in node.body)
    return isinstance(node, _UNSEEN) or (
        isinstance(node, ast.FunctionDef) and node.name in _NO_BEHAVIOUR
    )


def _refuses(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.Raise) or not isinstance(statement.exc, ast.Call):
        return False
    function = statement.exc.func
    return isinstance(function, ast.Name) and function.id in _GUARDS
