"""Deliberately wrong policies are convicted of the right charge; those that ship are of nothing.

Each is tried in the one world of the trial that is about its crime; KSPEC_SLOW=1 puts every one
through the whole sections, as `kspec policy check` does.
"""

import os

import pytest
from click.testing import CliRunner

from kspec.cli import main
from kspec.errors import EXIT_VIOLATION
from kspec_models.scheduler.policies import load_policy
from kspec_properties.trial import exploring
from kspec_properties.trial.check import STEPS as CHECK_STEPS
from kspec_properties.trial.check import Trial, check_policy
from kspec_properties.trial.sanity import section as sanity
from kspec_properties.trial.worlds import LIVENESS, LOOPS, SAFETY

SHORT = 12
"""Actions that a trace may have at most."""
STEPS = 1_000
slow = pytest.mark.skipif(
    not os.environ.get("KSPEC_SLOW"), reason="takes minutes; set KSPEC_SLOW=1 to run it"
)

BY_A_TRACE = {
    "forgets_pod_count:ForgetsPodCount": ("over-commit", "two-pods-a-node"),
    "ignores_init_containers:IgnoresInitContainers": ("over-commit", "init-containers"),
    "ignores_extended_resources:IgnoresExtendedResources": ("over-commit", "other-resources"),
    "forgets_overhead:ForgetsOverhead": ("over-commit", "overhead"),
    "stale_cache:StaleCache": ("over-commit", "tight-memory"),
    "stale_room:StaleRoom": ("over-commit", "tight-memory"),
    "ignores_taint:IgnoresTaint": ("unfit-node", "taints-and-cordons"),
    "ignores_cordon:IgnoresCordon": ("unfit-node", "taints-and-cordons"),
    "ignores_node_selector:IgnoresNodeSelector": ("unfit-node", "selectors-and-ports"),
    "ignores_host_ports:IgnoresHostPorts": ("unfit-node", "selectors-and-ports"),
    "ignores_anti_affinity:IgnoresAntiAffinity": ("unfit-node", "anti-affinity"),
    "ignores_nominated_pods:IgnoresNominatedPods": ("takes-nominated-room", "a-rival-arrives"),
    "preempts_higher_priority:PreemptsHigherPriority": ("priority-inversion", "nobody-to-preempt"),
    "evicts_in_vain:EvictsInVain": ("victims-do-not-help", "nobody-to-preempt"),
    "evicts_too_many:EvictsTooMany": ("needless-victim", "two-preemptors"),
    "starves:Starves": ("starvation", "low-beside-high"),
    "starves_the_large:StarvesTheLarge": ("starvation", "a-whole-node"),
    "never_retries:NeverRetries": ("never-retried", "room-is-made"),
    "hints_say_no:HINTS_SAY_NO": ("never-retried", "a-node-is-added"),
}
"""The charge that a trace in a world of the trial shows."""

BY_AN_INPUT = {
    "returns_nan:ReturnsNan": "not-a-number",
    "returns_wrong_type:ReturnsWrongType": "wrong-type",
    "score_out_of_range:ScoreOutOfRange": "score-out-of-range",
    "mutates_node:MutatesNode": "mutates-input",
    "depends_on_list_order:DependsOnListOrder": "depends-on-list-order",
    "depends_on_node_names:DependsOnNodeNames": "depends-on-node-names",
    "reads_first_label:READS_FIRST_LABEL": "depends-on-list-order",
    "remembers_names:RemembersNames": "not-deterministic",
}
"""The charge that a generated cluster shows."""

IN_A_WORLD = {
    "raises_sometimes:RaisesSometimes": "raises",
    "picks_unknown_node:PicksUnknownNode": "unknown-node",
    "loops_forever:LoopsForever": "hangs",
}
"""Misconduct that ends a section."""

LOOPING = {
    "preemption_loop:PreemptionLoop": "equals-come-back",
    "evicts_and_refuses:EvictsAndRefuses": "victims-come-back",
}
BUILT_IN = ("default", "first-fit", "best-fit", "most-allocated")


def trial(name, folder, steps=STEPS):
    return Trial(name=name, policy=load_policy(name), out=folder, steps=steps)


def tried(name, world, folder):
    """What the exploring section of a world finds, in that world alone."""
    asked = trial(name, folder).exploring()
    for section, worlds in ((exploring.safety, SAFETY), (exploring.liveness, LIVENESS)):
        chosen = tuple(w for w in worlds if w.name == world)
        if chosen:
            return section(asked, chosen) if worlds is SAFETY else section(asked, chosen, ())
    raise AssertionError(f"no world is called {world}")


@pytest.mark.parametrize("name", BY_A_TRACE)
def test_a_wrong_policy_is_convicted_by_a_short_trace_that_replays(name, tmp_path):
    charge_name, world = BY_A_TRACE[name]
    found = tried(f"wrong_policies.{name}", world, tmp_path)
    charges = {charge.name: charge for charge in found.charges}
    assert charge_name in charges, found
    charge = charges[charge_name]
    assert charge.actions is not None and charge.actions <= SHORT
    replayed = CliRunner().invoke(main, ["replay", charge.trace])
    assert replayed.exit_code == EXIT_VIOLATION, replayed.output


@pytest.mark.parametrize("name", BY_AN_INPUT)
def test_misconduct_is_convicted_by_the_input_that_provoked_it(name):
    found = sanity(load_policy(f"wrong_policies.{name}"), lambda: 0.0, seconds=1.0)
    charges = {charge.name: charge for charge in found.charges}
    assert BY_AN_INPUT[name] in charges, found
    assert charges[BY_AN_INPUT[name]].input


@pytest.mark.parametrize("name", ("hashes_text:HashesText", "reads_the_clock:ReadsTheClock"))
def test_what_differs_in_another_process_or_on_another_day_is_not_deterministic(name):
    path = f"wrong_policies.{name}"
    found = sanity(load_policy(path), lambda: 0.0, name=path, clusters=40)
    assert [charge.name for charge in found.charges] == ["not-deterministic"]
    assert "another process" in found.charges[0].text


@pytest.mark.parametrize("name", IN_A_WORLD)
def test_misconduct_in_a_world_is_named_with_its_line(name, tmp_path):
    card = check_policy(trial(f"wrong_policies.{name}", tmp_path), ("safety",))
    (charge,) = card.charges
    assert charge.name == IN_A_WORLD[name]
    assert name.partition(":")[0] in charge.place
    assert "kind: Node" in charge.input


@pytest.mark.parametrize("name", LOOPING)
def test_evictions_that_go_on_for_ever_are_a_preemption_loop(name, tmp_path):
    worlds = tuple(world for world in LOOPS if world.name == LOOPING[name])
    found = exploring.liveness(trial(f"wrong_policies.{name}", tmp_path).exploring(), (), worlds)
    assert [charge.name for charge in found.charges] == ["preemption-loop"]
    assert "kind: ReplicaSet" in found.charges[0].input


def test_the_default_policy_is_convicted_of_nothing(tmp_path):
    card = check_policy(trial("default", tmp_path, steps=400), ("safety", "liveness"))
    assert not card.charges


@slow
@pytest.mark.parametrize("name", BUILT_IN)
def test_the_policies_that_ship_are_convicted_of_nothing(name, tmp_path):
    card = check_policy(trial(name, tmp_path, steps=10_000), ("safety", "liveness"))
    assert not card.charges


@slow
@pytest.mark.parametrize("name", BY_A_TRACE)
def test_the_whole_trial_finds_the_crime_by_itself(name, tmp_path):
    path = f"wrong_policies.{name}"
    card = check_policy(trial(path, tmp_path, steps=CHECK_STEPS), ("safety", "liveness"))
    assert BY_A_TRACE[name][0] in [charge.name for charge in card.charges]
