"""A suite: what a model and its properties offer to the commands and the pytest plugin.

The engine knows no model. Packages register a suite under the entry point group `kspec.suites`;
`kspec_properties` registers "kubernetes".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from kspec.errors import InputError
from kspec.property import Property
from kspec.system import AnySystem

if TYPE_CHECKING:
    from kspec.trial.comparison import Asked, Comparison

GROUP = "kspec.suites"
JsonMap = Mapping[str, Any]


@attrs.frozen(kw_only=True)
class Settings:
    """What the command line says about a world; None leaves what the file or the default says.

    node_capacity: quantities by resource. state: the files are a dump to start from. is_plain: run
    the plain form of what has a faster one. world: the name of a world that ships with the suite.
    """

    nodes: int | None = None
    node_capacity: Mapping[str, str] | None = None
    schedulers: int | None = None
    policy: str | None = None
    granularity: str | None = None
    state: bool = False
    ignore_unmodelled: bool = False
    is_plain: bool = False
    world: str | None = None


@attrs.frozen(kw_only=True)
class Parts:
    """What a user adds to a world or changes in its model, by name or as MODULE:NAME."""

    policy: str | None = None
    controllers: tuple[str, ...] = ()
    mutant: str | None = None


@attrs.frozen(kw_only=True)
class Mutant:
    """A small wrong variant of the model, the property that it breaks, and where it shows.

    world: the world document on which it is looked for. faults: the column it needs, "none" or a
    fault class.
    """

    name: str
    description: str
    property: str
    world: JsonMap
    faults: str = "none"


@attrs.frozen(kw_only=True)
class Bug(Mutant):
    """A historical bug, re-introduced like a mutant.

    url: the report. estimate: how many steps its readers think that it needs. is_live_limit: it is
    not fixed, so that nothing is changed and the faithful model shows it.
    """

    url: str
    estimate: int
    is_live_limit: bool = False

    @property
    def longest_trace(self) -> int:
        """How many actions a minimized trace of it may have."""
        return 2 * self.estimate + 4


@attrs.frozen
class Smaller:
    """A world with one cut, for shrinking.

    stage: "workload" for what users bring, "world" for what it runs on. what: the cut in a few
    words, which name it, so that it is tried once in a pass.
    """

    stage: str
    what: str
    world: Any


class Suite(Protocol):
    """A model with its properties."""

    name: str
    fault_classes: tuple[str, ...]
    components: tuple[str, ...]
    """What the dotted names of the components' modules begin with, for `--coverage`."""

    def properties(self) -> tuple[Property, ...]: ...

    def mutants(self) -> tuple[Mutant, ...]: ...

    def bugs(self) -> tuple[Bug, ...]:
        """The zoo of historical bugs; the name of one is taken wherever a mutant's is."""
        ...

    def world_names(self) -> tuple[str, ...]:
        """The names of the worlds that ship with the suite, as `Settings.world` takes them."""
        ...

    def read_world(self, files: tuple[Path, ...], settings: Settings) -> JsonMap:
        """The world document of some files (or the one that ships with the suite, without any).

        Raises InputError, one line, for anything that cannot be used.
        """
        ...

    def not_about(self, world: JsonMap) -> frozenset[str]:
        """The names of the properties that are about what cannot occur in a world."""
        ...

    def judged(self, world: JsonMap) -> tuple[str, ...]:
        """The properties that a world is about, by name; () for all."""
        ...

    def faults(self, world: JsonMap) -> Mapping[str, int]:
        """The fault budget of a world as it stands, by fault class."""
        ...

    def with_faults(self, world: JsonMap, faults: Mapping[str, int]) -> JsonMap:
        """The world with another fault budget."""
        ...

    def with_granularity(self, world: JsonMap, granularity: str) -> JsonMap: ...

    def with_symmetry(self, world: JsonMap) -> JsonMap:
        """The world with all that can be interchangeable in it declared so."""
        ...

    def scaled(self, world: JsonMap, sizes: Mapping[str, int]) -> JsonMap:
        """The world in other sizes, by axis (nodes, replicas); raises InputError for others."""
        ...

    def build(self, world: JsonMap, parts: Parts) -> AnySystem:
        """The system of a world document; raises InputError if it cannot be built."""
        ...

    def remarks(self, world: JsonMap) -> tuple[str, ...]:
        """Lines about the world that a reader of the report should know (uninterpreted kinds)."""
        ...

    def smaller(self, world: JsonMap) -> Iterator[Smaller]:
        """Worlds that are a little smaller, the workload first, the most promising cuts first."""
        ...

    def schema(self, name: str) -> JsonMap | None:
        """The JSON Schema of that name if the suite owns it (world)."""
        ...

    def prove(
        self, names: tuple[str, ...], policy: str | None, clock: Callable[[], float]
    ) -> Sequence[Any]:
        """The proofs of the named claims, or of all; about a policy, MODULE:CLASS, if given.

        Each has a `claim` and a `proof` (`kspec.smt.Claim`, `kspec.smt.Proof`), the verdict that
        is `expected` ("Refuted" for what is known to be false) and the `seconds` it took.
        Raises InputError for a name that no claim has.
        """
        ...

    def trials(
        self,
        names: tuple[str, ...],
        *,
        clock: Callable[[], float],
        sections: tuple[str, ...] = (),
        seed: int = 0,
        steps: int | None = None,
        out: Path = Path("kspec-out"),
        worlds: tuple[Path, ...] = (),
    ) -> Sequence[Callable[[Callable[[str], None]], Any]]:
        """A trial for each policy, each a function of what to say on the way to a
        `kspec.trial.Card`. Raises InputError for a policy, section or world that does not exist."""
        ...

    def compare(self, asked: Asked) -> Comparison:
        """The runs that compare policies on a trace or a world; raises InputError."""
        ...

    def explain_pod(self, pod: str, files: tuple[Path, ...], settings: Settings) -> Any:
        """Why a pod of a world, NAMESPACE/NAME or NAME, cannot be placed, or where it goes.

        Has `to_json()`, `lines()` for people, and `is_unknown`. Raises InputError for a world that
        cannot be used, and for a name that no pod has, or several.
        """
        ...

    def counterexample(self, proof: Any) -> tuple[JsonMap, ...]:
        """The objects of a refuted proof (`kspec.smt.Proof`), as users write them; () for none."""
        ...

    def counterexample_world(self, proof: Any) -> JsonMap | None:
        """The world on which the engine sees what a refuted proof claims, where there is one."""
        ...

    def exhaustible_world(self) -> JsonMap:
        """A small world, reduced as far as it goes, that exhaustive search comes to the end of."""
        ...

    def schedule(
        self, nodes: int, pods: int, clock: Callable[[], float], *, is_plain: bool = False
    ) -> tuple[Mapping[str, str], float]:
        """Where the default policy places so many pods on so many nodes, by pod, through the whole
        scheduling cycle, and the seconds that the cycles took; for `kspec bench`.

        Raises KspecError where a node ends up over-committed.
        """
        ...

    def bench_world(self, nodes: int, pods: int, active: tuple[int, int] | None = None) -> JsonMap:
        """A world with churn of that size, for `kspec bench`.

        active: how many of the nodes have processes, and how many of the pods churn; None: all.
        """
        ...


def load_suite(name: str = "kubernetes") -> Suite:
    """The registered suite of that name; raises InputError if none is installed."""
    for point in metadata.entry_points(group=GROUP):
        if point.name == name:
            suite: Suite = point.load()
            return suite
    raise InputError(
        f"no suite named {name} is installed", expected="an installation of kspec with its models"
    )
