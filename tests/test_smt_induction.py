"""Induction: a running sum on any number of nodes, a stale view and the lemma that mends it."""

from functools import partial

import pytest

from kspec.smt import Limits, Operation, inductive, unbounded

# One node's accounts: what the scheduler's cache has charged, and the true sum it stands for.
COLUMNS = ("allocatable", "cached", "assumed", "bound", "leaving")


def moves(name, guard, *changes):
    """An operation that moves `request` at one node: each change is (column, sign)."""

    def step(table, inputs):
        node, request = inputs["node"], inputs["request"]
        row = table[node]
        if request < 0 or not guard(row, request):
            return None
        return table.changed(node, {c: row[c] + sign * request for c, sign in changes})

    return Operation(name, step, ("node", "request"), ("node",))


def assume_only_what_fits(row, request):
    return request <= row["allocatable"] - row["cached"]


def has(column):
    return lambda row, request: request <= row[column]


def node_update(table, inputs):
    """A node grows or shrinks, down to what is charged."""
    if inputs["size"] < table[inputs["node"]]["cached"]:
        return None
    return table.changed(inputs["node"], {"allocatable": inputs["size"]})


OPERATIONS = (
    moves("assume", assume_only_what_fits, ("cached", 1), ("assumed", 1)),
    moves("bind_answered_yes", has("assumed"), ("assumed", -1), ("bound", 1)),
    moves("bind_answered_no", has("assumed"), ("assumed", -1), ("cached", -1)),
    moves("bind_request_lost", has("assumed"), ("assumed", -1), ("cached", -1)),
    moves("forget", has("assumed"), ("assumed", -1), ("cached", -1)),
    moves("confirm", has("bound")),
    moves("delete_in_store", has("bound"), ("bound", -1), ("leaving", 1)),
    moves("delete_seen", has("leaving"), ("leaving", -1), ("cached", -1)),
    Operation("node_update", node_update, ("node", "size"), ("node",)),
)
ANSWER_LOST = moves(
    "bind_answer_lost", has("assumed"), ("assumed", -1), ("cached", -1), ("bound", 1)
)


def true_sum(row):
    return row["assumed"] + row["bound"] + row["leaving"]


INVARIANTS = {
    "the cache is the true sum": lambda row: row["cached"] == true_sum(row),
    "no account is negative": lambda row: min(row[c] for c in COLUMNS[2:]) >= 0,
    "nothing is over-committed": lambda row: row["bound"] <= row["allocatable"],
    "the cache fits": lambda row: row["cached"] <= row["allocatable"],
}
SAME_CHANGE = {
    "the cache changes as the true sum": lambda before, after: (
        after["cached"] - before["cached"] == true_sum(after) - true_sum(before)
    )
}


def empty(row):
    return row["allocatable"] >= 0 and all(row[c] == 0 for c in COLUMNS[1:])


def prove_running_sum(operations, **options):
    return unbounded("running sum", COLUMNS, INVARIANTS, empty, operations, **options)


def test_the_running_sum_is_kept_by_every_operation_on_any_number_of_nodes():
    """Induction over an unbounded set of nodes; each operation is enabled somewhere."""
    proof = prove_running_sum(OPERATIONS, transitions=SAME_CHANGE)
    assert (proof.verdict, proof.accepting_path) == ("Proved", True)
    assert prove_running_sum(OPERATIONS, limits=Limits(int64=True)).verdict == "Proved"


def test_a_lost_answer_is_refuted_at_the_node_it_touches():
    """The store has the pod and the cache forgot it."""
    proof = prove_running_sum((*OPERATIONS, ANSWER_LOST))
    assert proof.verdict == "Refuted"
    assert proof.reason == "bind_answer_lost: breaks the cache is the true sum"
    assert proof.counterexample["request"] == proof.counterexample["assumed[node]"] == 1
    assert proof.counterexample["node"] == proof.counterexample["any_key"] == 0
    assert max(proof.counterexample.values()) <= 1


def move(table, v, *, stale):
    """Move a charge between nodes; stale reads the target as it was before the source changed."""
    amount, source, target = v["amount"], v["source"], v["target"]
    row = table[source]
    moved = table.changed(source, {c: row[c] - amount for c in ("cached", "truth")})
    cached = (table if stale else moved)[target]["cached"] + amount
    return moved.changed(target, {"cached": cached, "truth": moved[target]["truth"] + amount})


def test_an_operation_on_two_nodes_covers_the_case_that_they_are_one():
    """A lost update shows only where source and target are the same node."""

    def prove(stale):
        inputs, keys = ("source", "target", "amount"), ("source", "target")
        operation = Operation("move", partial(move, stale=stale), inputs, keys)
        same = {"cached is true": lambda row: row["cached"] == row["truth"]}
        columns = ("cached", "truth")
        return unbounded("move", columns, same, same["cached is true"], [operation])

    assert prove(stale=False).verdict == "Proved"
    refuted = prove(stale=True)
    assert refuted.verdict == "Refuted"
    assert refuted.counterexample["source"] == refuted.counterexample["target"]


def test_a_row_read_at_an_undeclared_key_is_unknown():
    """The hypothesis was not stated there, so a counterexample from there is not believed."""

    def step(table, v):
        return table.changed(v["node"], {"cached": table[v["node"] + 1]["cached"]})

    kept = {"positive": lambda row: row["cached"] >= 0}
    operation = Operation("copy", step, ("node",), ("node",))
    proof = unbounded("copy", ["cached"], kept, lambda r: r["cached"] == 0, [operation])
    assert proof.verdict == "Unknown" and "KeyError" in proof.reason


def bind_by_view(state, inputs):
    """A scheduler that believes its view of one node."""
    request = inputs["request"]
    if request < 0 or request > state["allocatable"] - state["view"]:
        return None
    return {"stored": state["stored"] + request, "view": state["view"] + request}


STATE = ("allocatable", "view", "stored")
FIT = {"the store fits": lambda s: s["stored"] <= s["allocatable"]}
LEMMA = {"the view has all that is stored": lambda s: s["view"] >= s["stored"]}
BIND = Operation("bind", bind_by_view, ("request",))


def at_rest(s):
    return s["stored"] == 0 and s["view"] == 0 and s["allocatable"] >= 0


def test_a_stale_view_is_refuted_and_the_lemma_proves_it():
    """A view unrelated to the store breaks it in one bind; one of at least the store does not."""
    stale = inductive("view", STATE, FIT, at_rest, [BIND])
    assert (stale.verdict, stale.reason) == ("Refuted", "bind: breaks the store fits")
    before = dict(stale.counterexample)
    after = {**before, **bind_by_view(before, before)}
    assert FIT["the store fits"](before) and not FIT["the store fits"](after)
    assert before["view"] < before["stored"]

    proved = inductive("view", STATE, FIT | LEMMA, at_rest, [BIND])
    assert (proved.verdict, proved.accepting_path) == ("Proved", True)


def test_an_invariant_that_fails_at_first_is_refuted_initially():
    """Initiation is judged before any operation."""
    proof = inductive("view", STATE, FIT, lambda s: s["stored"] == 1, [BIND])
    assert (proof.verdict, proof.reason) == ("Refuted", "initially: breaks the store fits")
    assert proof.counterexample == {"allocatable": 0, "view": 0, "stored": 1}


def test_an_operation_that_is_never_enabled_makes_it_unknown():
    """It would keep anything."""
    never = Operation("never", lambda s, v: None)
    proof = inductive("view", STATE, FIT, at_rest, [never])
    assert (proof.verdict, proof.accepting_path) == ("Unknown", False)
    assert proof.reason == "never: vacuous: no state allows it"


def test_an_operation_that_cannot_be_followed_makes_it_unknown():
    """As for a filter; and a refutation elsewhere outweighs it."""
    opaque = Operation("opaque", lambda s, v: {"stored": int(s["stored"])})
    assert inductive("view", STATE, FIT, at_rest, [opaque]).verdict == "Unknown"
    assert inductive("view", STATE, FIT, at_rest, [opaque, BIND]).verdict == "Refuted"


def test_an_input_named_like_the_state_is_refused():
    """One name, one number."""
    clash = Operation("clash", bind_by_view, ("stored",))
    with pytest.raises(ValueError, match="named like the state"):
        inductive("view", STATE, FIT, at_rest, [clash])
