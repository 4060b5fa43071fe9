"""No fight: a system at rest rests, and a cycle that never ends is found and its writers named."""

from cluster_runs import settled

from kspec.explore import search
from kspec_models.building import build
from kspec_models.controllers.worker import Worked
from kspec_models.host import Watch
from kspec_models.objects import freeze
from kspec_models.recurrence import Recurrences
from kspec_models.requests import Patch
from kspec_models.world import World
from kspec_models.worlds import deployment, pod
from kspec_properties.fights import no_fight
from kspec_properties.mutants.fights import MUTANTS


class Painter:
    """A user's controller that wants one label of each pod to have its colour."""

    def __init__(self, colour):
        self.colour, self.name, self.watches = colour, colour, (Watch("pods"),)

    def initial(self):
        return None

    def handle(self, memory, event, view):
        return memory, ((event.key,) if event.new is not None else ())

    def reconcile(self, memory, key, view):
        entry = view.caches["pods"].get(f"pods/{key}")
        if entry is None or entry.value.metadata.labels.get("colour") == self.colour:
            return Worked(memory)
        patch = freeze({"metadata": {"labels": {"colour": self.colour}}})
        return Worked(memory, (Patch("pods", key, patch),))

    def answer(self, memory, call, request, response, view):
        return Worked(memory)


def fought(*colours, granularity="request"):
    world = World(nodes=1, objects=(pod("p"),), granularity=granularity)
    cluster = build(world, controllers=tuple(map(Painter, colours)))
    return search(cluster, [no_fight], seed=0, steps=4_000)


def test_two_controllers_that_undo_each_other_are_named():
    for granularity in ("request", "reconcile"):
        violation = fought("red", "blue", granularity=granularity).violation_of("no-fight")
        assert violation.suffix.cycle
        assert "blue (Patch pods) against red (Patch pods)" in violation.witness


def test_one_controller_with_its_way_comes_to_rest():
    assert fought("red").violation_of("no-fight") is None


def test_pods_that_are_made_anew_for_ever_are_a_cycle():
    (mutant,) = MUTANTS
    for replicas, nodes in ((1, 1), (3, 2)):
        world = World(nodes=nodes, objects=(deployment("web", replicas),))
        seen = search(build(world, mutate=mutant.change), [no_fight], seed=0, steps=4_000)
        violation = seen.violation_of("no-fight")
        assert violation.suffix.cycle and "Create pods, Delete pods" in violation.witness
        assert (
            search(build(world), [no_fight], seed=0, steps=4_000).violation_of("no-fight") is None
        )


def replaced(times):
    """Where a world rests whose user has deleted the newest pod so many times."""
    names = [f"web-8448fb8f75-{number}" for number in range(2, 2 + times)]
    operations = tuple({"delete": {"kind": "Pod", "name": name}} for name in names)
    world = World(nodes=1, objects=(deployment("web", 2),), operations=operations)
    cluster = build(world)
    state = settled(cluster).draft()
    state.put_outside(state.clock, state.environment._replace(operation=0))
    return cluster, state


def test_a_state_is_marked_alike_whatever_its_names_were_before():
    """A pod is deleted and made anew: another name, uid and address, and the same mark."""
    (cluster, first), (_, second) = replaced(1), replaced(2)
    names = {entry.value.name for entry in second.api.store.bucket("pods").entries()}
    assert names == {"web-8448fb8f75-1", "web-8448fb8f75-4"}
    assert Recurrences().mark(second) == Recurrences().mark(first)
    assert cluster.fingerprint(second) != cluster.fingerprint(first)


def test_a_state_with_more_pods_is_marked_otherwise():
    marks = {
        Recurrences().mark(settled(build(World(nodes=1, objects=(deployment("web", count),)))))
        for count in (1, 2, 3)
    }
    assert len(marks) == 3
