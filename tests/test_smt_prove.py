"""Proofs: right code is proved, wrong code refuted by an input that shows it, the rest Unknown."""

import pytest

from kspec.smt import Claim, Limits, prove_implication, truncated_div

RESOURCES = ("cpu", "memory", "pods")
INPUTS = [f"{kind}.{r}" for kind in ("request", "used", "allocatable") for r in RESOURCES]


def fits(v):
    """A fit filter as plain code writes it."""
    for r in RESOURCES:
        if v[f"request.{r}"] == 0:
            continue
        if v[f"request.{r}"] > v[f"allocatable.{r}"] - v[f"used.{r}"]:
            return False
    return True


def forgets_memory(v):
    """The same, with a resource forgotten."""
    return all(v[f"request.{r}"] <= v[f"allocatable.{r}"] - v[f"used.{r}"] for r in ("cpu", "pods"))


def sane(v):
    """What is known of a node and a pod."""
    return all(
        v[f"request.{r}"] >= 0 and 0 <= v[f"used.{r}"] <= v[f"allocatable.{r}"] for r in RESOURCES
    )


def within_capacity(v):
    """What a fit filter is for."""
    return all(v[f"used.{r}"] + v[f"request.{r}"] <= v[f"allocatable.{r}"] for r in RESOURCES)


def prove_filter(function, **options):
    """The claim that a filter is sound and complete."""
    return prove_implication("fit", function, within_capacity, INPUTS, assuming=sane, **options)


def test_a_right_fit_filter_is_proved_over_all_integers():
    """Sound and complete on each of its 15 paths, and some input is accepted."""
    proof = prove_filter(fits)
    assert (proof.verdict, proof.paths, proof.accepting_path) == ("Proved", 15, True)
    assert proof.counterexample is None


def test_a_filter_that_forgets_a_resource_is_refuted_by_the_smallest_input():
    """The counterexample is small, the same every time, and breaks the plain function."""
    proof = prove_filter(forgets_memory)
    assert proof.verdict == "Refuted"
    assert proof.reason == "accepts an input that breaks the goal"
    assert proof.counterexample == dict.fromkeys(INPUTS, 0) | {"request.memory": 1}
    assert sane(proof.counterexample) and forgets_memory(proof.counterexample)
    assert not within_capacity(proof.counterexample)
    assert prove_filter(forgets_memory) == proof


def test_a_filter_that_is_too_strict_is_refuted_only_as_incomplete():
    """Refusing an exact fit is sound and not complete."""

    def strict(v):
        return all(v[f"request.{r}"] < v[f"allocatable.{r}"] - v[f"used.{r}"] for r in RESOURCES)

    proof = prove_filter(strict)
    assert (proof.verdict, proof.reason) == ("Refuted", "refuses an input that meets the goal")
    assert not strict(proof.counterexample) and within_capacity(proof.counterexample)
    assert prove_filter(strict, complete=False).verdict == "Proved"


def test_a_filter_that_always_refuses_is_caught():
    """It is sound, and proves nothing."""
    proof = prove_filter(lambda v: False, complete=False)
    assert (proof.verdict, proof.reason) == ("Refuted", "accepts no input at all")
    assert not proof.accepting_path
    assert prove_filter(lambda v: False).verdict == "Refuted"


def test_contradicting_assumptions_are_unknown_and_not_proved():
    """No input, no proof."""
    proof = prove_implication("x", fits, fits, INPUTS, assuming=lambda v: False)
    assert (proof.verdict, proof.reason) == ("Unknown", "vacuous: no input meets the assumptions")


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda v: int(v["x"]) > 0, "int() needs a concrete number"),
        (lambda v: v["x"] / 2 > 0, "true division"),
        (lambda v: v["x"] in {1, 2}, "hash()"),
        (lambda v: 7 // v["x"] < 9, "raised ZeroDivisionError"),
        (lambda v: (v["x"] >= 0) is True, "the plain run gave"),
    ],
)
def test_code_that_cannot_be_followed_is_unknown(function, reason):
    """Concretised, raised, or seen to run otherwise on plain integers."""
    proof = prove_implication("x", function, lambda v: True, ["x"])
    assert proof.verdict == "Unknown" and reason in proof.reason
    goal = prove_implication("x", lambda v: True, function, ["x"])
    assert goal.verdict == "Unknown" and reason in goal.reason


def test_an_exception_comes_with_an_input_that_raises_it():
    """The reader gets the input to try."""
    proof = prove_implication("x", lambda v: 7 // v["x"] < 9, lambda v: True, ["x"])
    assert proof.verdict == "Unknown"
    assert proof.counterexample == {"x": 0}


def test_limits_make_it_unknown():
    """A path limit, a decision limit and a solver without time, never Proved."""
    by_paths = prove_filter(fits, limits=Limits(path_limit=12))
    assert (by_paths.verdict, by_paths.reason) == ("Unknown", "path limit of 12 reached")
    by_decisions = prove_filter(fits, limits=Limits(decision_limit=5))
    assert by_decisions.verdict == "Unknown" and "decision limit of 5" in by_decisions.reason

    def hard(v):
        return v["x"] ** 3 + v["y"] ** 3 + v["z"] ** 3 != 33

    proof = prove_implication(
        "cubes", lambda v: True, hard, ["x", "y", "z"], limits=Limits(timeout_milliseconds=1)
    )
    assert proof.verdict == "Unknown" and "the solver gave up" in proof.reason


def test_a_refutation_outweighs_an_unknown_path():
    """A counterexample is one, whatever else could not be followed."""
    proof = prove_implication(
        "x", lambda v: int(v["x"]) > 0 if v["x"] > 3 else True, lambda v: v["x"] != 2, ["x"]
    )
    assert (proof.verdict, proof.counterexample) == ("Refuted", {"x": 2})


def test_int64_reports_an_overflow_with_its_input():
    """The sum form of fit overflows in Go where the difference form does not."""

    def by_sum(v):
        return v["used"] + v["request"] <= v["allocatable"]

    def by_difference(v):
        return v["request"] <= v["allocatable"] - v["used"]

    def prove(function):
        return prove_implication(
            "fit",
            function,
            by_sum,
            ["used", "request", "allocatable"],
            assuming=lambda v: min(v["used"], v["request"], v["allocatable"]) >= 0,
            limits=Limits(int64=True),
        )

    proof = prove(by_sum)
    assert proof.verdict == "Refuted" and "leaves the range of int64" in proof.reason
    assert proof.counterexample["used"] + proof.counterexample["request"] > 2**63 - 1
    assert prove(by_difference).verdict == "Proved"


def test_a_score_with_truncated_division_stays_in_range():
    """Nonlinear, with two divisions: 0 to 100 for every capacity."""

    def score(v):
        shares = [truncated_div((v[c] - v[r]) * 100, v[c]) for c, r in (("c", "r"), ("d", "s"))]
        return truncated_div(sum(shares), 2)

    proof = prove_implication(
        "score",
        lambda v: 0 <= score(v) <= 100,
        lambda v: True,
        ["c", "r", "d", "s"],
        assuming=lambda v: (
            0 <= v["r"] <= v["c"] and 0 <= v["s"] <= v["d"] and min(v["c"], v["d"]) > 0
        ),
    )
    assert proof.verdict == "Proved"


def test_a_claim_carries_its_check():
    """A claim is a value: name, promise, what it is about, and the proof to run."""
    claim = Claim("fit", "accepts what fits", "plain fits", lambda: prove_filter(fits))
    assert claim.check().name == claim.name
