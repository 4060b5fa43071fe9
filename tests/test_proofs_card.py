"""The proofs as a section of a card: charges with evidence, and nothing that is glossed over."""

import itertools
import sys

import pytest
import yaml
from wrong_policies.forgets_pod_count import ForgetsPodCount
from wrong_policies.ignores_init_containers import IgnoresInitContainers
from wrong_policies.ignores_taint import IgnoresTaint
from wrong_policies.score_out_of_range import ScoreOutOfRange

from kspec.errors import InputError
from kspec.smt import Proof
from kspec_models.scheduler.policies import POLICIES, as_policy, load_policy
from kspec_models.scheduler.policies.default import default_policy
from kspec_properties.proofs.card import findings, questions
from kspec_properties.proofs.patience import within
from kspec_properties.proofs.replaying import replayer
from kspec_properties.proofs.run import prove
from kspec_properties.suite import SUITE


@pytest.mark.parametrize(
    ("wrong", "charge", "text"),
    [
        (ForgetsPodCount, "filter-accepts-too-much", "pods: 0 there of 0 allowed"),
        (IgnoresInitContainers, "filter-accepts-too-much", "the cpu requested in all"),
        (IgnoresTaint, "filter-accepts-too-much", "in spite of taints"),
        (ScoreOutOfRange, "score-out-of-range", "scores above 100"),
    ],
)
def test_a_wrong_policy_is_convicted_of_its_crime_with_objects_and_a_short_trace(
    wrong, charge, text, tmp_path
):
    """The first charge is that of the crime; the engine needs a few actions to show it."""
    name = f"{wrong.__module__}:{wrong.__name__}"
    section = findings(as_policy(wrong()), replay=replayer(SUITE, name, tmp_path))
    found = section.charges[0]
    assert (found.section, found.name) == ("proofs", charge)
    assert text in found.text
    kinds = [document["kind"] for document in yaml.safe_load_all(found.input)]
    assert kinds[0] == "Node" and kinds[-1] == "Pod"
    if charge != "score-out-of-range":
        assert found.trace and found.actions <= 12


def test_the_default_policy_has_no_charge_and_what_is_open_says_why():
    clock = itertools.count()
    section = findings(default_policy(), clock.__next__)
    assert not section.charges and len(section.rows) == len(section.findings)
    verdicts = {finding.verdict for finding in section.findings}
    assert verdicts == {"Proved", "Unknown"}
    for finding in section.findings:
        assert finding.verdict == "Proved" or "no proof" in finding.text
        assert "Proved" not in finding.text
    assert section.seconds > max(row["seconds"] for row in section.rows)


@pytest.mark.parametrize("name", ["best-fit", "first-fit", "most-allocated"])
def test_a_right_policy_is_not_charged(name):
    assert not findings(POLICIES[name]()).charges


class Loops:
    """It never comes back from a filter."""

    name = "loops"

    def filter(self, pod, node_info, context):
        while True:
            pass

    def score(self, pod, node_infos, context):
        return [0 for _ in node_infos]


def test_a_policy_that_does_not_come_back_is_unknown_with_the_line():
    def check():
        Loops().filter(None, None, None)
        return Proof("x", "Proved", "", 0)

    proof = within(0.2, "x", check)
    assert proof.verdict == "Unknown"
    assert proof.reason.startswith("it did not come back in 0.2 s, at test_proofs_card.py:")


def test_a_policy_that_leaves_the_process_or_fails_to_be_asked_is_unknown():
    """Not an error of the card's."""

    def leaves():
        sys.exit(3)

    proof = within(5, "x", leaves)
    assert (proof.verdict, "SystemExit" in proof.reason) == ("Unknown", True)


def test_each_profile_of_a_configuration_is_asked_and_an_extender_is_open(tmp_path):
    """A program over HTTP is not called at all, and `kspec prove` takes neither."""
    file = tmp_path / "two.yaml"
    file.write_text(TWO_PROFILES)
    several = load_policy(str(file))
    asked = [question.name for question in questions(several)]
    assert "one-cycle-progress, profile first" in asked
    assert "one-cycle-progress, profile second" in asked

    extender = load_policy("http://127.0.0.1:9")
    (finding,) = findings(extender).findings
    assert finding.verdict == "Unknown" and "over HTTP" in finding.text
    for policy in (several, extender):
        with pytest.raises(InputError, match="is not proved as a whole"):
            prove((), policy)


TWO_PROFILES = """
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles: [{schedulerName: first}, {schedulerName: second}]
"""
