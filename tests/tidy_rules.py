"""The house rules. A rule takes a module and yields (line, what is wrong)."""

from __future__ import annotations

import ast
import re
from collections import defaultdict

import attrs

LINES_OF_A_FILE, LINES_OF_A_FUNCTION, LINES_WITHOUT_DOCSTRING = 500, 70, 10
LONG: dict[str, str] = {}
"""Modules that may be longer than a file should be, with the reason."""
EXCUSED = {
    "kspec_models.plain uses id(value)": "finds aliases in one loaded document; asks `in`, no more",
    "kspec_models.scheduler.extender.exchange imports time": "ends an HTTP call; no answer has it",
}
"""What may be used where nothing else that is not deterministic may, with the reason."""

ENGINE_FOR_MODELS = ("values", "log", "errors", "system", "schema")
COMPOSERS = tuple(
    f"kspec_models.{name}"
    for name in (
        *("building", "cluster", "components", "controller_manager", "node_controllers", "dump"),
        *("housekeeping", "quota_controllers", "cluster_autoscaler_setup", "world"),
        *("known_components", "recurrence"),
        *("reduction.declared", "reduction.parts", "reduction.renaming", "reduction.sleeping"),
    )
)
"""Who joins the hosts. `dump` makes what each of them remembers at the start of a dump's world, and
the reductions and `recurrence` say of each host what it no longer tells apart."""
HOSTS = ("scheduler", "kubelet", "kubeproxy")
SHARED_BY_CONTROLLERS = (
    *("worker", "pods", "claims", "concerns", "expectations", "ranking", "history", "steps"),
)
DETERMINISTIC = ("kspec_models", "kspec.explore")
BANNED_IMPORTS = re.compile(
    r"(time|uuid|secrets|threading|asyncio|multiprocessing)(\..*)?|random\.(?!Random$).+|os\.environ"
)
BANNED_USES = re.compile(
    r"(hash|id)\(|random\.(?!Random)\w+\(|(\w+\.)*(now|utcnow|today)\(|os\.environ|os\.(getenv|urandom)"
)
ORDER_FREE = ("all", "any", "frozenset", "set", "sorted")
ORDERED = ("enumerate", "iter", "list", "tuple")


@attrs.frozen(eq=False)
class Module:
    """One module, parsed."""

    name: str
    text: str
    tree: ast.Module

    @classmethod
    def parse(cls, name, text):
        return cls(name, text, ast.parse(text))

    @property
    def length(self):
        return len(self.text.splitlines())

    def nodes(self, *types):
        return (node for node in ast.walk(self.tree) if isinstance(node, types))

    def imports(self):
        """(line, module, name or "") of everything imported, at any depth."""
        for node in self.nodes(ast.Import, ast.ImportFrom):
            for alias in node.names:
                if isinstance(node, ast.Import):
                    yield node.lineno, alias.name, ""
                else:
                    yield node.lineno, "." * node.level + (node.module or ""), alias.name

    def is_in(self, *packages):
        return any(self.name == p or self.name.startswith(p + ".") for p in packages)


def package_directions(module):
    """kspec imports neither of the others; the model only the value and system parts of it."""
    for line, source, name in module.imports():
        package, *inner = f"{source}.{name}".split(".")
        if not package:
            yield line, "a relative import: write the whole name"
        elif module.is_in("kspec") and package in ("kspec_models", "kspec_properties"):
            yield line, f"the engine imports {source}"
        elif module.is_in("kspec_models") and package == "kspec_properties":
            yield line, f"the model imports {source}"
        elif module.is_in("kspec_models") and package == "kspec" and not is_for_models(inner):
            yield line, f"the model imports {source}, no value or system part of the engine"


def is_for_models(inner):
    return inner[0] in ENGINE_FOR_MODELS or inner == ["suite", "Settings"]


def hosts_know_no_sibling(module):
    """Hosts never import each other, and only the composers import hosts."""
    own = host_of(module.name)
    if not module.is_in("kspec_models") or module.name in COMPOSERS:
        return
    for line, source, name in module.imports():
        other = host_of(source) or host_of(f"{source}.{name}")
        if other is not None and other != own:
            yield line, f"{own or 'no composer, and it'} imports the host {other}"


def host_of(name):
    """The host a module belongs to: scheduler, kubelet, kubeproxy, one controller, or None."""
    package, head, inner, *_ = [*name.split("."), "", ""]
    if package != "kspec_models":
        return None
    family = (inner if head == "controllers" else head).partition("_")[0]
    if head == "controllers":
        return f"{family} controller" if family and family not in SHARED_BY_CONTROLLERS else None
    return family if family in HOSTS else None


def sizes(module):
    """Files of 500 lines and functions of 70 at most."""
    if module.length > LINES_OF_A_FILE and module.name not in LONG:
        yield 1, f"{module.length} lines, more than {LINES_OF_A_FILE}"
    for node in module.nodes(ast.FunctionDef, ast.AsyncFunctionDef):
        if lines_of(node) > LINES_OF_A_FUNCTION:
            yield node.lineno, f"{node.name} has more than {LINES_OF_A_FUNCTION} lines"


def lines_of(node):
    return node.end_lineno - node.lineno + 1


def nothing_nondeterministic(module):
    """No clock, global generator, environment, thread, address or hash in what must repeat."""
    if not module.is_in(*DETERMINISTIC):
        return
    for line, source, name in module.imports():
        use = f"imports {source} {name}".rstrip()
        is_banned = BANNED_IMPORTS.fullmatch(f"{source}.{name}".rstrip("."))
        if is_banned and f"{module.name} {use}" not in EXCUSED:
            yield line, use
    for node in module.nodes(ast.Call, ast.Attribute):
        use = f"uses {ast.unparse(node)}"
        if BANNED_USES.match(ast.unparse(node)) and f"{module.name} {use}" not in EXCUSED:
            yield node.lineno, use


def no_bare_set_is_iterated(module):
    """The order of a set of strings differs from process to process.

    Sees set expressions and, within a function, names that one was assigned to.
    """
    if not module.is_in(*DETERMINISTIC):
        return
    order_free, places = set(), defaultdict(set)
    scopes = [(module.tree, set())]
    scopes += [(f, names_of_sets(f)) for f in module.nodes(ast.FunctionDef)]
    for scope, names in scopes:
        for node in ast.walk(scope):
            for iterated in iterated_by(node):
                if is_set(iterated, names):
                    places[iterated.lineno, ast.unparse(iterated)].add(node)
            if called(node) in ORDER_FREE:
                order_free.update(node.args)
    for (line, text), nodes in sorted(places.items()):
        if nodes - order_free:
            yield line, f"iterates over a set: {text}"


def called(node):
    is_plain = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    return node.func.id if is_plain else None


def iterated_by(node):
    """What a node goes through in an order that shows; a set comprehension's does not."""
    if isinstance(node, ast.For):
        return [node.iter]
    if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.DictComp):
        return [loop.iter for loop in node.generators]
    return node.args if called(node) in ORDERED else []


def names_of_sets(function):
    found = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and is_set(node.value, found):
            found.update(t.id for t in node.targets if isinstance(t, ast.Name))
        elif isinstance(node, ast.AnnAssign | ast.arg):
            annotation = ast.unparse(node.annotation) if node.annotation else ""
            if re.match(r"(frozen)?set\b", annotation):
                found.add(node.arg if isinstance(node, ast.arg) else ast.unparse(node.target))
    return found


def is_set(node, names):
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.BitAnd | ast.Sub):
        return is_set(node.left, names) or is_set(node.right, names)
    if isinstance(node, ast.Name):
        return node.id in names
    return isinstance(node, ast.Set | ast.SetComp) or called(node) in ("set", "frozenset")


def docstrings(module):
    """Public modules, classes and longer functions say what they promise.

    Not repeated: objects, which the Kubernetes API documents; mutants, described in their list; a
    module of one class, whose docstring it shares; hooks, described by who specifies them.
    """
    if any(part.startswith("_") for part in module.name.split(".")):
        return
    if not ast.get_docstring(module.tree):
        yield 1, "the module has no docstring"
    bare = [
        node
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith(("_", "pytest_"))
        and not ast.get_docstring(node)
    ]
    classes = [node for node in module.tree.body if isinstance(node, ast.ClassDef)]
    is_told_elsewhere = module.is_in("kspec_models.objects", "kspec_properties.mutants")
    for node in bare:
        if isinstance(node, ast.ClassDef):
            if not is_told_elsewhere and len(classes) > 1:
                yield node.lineno, f"class {node.name} has no docstring"
        elif lines_of(node) > LINES_WITHOUT_DOCSTRING:
            yield node.lineno, f"{node.name} has {lines_of(node)} lines and no docstring"


RULES = (
    package_directions,
    hosts_know_no_sibling,
    sizes,
    nothing_nondeterministic,
    no_bare_set_is_iterated,
    docstrings,
)
