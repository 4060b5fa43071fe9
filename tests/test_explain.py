"""What an explanation promises: facts of the trace, and only what was tried."""

from __future__ import annotations

import attrs
import pytest
import toys
from toys import suite as tank

from kspec import suite as suites
from kspec.check import failures
from kspec.check.failures import Scene
from kspec.check.options import Options
from kspec.check.plan import make_plan
from kspec.explain import explain
from kspec.explain.variation import Varied, Walk
from kspec.explore import Violation, bfs, search
from kspec.property import eventually_stable, invariant
from kspec.replay import replay_leniently

SUITE = suites.load_suite()
MOST_REPLAYS = 250


def small_failure(mutant: str, seed: int = 0):
    """The scene, property and minimized violation of a mutant."""
    plan = make_plan(SUITE, Options(mutant=mutant))
    (column,), prop = plan.columns, plan.rows[0]
    scene = Scene.of(SUITE, plan, column)
    seen = search(
        scene.system,
        plan.explored(column),
        seed=seed,
        steps=40_000,
        stop_at_first=True,
        awaited_faults=tuple(column.budget),
    )
    found = seen.violation_of(prop.name)
    assert found is not None
    scene, small = failures.make_small(scene, prop, found)
    return scene, prop, small


def explained(mutant: str, seed: int = 0):
    scene, prop, violation = small_failure(mutant, seed)
    return explain(scene.system, prop, violation)


def test_a_stale_read_names_the_reader_the_write_and_the_writer():
    found = explained("replicaset-forgets-expectations")
    breaking, reading, nearest = found.lines
    assert breaking.startswith("Step 3 breaks it, Reconcile(replicaset, default/web): pods ")
    assert reading == (
        "In step 3 controller-manager acted without having seen pods default/web-2@1, which step "
        "1, Reconcile(replicaset, default/web), had written; it knew no default/web-2."
    )
    assert nearest == (
        "If Sync(controller-manager, pods, upto=default/web-2@1) comes before step 3, "
        "nothing breaks."
    )
    assert found.cause.unseen == "a create of pods by replicaset"


def test_what_was_unseen_is_the_difference_between_cursor_and_store():
    scene, prop, violation = small_failure("assume-is-not-charged")
    walk, causes = Walk(scene.system, prop, violation), scene.system.explainer()
    first, second = walk.recorded
    assert causes.unseen(first.before, first.action) == ()
    ((unseen,),) = causes.unseen(second.before, second.action)
    assert (unseen.reader, unseen.source, unseen.write) == ("scheduler", "pods", "pods default/a@2")
    assert unseen.seen == "default/a@1"
    state = second.before
    for delivery in unseen.actions:
        state = scene.system.step(state, delivery)
    assert causes.unseen(state, second.action) == ()


@pytest.mark.parametrize("mutant", ["assume-is-not-charged", "bind-overwrites"])
def test_the_nearest_trace_passes_and_leaves_the_rest_as_it_is(mutant):
    scene, prop, violation = small_failure(mutant)
    nearest = explain(scene.system, prop, violation).nearest
    assert nearest is not None and nearest.change in ("delivery", "swap")
    actions = tuple(map(scene.system.decode, nearest.actions))
    assert replay_leniently(scene.system, prop, actions, violation) is None
    rest = list(nearest.actions)
    for action in violation.actions:
        rest.remove(scene.system.encode(action))
    assert all(text.startswith(("Sync(", "Handle(")) for text in rest)
    assert bool(rest) == (nearest.change == "delivery")


def test_a_bug_of_logic_is_not_blamed_on_timing():
    found = explained("filter-forgets-memory")
    assert found.lines[-1] == "First come, first served, without any fault, it breaks as well."
    assert found.nearest is None and not found.cause.unseen and not found.cause.faults


def test_a_fault_is_a_cause_where_nothing_breaks_without_it():
    scene, prop, violation = small_failure("failed-binds-are-forgotten")
    found = explain(scene.system, prop, violation)
    assert found.cause.faults == ("lost-request",)
    (line,) = [line for line in found.lines if line.startswith("The fault in step")]
    assert "LoseRequest(" in line and "the request was never applied" in line
    without = tuple(a for a in violation.actions if not scene.system.fault_class(a))
    assert replay_leniently(scene.system, prop, without, violation) is None


def test_liveness_says_what_stays_undone_and_why_nobody_will_do_it():
    found = explained("pending-pods-are-forgotten")
    assert found.lines[0].startswith("It stays so for ever: default/b is pending")
    assert found.lines[1] == "Host scheduler keeps default/b among its unschedulable pods."
    assert found.lines[2].startswith("Nobody will act again: every watch is up to date")
    assert found.cause.stuck == ("scheduler unschedulable",)


def test_a_cache_that_is_wrong_for_good_is_named():
    found = explained("deletions-are-not-delivered")
    (line, *_) = [line for line in found.lines if line.startswith("The cache of")]
    assert "pods of scheduler has default/a@" in line and "the store has it no more" in line


@pytest.mark.parametrize("mutant", [mutant.name for mutant in SUITE.mutants()])
def test_every_mutant_is_explained_in_five_lines_at_most(mutant):
    scene, prop, violation = small_failure(mutant)
    found = explain(scene.system, prop, violation)
    assert 1 <= len(found.lines) <= 5 and all(line.endswith(".") for line in found.lines)
    assert found.replays <= MOST_REPLAYS
    assert found == explain(scene.system, prop, violation)
    assert found.to_json()["cause"]["text"] == found.cause.text


def test_a_system_that_tells_nothing_of_causes_is_explained_by_variants():
    system, prop = toys.binding(3), toys.within_capacity()
    (found,) = bfs(system, [prop]).violations
    explanation = explain(system, prop, found)
    assert explanation.lines[0].startswith("Step 3 breaks it, Bind(")
    assert explanation.nearest is not None and "nothing breaks" in explanation.nearest.text
    varied = Walk(system, prop, found).vary(tuple(map(system.decode, explanation.nearest.actions)))
    assert varied.passes


def test_a_variant_that_only_puts_the_violation_off_does_not_pass():
    system = tank.pumping({**tank.SPEC, "orders": 3}, is_blind=True)
    (found,) = bfs(system, [tank.no_overflow]).violations
    walk = Walk(system, tank.no_overflow, found)
    assert walk.vary(()).breaks
    assert walk.vary((), is_continued=False).passes


def test_what_is_broken_from_the_start_is_said_to_be():
    @invariant(source="a toy")
    def never(state) -> bool:
        """Never. False."""
        return False

    found = Violation(property="never", kind="", witness="", actions=())
    assert explain(toys.die_hard(), never, found).lines[0] == (
        "It is broken in the first state already, before any action."
    )


def turning():
    """A light that goes on and off for ever, and what it never does."""

    def moves(is_on):
        yield toys.Act("lamp", "Off" if is_on else "On"), not is_on

    acts = (toys.Act("lamp", "On"), toys.Act("lamp", "Off"))
    never_green = eventually_stable(
        "turns-green", promise="It turns green.", then=lambda is_on: False, source="a toy"
    )
    return toys.toy(False, moves, actions=acts), never_green, acts


def test_what_goes_round_is_said_and_a_given_cycle_has_no_variants():
    system, prop, acts = turning()
    (found,) = search(system, [prop], seed=0, steps=50).violations
    assert found.suffix is not None and found.suffix.cycle == 2
    given = attrs.evolve(found, actions=(), suffix=None, cycle=acts)
    for violation in (found, given):
        lines = explain(system, prop, violation).lines
        assert lines[0] == "It stays so for ever: It turns green."
        assert lines[1].startswith("What goes round: O")
        assert all(str(act) in lines[1] for act in acts)
    assert explain(system, prop, given).nearest is None


def test_a_variant_that_goes_on_at_its_bound_is_said_to_pass_so_far():
    def moves(s):
        yield toys.Act("counter", "Count"), s + 1
        yield toys.Act("fault", "Break"), -1

    @invariant(source="a toy")
    def counts(s) -> bool:
        """It is never broken. False."""
        return s >= 0

    system = toys.toy(0, moves)
    breaking = (toys.Act("fault", "Break"),)
    found = Violation(property=counts.name, kind="", witness="", actions=breaking)
    varied = Walk(system, counts, found).vary(())
    assert varied.passes and varied.passing == "nothing breaks in the next 300 steps"
    assert Varied(passes=True, executed=1).passing == "nothing breaks"
    lines = explain(system, counts, found).lines
    assert lines[-1].endswith("without it nothing breaks in the next 300 steps.")
