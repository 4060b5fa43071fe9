"""What a checkpoint promises: a stopped search ends with the counts of one that was not stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
import toys
from toys import graphs

from kspec.errors import InputError
from kspec.explore import bfs, judge
from kspec.explore.determinism import Twice
from kspec.explore.exhaustive.resuming import SAMPLE
from kspec.result import Answer

HERE = Path(__file__).parent
CASES = {
    "die hard": (toys.die_hard(), [toys.not_four_litres, toys.mutual_exclusion][:1]),
    "two-phase commit": (toys.two_phase_commit(3), [toys.consistent, toys.all_commit]),
    "service": (toys.service(heals=False), [toys.submitted_leads_to_served]),
    "dropping worker": (toys.dropping_worker(), [toys.asked_leads_to_done]),
    "counters": (
        graphs.counters(3, 4),
        [graphs.never_all_at(2), graphs.never_wraps(), graphs.never_all_at(9)],
    ),
}
CASES["counters"][1][2] = attrs.evolve(CASES["counters"][1][2], name="never-nine")


def whole(exploration):
    return attrs.evolve(exploration, memory=None)


def interrupt_at(states):
    def on_progress(transitions, found, depth):
        if found >= states:
            raise KeyboardInterrupt

    return on_progress


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("has_properties", [False, True])
def test_search_stopped_after_every_level_ends_as_if_it_never_was(name, has_properties, tmp_path):
    system, properties = CASES[name]
    asked = properties if has_properties else []
    expected = bfs(system, asked, checkpoint=tmp_path / "once")
    depth, resumed = 0, None
    while resumed is None or resumed.bound:
        depth += 1
        resumed = bfs(system, asked, checkpoint=tmp_path / "often", max_depth=depth)
    assert whole(resumed) == whole(expected) and depth > 4


@pytest.mark.parametrize(
    "options", [{"mark": graphs.sorted_counters}, {"delays": 2}, {"faults": 0}]
)
def test_search_with_options_goes_on_from_its_checkpoint(options, tmp_path):
    system, prop = graphs.counters(3, 4), graphs.never_all_at(2)
    expected = bfs(system, [prop], **options)
    for limit in (5, 9, 14):
        stopped = bfs(system, [prop], checkpoint=tmp_path, max_states=limit, **options)
        assert stopped.states == limit
    resumed = bfs(system, [prop], checkpoint=tmp_path, **options)
    assert whole(resumed) == whole(expected)


def test_search_in_files_goes_on_from_its_checkpoint(tmp_path):
    options = {"checkpoint": tmp_path / "c", "memory": 500, "spill": tmp_path / "s"}
    assert bfs(graphs.counters(3, 6), max_states=150, **options).states == 150
    resumed = bfs(graphs.counters(3, 6), **options)
    assert (resumed.states, resumed.transitions, resumed.exhausted) == (216, 648, True)
    assert resumed.memory.file_bytes > 1_000


def test_search_stopped_by_time_or_by_the_user_goes_on(tmp_path):
    system = toys.two_phase_commit(3)
    asked = iter([False, True])
    stopped = bfs(system, checkpoint=tmp_path, is_out_of_time=lambda: next(asked))
    assert "limit of time" in stopped.limit
    stopped = bfs(system, checkpoint=tmp_path, on_progress=interrupt_at(200))
    assert stopped.interrupted and stopped.states >= 200
    resumed = bfs(system, checkpoint=tmp_path)
    assert (resumed.states, resumed.transitions) == (288, 1_145) and resumed.exhausted


SCRIPT = """
import os, signal, sys
from pathlib import Path
import toys
from kspec.explore import bfs

def die(transitions, states, depth):
    if states > int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

bfs(toys.two_phase_commit(4), [toys.consistent], checkpoint=Path(sys.argv[1]), on_progress=die)
"""


@pytest.mark.parametrize("states", [0, 300, 1_200])
def test_search_that_was_killed_goes_on_to_the_exact_counts(states, tmp_path):
    path = os.pathsep.join([str(HERE), str(HERE.parent)])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), str(states)],
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == -signal.SIGKILL
    resumed = bfs(toys.two_phase_commit(4), [toys.consistent], checkpoint=tmp_path)
    assert (resumed.states, resumed.transitions) == toys.brute_force(toys.two_phase_commit(4))
    assert judge(toys.consistent, resumed).verdict is Answer.HOLDS


def test_search_goes_on_without_taking_again_what_it_took(tmp_path):
    class Counted(Twice):
        def step(self, state, action):
            taken.append(action)
            return self._system.step(state, action)

    taken: list[object] = []
    system = Counted(graphs.counters(3, 6))
    bfs(system, checkpoint=tmp_path, max_depth=14)
    taken.clear()
    assert bfs(system, checkpoint=tmp_path).states == 216
    assert len(taken) < SAMPLE + 250, "the way to the last states, and what was left to take"
    taken.clear()
    assert bfs(system, checkpoint=tmp_path).exhausted
    assert len(taken) <= SAMPLE, "only to see that it is the same system"


def test_violations_of_an_unfinished_level_are_kept(tmp_path):
    system = graphs.counters(3, 4)
    properties = [graphs.never_all_at(1), attrs.evolve(graphs.never_all_at(3), name="never-three")]
    told = []

    def stop(violation):
        told.append(violation)
        raise KeyboardInterrupt

    first = bfs(system, properties, checkpoint=tmp_path, on_violation=stop)
    assert first.interrupted and first.violations == tuple(told)
    told_again = []
    resumed = bfs(system, properties, checkpoint=tmp_path, on_violation=told_again.append)
    assert resumed.violations[0] == told[0] and len(resumed.violations) == 2
    assert told_again == list(resumed.violations)
    assert whole(resumed) == whole(bfs(system, properties))


def begun(directory, **options):
    bfs(toys.two_phase_commit(3), [toys.consistent], checkpoint=directory, max_depth=4, **options)
    return directory


def resume(directory, **options):
    return bfs(toys.two_phase_commit(3), [toys.consistent], checkpoint=directory, **options)


def damage(path, change):
    data = bytearray(path.read_bytes())
    path.write_bytes(change(data))


def flip(data):
    data[len(data) // 2] ^= 4
    return data


@pytest.mark.parametrize("name", ["manifest.json", "level-000002"])
@pytest.mark.parametrize(
    "change", [flip, lambda data: data[:-3], lambda data: b"", lambda data: b"{}" + data]
)
def test_damaged_checkpoint_gives_one_clear_line(name, change, tmp_path):
    damage(begun(tmp_path) / name, change)
    with pytest.raises(
        InputError, match=r"^\S+: the checkpoint is damaged: .*; expected "
    ) as error:
        resume(tmp_path)
    assert "\n" not in str(error.value) and str(tmp_path) in str(error.value)


def test_checkpoint_without_one_of_its_levels_gives_one_clear_line(tmp_path):
    (begun(tmp_path) / "level-000001").unlink()
    with pytest.raises(InputError, match="level 1 cannot be read: No such file"):
        resume(tmp_path)


def test_checkpoint_of_another_schema_is_refused(tmp_path):
    manifest = begun(tmp_path) / "manifest.json"
    document = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**document, "schema": "kspec.dev/checkpoint/v9"}))
    with pytest.raises(InputError, match=r"is of schema 'kspec.dev/checkpoint/v9'"):
        resume(tmp_path)


@pytest.mark.parametrize(
    ("system", "properties", "options", "what"),
    [
        (toys.two_phase_commit(4), [toys.consistent], {}, "the system differs"),
        (toys.two_phase_commit(3), [], {}, "the list of properties differs"),
        (toys.two_phase_commit(3), [toys.consistent], {"delays": 1}, "the bound on schedules"),
        (toys.two_phase_commit(3), [toys.consistent], {"mark": id}, "the use of symmetry differs"),
        (toys.two_phase_commit(3), [toys.consistent], {"identity": "b"}, "the identity that was"),
    ],
)
def test_checkpoint_of_another_search_is_refused(system, properties, options, what, tmp_path):
    begun(tmp_path)
    with pytest.raises(InputError, match=f"the checkpoint is of another search: {what}"):
        bfs(system, properties, checkpoint=tmp_path, **options)


@pytest.mark.parametrize(
    ("other", "how"),
    [
        (graphs.overtaking(2), "an action of the search log is not enabled"),
        (graphs.overtaking(4, stride=2), "its actions lead to other states"),
    ],
)
def test_checkpoint_of_a_system_that_differs_only_in_other_runs_is_refused(other, how, tmp_path):
    bfs(graphs.overtaking(4), checkpoint=tmp_path, max_depth=3)
    with pytest.raises(InputError, match=f"the checkpoint is of another system: {how}"):
        bfs(other, checkpoint=tmp_path)


def test_checkpoint_in_a_place_that_cannot_be_used_is_refused(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="the checkpoint cannot be used: "):
        resume(tmp_path / "file")


def test_search_whose_checkpoint_cannot_be_written_is_unknown(tmp_path):
    (tmp_path / "level-000002.new").mkdir()
    result = judge(toys.consistent, resume(tmp_path))
    assert result.verdict is Answer.UNKNOWN
    assert result.reason.startswith("stopped: cannot write the checkpoint: Is a directory")
