"""Imports the model from sources that were read before, one of them changed.

So that a run judges one version of the model whatever is edited meanwhile, and no file is written.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

import attrs

from kspec_properties.mutation.sites import MODEL, Module, Site, mutated, read_modules

PACKAGES = (MODEL, "kspec_properties")
SITUATIONS = "kspec_properties.mutation.situations"
"""The one module beside the judges that imports the model."""

READ_BY_PROPERTIES = (
    "resources",
    "kubelet_admission",
    "indexes",
    "controllers.pods",
    "controllers.deployment_scaling",
)
"""Modules whose functions the properties call; these stay faithful for them.

Otherwise a mutant would change the promise with the model, and nothing could disagree.
"""


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, code: CodeType) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        return self._code


@attrs.define(eq=False)
class Sources(MetaPathFinder):
    """The sources of the model and its properties, compiled once, before any process is forked."""

    modules: Mapping[str, Module]
    code: dict[str, CodeType] = attrs.field(factory=dict)
    changed: dict[str, CodeType] = attrs.field(factory=dict)

    @classmethod
    def read(cls) -> Sources:
        modules: dict[str, Module] = {}
        for package in PACKAGES:
            modules |= read_modules(package)
        own = __name__.rpartition(".")[0]
        kept = {n: m for n, m in modules.items() if not n.startswith(own) or n == SITUATIONS}
        code = {name: compile(m.text, m.path, "exec", 0, True) for name, m in kept.items()}
        return cls(kept, code)

    def change(self, name: str, tree: ast.Module) -> None:
        """Import a module from another syntax tree from now on."""
        self.changed = {name: compile(tree, self.modules[name].path, "exec", 0, True)}

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        module = self.modules.get(fullname)
        if module is None:
            return None
        code = self.changed.get(fullname) or self.code[fullname]
        folder = [str(Path(module.path).parent)] if module.is_package else None
        return spec_from_file_location(
            fullname,
            module.path,
            loader=_Loader(fullname, module.path, code),
            submodule_search_locations=folder,
        )


def install(sources: Sources, site: Site | None) -> None:
    """Import the model afresh, with the change of a site; only in a process of its own."""
    for name in [n for n in sys.modules if n in sources.modules and n not in PACKAGES[1:]]:
        del sys.modules[name]
        package, _, last = name.rpartition(".")
        if package in sys.modules:  # `from package import last` would find the old module there
            vars(sys.modules[package]).pop(last, None)
    sys.meta_path.insert(0, sources)
    if site is not None:
        sources.change(site.module, mutated(sources.modules[site.module], site))
    for name in sources.modules:
        if name.partition(".")[0] == MODEL:
            importlib.import_module(name)


def import_properties(sources: Sources, module: str) -> ModuleType:
    """The catalogue of properties; they call the faithful form of a changed module."""
    kept: dict[str, ModuleType] = {}
    twins = [f"{MODEL}.{name}" for name in READ_BY_PROPERTIES]
    if module in twins:
        kept = {name: sys.modules.pop(name) for name in twins}
        changed, sources.changed = sources.changed, {}
    catalogue = importlib.import_module("kspec_properties.catalogue")
    if kept:
        sources.changed = changed
    for name, original in kept.items():
        sys.modules[name] = original
        package, _, last = name.rpartition(".")
        setattr(sys.modules[package], last, original)
    return catalogue
