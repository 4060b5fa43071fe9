"""The pytest plugin: in a project that asks for it, the properties of a world are test items.

It is silent until `--kspec`, `--kspec-replay TRACE` or the ini setting `kspec_world` asks for it,
and imports nothing of the engine before that. The items of one column of faults share one
exploration. With xdist each worker explores the columns of its own items (`--dist loadgroup` keeps
a column on one worker); the result is a function of the seed, so all of them see the same.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kspec.errors import KspecError

if TYPE_CHECKING:
    from kspec.check import Options, Plan, Report
    from kspec.explore import Violation
    from kspec.property import Property
    from kspec.suite import Suite

NODE = "kspec"
PREFIX = f"{NODE}::"
PASSING = ("Holds", "HoldsWithinBound", "NoViolation")

INI: tuple[tuple[str, Any, Any, str], ...] = (
    ("kspec_world", "args", None, "world file or manifests, from rootdir; empty: the built-in one"),
    ("kspec_faults", "string", "", "none, all, or a,b; default: where something is promised"),
    ("kspec_steps", "string", "20000", "steps per column of faults"),
    ("kspec_out", "string", "kspec-out", "folder of the traces of failures, from rootdir"),
    ("kspec_properties", "args", [], "MODULE:NAME adds a property of yours, NAME selects one"),
    ("kspec_controllers", "args", [], "MODULE:NAME of controllers of yours"),
)

CHOSEN = pytest.StashKey[list[str]]()
ITEMS = pytest.StashKey[list[pytest.Item]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("kspec", "kspec: the Kubernetes control plane, checked")
    add = group.addoption
    add("--kspec", action="store_true", help="make test items of the properties of a world")
    add("--kspec-seed", type=int, default=0, metavar="N", help="seed of all randomness")
    add("--kspec-steps", type=int, metavar="N", help="steps per column of faults")
    add("--kspec-policy", metavar="MODULE:NAME", help="a scheduling policy of yours")
    add(
        "--kspec-replay",
        action="append",
        default=[],
        metavar="TRACE",
        help="make a test item that fails as long as this trace ends in its violation",
    )
    for name, kind, default, what in INI:
        parser.addini(name, f"kspec: {what}", type=kind, default=default)


def pytest_configure(config: pytest.Config) -> None:
    """Take `kspec::...` out of the arguments: it is no file that pytest could look for."""
    config.stash[CHOSEN] = [arg for arg in config.args if arg.startswith(PREFIX)]
    config.args[:] = [arg for arg in config.args if not arg.startswith(PREFIX)]


def wants_properties(config: pytest.Config) -> bool:
    """Asked for by option, or by ini where no files or items are named."""
    if config.getoption("kspec") or config.stash[CHOSEN]:
        return True
    if config.getini("kspec_world") is None or config.getoption("kspec_replay"):
        return False
    is_given = config.args_source is pytest.Config.ArgsSource.ARGS
    return not (is_given and any("::" in arg or Path(arg).is_file() for arg in config.args))


def pytest_report_header(config: pytest.Config) -> str | None:
    if not wants_properties(config):
        return None
    world = " ".join(config.getini("kspec_world") or ()) or "the built-in world"
    return f"kspec: {world}, seed {config.getoption('kspec_seed')}, {steps_of(config):,} steps"


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Make the items at once, so that what cannot be used ends the session in one line."""
    config = session.config
    found: list[pytest.Item] = []
    if config.getoption("kspec_replay") or wants_properties(config):
        if str(config.rootpath) not in sys.path:
            sys.path.insert(0, str(config.rootpath))  # where MODULE:NAME are looked for
        try:
            found = list(WorldCollector.from_parent(session, name=NODE, nodeid=NODE).collect())
        except KspecError as error:
            raise pytest.UsageError(f"kspec: {error}") from error
    known = {item.nodeid for item in found}
    for name in config.stash[CHOSEN]:
        if name not in known:
            raise pytest.UsageError(f"kspec: no item {name}; --kspec --collect-only lists them")
    chosen = config.stash[CHOSEN] or known
    config.stash[ITEMS] = [item for item in found if item.nodeid in chosen]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    found = config.stash[ITEMS]
    if found:
        report = pytest.CollectReport(NODE, "passed", None, [*found])
        session.ihook.pytest_collectreport(report=report)  # so that they are counted
        items += found


def steps_of(config: pytest.Config) -> int:
    given = config.getoption("kspec_steps")
    text = str(config.getini("kspec_steps") if given is None else given)
    if not text.isdigit() or int(text) < 1:
        raise pytest.UsageError(f"kspec: steps are {text!r}; expected a number above 0")
    return int(text)


def options_of(config: pytest.Config) -> Options:
    """What `kspec check` would be asked."""
    from kspec.check import Options
    from kspec.suite import Settings

    return Options(
        files=tuple(config.rootpath / name for name in config.getini("kspec_world") or ()),
        settings=Settings(policy=config.getoption("kspec_policy")),
        faults=config.getini("kspec_faults") or None,
        seed=config.getoption("kspec_seed"),
        steps=steps_of(config),
        controllers=tuple(config.getini("kspec_controllers")),
        out=config.rootpath / config.getini("kspec_out"),
    )


def plan_of(suite: Suite, options: Options, names: list[str]) -> Plan:
    """The plan of the known properties, or those that were selected, and the user's own."""
    import attrs

    from kspec.check import make_plan

    plan = make_plan(suite, attrs.evolve(options, properties=tuple(names)))
    if names and all(":" in name for name in names):
        return attrs.evolve(plan, rows=(*make_plan(suite, options).rows, *plan.rows))
    return plan


class WorldCollector(pytest.Collector):
    """The items of one world: the traces to replay, and each property in each column."""

    def collect(self) -> Iterator[pytest.Item]:
        for path in self.config.getoption("kspec_replay"):
            trace = self.config.invocation_params.dir / path
            yield ReplayItem.from_parent(self, name=f"replay[{trace.name}]", trace=trace)
        if wants_properties(self.config):
            yield from self.properties()

    def properties(self) -> Iterator[pytest.Item]:
        import attrs

        from kspec.check import explore_plan
        from kspec.suite import load_suite

        suite, options = load_suite(), options_of(self.config)
        plan = plan_of(suite, options, self.config.getini("kspec_properties"))
        suite.build(plan.world, plan.parts)  # what cannot be built is an error of usage
        for column in plan.columns:
            alone = attrs.evolve(plan, columns=(column,))
            explore = cache(partial(explore_plan, suite, alone, options))
            for prop in plan.rows:
                name = f"{prop.name}[{column.name}]"
                yield PropertyItem.from_parent(
                    self, name=name, prop=prop, plan=alone, explore=explore
                )


class Broken(Exception):
    """An item fails; the text says why, and how to see it again."""


class KspecItem(pytest.Item):
    """An item whose failure is told in the words of kspec, without a traceback."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        is_told = isinstance(excinfo.value, Broken | KspecError)
        return str(excinfo.value) if is_told else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.config.rootpath / NODE, None, self.name


class PropertyItem(KspecItem):
    """One property in one column of faults, explored when the first of its items runs."""

    def __init__(
        self, prop: Property, plan: Plan, explore: Callable[[], Report], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.prop, self.plan, self.explore = prop, plan, explore
        self.column = plan.columns[0]
        if self.config.pluginmanager.hasplugin("xdist"):
            self.add_marker(pytest.mark.xdist_group(f"{NODE}-{self.column.name}"))

    def runtest(self) -> None:
        from kspec.report import failure_lines, to_text

        if not self.plan.is_judged(self.prop, self.column):
            pytest.skip(f"NotPromised: not promised under {self.column.name}")
        report = self.explore()
        result = report.result(self.prop.name, self.column.name)
        if result.verdict == "Fails" and not result.known_limit:
            found = [f for f in report.failures if f.property.name == self.prop.name]
            lines = [line for failure in found for line in failure_lines(failure)]
            raise Broken(to_text(lines or [result.reason]).rstrip())
        if report.is_interrupted:
            raise KeyboardInterrupt
        if result.verdict not in PASSING:
            pytest.skip(f"{result.verdict}: {result.reason}")


class ReplayItem(KspecItem):
    """A trace as a regression test: it fails until what it shows is fixed."""

    def __init__(self, trace: Path, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.trace = trace

    def runtest(self) -> None:
        from kspec.report import replay_line

        found = self.violation()
        if found is not None:
            raise Broken(
                f"{found.property} is still violated: {found.witness or 'see the replay'}\n"
                f"  by the trace {self.trace}\n"
                "  this test passes once the trace no longer ends in a violation\n"
                f"  replay:  {replay_line(str(self.trace))}"
            )

    def violation(self) -> Violation | None:
        """What the trace ends in: step by step, or else by those steps that are still enabled."""
        import attrs

        from kspec import trace as traces
        from kspec.explore import Violation
        from kspec.replay import Replay, replay_leniently
        from kspec.suite import load_suite
        from kspec.testing import parts_of, property_of

        trace = traces.read(self.trace)
        suite = load_suite(trace.options.get("suite") or "kubernetes")
        prop, parts = property_of(suite, trace, str(self.trace)), parts_of(trace)
        policy = self.config.getoption("kspec_policy") or parts.policy
        system = suite.build(trace.world, attrs.evolve(parts, policy=policy))
        found = Replay(system, prop, trace).outcome.violation
        if found is not None:
            return found
        actions = tuple(system.decode(text) for text in trace.actions)
        like = Violation(property=prop.name, kind=trace.kind, witness="", actions=actions)
        return replay_leniently(system, prop, actions, like)
