"""The ways a policy is given: by name, from a module, from a file, at an address."""

import pickle

import pytest

from kspec.errors import InputError
from kspec_models.objects import Node, Pod
from kspec_models.scheduler.cycle import decide, equals
from kspec_models.scheduler.framework import Context
from kspec_models.scheduler.nodeinfo import node_info
from kspec_models.scheduler.policies import (
    POLICIES,
    as_policy,
    load_configuration,
    load_policy,
)
from kspec_models.scheduler.policies.errors import PolicyError
from kspec_models.scheduler.policies.numeric import Numeric
from kspec_models.scheduler.profile import Profile
from kspec_models.scheduler.profiles import Profiles

HEAD = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"

MODULE = '''
from kspec_models.scheduler.framework import SUCCESS, UNSCHEDULABLE, Status


class Calm:
    """A plain policy."""

    name = "calm"

    def filter(self, pod, node_info, context):
        return SUCCESS

    def score(self, pod, node_infos, context):
        return [0] * len(node_infos)


class Numbers:
    name = "numbers"
    numeric = True

    def filter(self, pod, node):
        return True

    def score(self, pod, node):
        return 0


class LastName:
    """A scorer: the last letter counts."""

    name = "LastName"
    is_relative = False

    def score(self, spec, node_info):
        return ord(node_info.name[-1]) - ord("a")

    def normalize(self, scores):
        return scores


class NotOnB:
    name = "NotOnB"

    def filter(self, spec, node_info):
        return Status(UNSCHEDULABLE, ("is b",)) if node_info.name == "b" else SUCCESS


class NodeUnschedulable:
    """Takes the place of the default filter of that name."""

    name = "NodeUnschedulable"

    def filter(self, spec, node_info):
        return SUCCESS


class Careless:
    name = "careless"

    def score(self, spec, node_info):
        return 0


calm = Calm()
plugins = [LastName, (NotOnB(), 1)]
cordons_do_not_matter = (NodeUnschedulable(), LastName())
empty = []
numbers = [1]
careless = [Careless]
heavy = [(LastName(), 0)]


def made():
    return Calm()


def made_of_plugins():
    return [NotOnB]


def needs(something):
    return Calm()


def fails():
    raise RuntimeError("no luck\\ntoday")


class Outer:
    inner = calm
'''

BROKEN = "import kspec\n\nvalue = 1 / 0\n"
WRONG_SYNTAX = "def f(:\n"


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "trial_policies.py").write_text(MODULE)
    (tmp_path / "broken_policies.py").write_text(BROKEN)
    (tmp_path / "misspelt_policies.py").write_text(WRONG_SYNTAX)
    installed = tmp_path / "trial_policies-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: trial-policies\nVersion: 1\n")
    (installed / "entry_points.txt").write_text(
        "[kspec.policies]\nserene = trial_policies:Calm\nlost = trial_policies:Gone\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pod(scheduler=""):
    return Pod.from_json(
        {
            "metadata": {"name": "p", "namespace": "d", "uid": "u"},
            "spec": {"schedulerName": scheduler, "containers": [{"name": "c"}]},
        }
    )


def node(name, **spec):
    status = {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "9"}}
    return node_info(Node.from_json({"metadata": {"name": name}, "spec": spec, "status": status}))


def chosen(policy, *infos, scheduler=""):
    return decide(policy, pod(scheduler), Context(infos)).node


def test_every_built_in_policy_has_its_name_and_places_a_pod():
    assert list(POLICIES) == [
        *("default", "first-fit", "best-fit", "most-allocated", "spread", "random"),
        *("dot-product", "gpu-packing", "gpu-clustering", "fgd"),
    ]
    for name in POLICIES:
        policy = load_policy(name)
        assert policy.name == name
        assert chosen(policy, node("a", unschedulable=True), node("b")) == "b"


def test_all_built_in_policies_have_the_default_filters_and_preemption():
    default = load_policy("default")
    for name in POLICIES:
        filters = {plugin.name for plugin in load_policy(name).filters}
        assert filters >= {plugin.name for plugin in default.filters}
        assert load_policy(name).post_filter is not None


def test_any_feasible_node_is_a_choice_of_the_random_policy():
    policy = load_policy("random")
    nodes = (node("a"), node("b", unschedulable=True), node("c"))
    assert equals(policy, pod(), Context(nodes)) == ("a", "c")
    assert policy.ties == "random"


@pytest.mark.parametrize("name", ["Calm", "calm", "made", "Outer.inner"])
def test_a_class_an_instance_or_a_function_of_a_module_is_a_policy(module, name):
    assert load_policy(f"trial_policies:{name}").name == "calm"


def test_an_installed_entry_point_is_a_policy(module):
    assert load_policy("serene").name == "calm"
    with pytest.raises(InputError, match=r"^policy lost: AttributeError: .*Gone"):
        load_policy("lost")


def test_a_policy_over_numbers_is_completed_by_the_default_filters(module):
    policy = load_policy("trial_policies:Numbers")
    assert isinstance(policy, Numeric)
    assert chosen(policy, node("a", unschedulable=True), node("b")) == "b"


def test_a_list_of_plugins_adds_to_the_default_filters_and_takes_the_place_of_scores(module):
    policy = load_policy("trial_policies:plugins")
    assert isinstance(policy, Profile) and policy.name == "plugins"
    nodes = (node("a"), node("b"), node("c"), node("d", unschedulable=True))
    assert chosen(policy, *nodes) == "c"
    assert [plugin.name for plugin, _ in policy.scorers] == ["LastName"]
    assert load_policy("trial_policies:made_of_plugins").name == "made_of_plugins"


def test_a_plugin_with_the_name_of_a_default_filter_takes_its_place(module):
    policy = load_policy("trial_policies:cordons_do_not_matter")
    assert chosen(policy, node("a"), node("b", unschedulable=True)) == "b"
    assert [plugin.name for plugin in policy.filters].index("NodeUnschedulable") == 0


WRONG = {
    "frist-fit": "no policy is called 'frist-fit', but first-fit is; expected one of default,",
    "trial_policies": "no policy is called 'trial_policies'; expected one of",
    "trial_policies:Calmer": "AttributeError: module 'trial_policies' has no attribute 'Calmer'",
    "no_such_module:Calm": "ModuleNotFoundError: No module named 'no_such_module'",
    "trial_policies:needs": "TypeError: needs() missing 1 required positional argument",
    "trial_policies:fails": "RuntimeError: no luck today; expected MODULE:NAME",
    "trial_policies:Outer": "policy trial_policies:Outer has no method score",
    "trial_policies:empty": "policy empty: an empty list; expected a list of plugins",
    "trial_policies:numbers": "policy numbers: plugin 0: int has no name",
    "trial_policies:careless": "careless has score and no is_relative; expected is_relative =",
    "trial_policies:heavy": "LastName has the weight 0; expected an integer above 0",
    "broken_policies:x": "broken_policies.py:3: policy broken_policies:x: ZeroDivisionError",
    "misspelt_policies:x": "SyntaxError: ",
    "missing.yaml": "missing.yaml: cannot be read: No such file or directory",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_policy_gets_one_line(module, text):
    with pytest.raises(InputError) as caught:
        load_policy(text)
    assert WRONG[text] in str(caught.value) and "\n" not in str(caught.value)
    assert caught.value.exit_status == 2


def test_installed_policies_are_listed_with_the_others(module):
    with pytest.raises(InputError, match=r"but serene is; expected .* fgd, lost, serene, MOD"):
        load_policy("seren")


def test_a_configuration_file_with_one_profile_is_that_profile(module):
    path = module / "packing.yaml"
    path.write_text(f"{HEAD}podMaxBackoffSeconds: 7\nprofiles: [{{schedulerName: mine}}]\n")
    policy = load_policy(str(path))
    assert isinstance(policy, Profile) and policy.name == "packing"
    configuration = load_configuration(str(path))
    assert list(configuration.profiles) == ["mine"] and configuration.max_backoff == 7


TWO = """\
percentageOfNodesToScore: 80
profiles:
- schedulerName: default-scheduler
- schedulerName: careless
  percentageOfNodesToScore: 10
  plugins: {filter: {disabled: [{name: NodeUnschedulable}]}}
"""


def test_of_several_profiles_each_pod_gets_its_own(module):
    (module / "two.yml").write_text(HEAD + TWO)
    policy = load_policy("two.yml")
    nodes = (node("a", unschedulable=True), node("b"))
    assert (policy.name, chosen(policy, *nodes)) == ("two", "b")
    assert chosen(policy, *nodes, scheduler="careless") == "a"
    lost = decide(policy, pod("other"), Context(nodes))
    assert (lost.node, lost.message) == ("", "no profile is called other")
    assert isinstance(policy, Profiles) and policy.serves(pod()) and not policy.serves(pod("other"))
    assert (policy.percentage, policy.percentages) == (80, {"careless": 10})


def test_a_file_that_is_wrong_gets_its_line(module):
    (module / "wrong.yaml").write_text(HEAD + "profiles:\n- plugin: {}\n")
    with pytest.raises(InputError, match=r"^wrong\.yaml:4: profiles\[0\]\.plugin: unknown field"):
        load_policy("wrong.yaml")


def test_one_extender_in_a_file_extends_the_default_profile(module):
    (module / "tool.json").write_text('{"urlPrefix": "http://127.0.0.1:1", "filterVerb": "f"}')
    policy = load_policy("tool.json")
    assert policy.name == "tool" and policy.profile.post_filter is not None
    (extender,) = load_configuration("tool.json").extenders
    assert (extender.filter_verb, extender.prioritize_verb) == ("f", "")
    (module / "tool.yaml").write_text("urlPrefix: http://127.0.0.1:1\nprioritizeVerb: p\n")
    with pytest.raises(InputError, match=r"^tool\.yaml:1: weight: Invalid value: 0: must have"):
        load_policy("tool.yaml")


def test_an_address_is_that_of_an_extender_that_filters_and_rates():
    policy = load_policy("http://127.0.0.1:1/scheduler")
    assert policy.name == "http://127.0.0.1:1/scheduler"
    (extender,) = load_configuration("http://127.0.0.1:1/scheduler").extenders
    assert (extender.filter_verb, extender.prioritize_verb, extender.weight) == (
        "filter",
        "prioritize",
        1,
    )


def test_any_other_policy_is_the_only_profile_of_its_configuration():
    configuration = load_configuration("spread")
    assert list(configuration.profiles) == ["default-scheduler"]
    assert configuration.profiles["default-scheduler"] is load_policy("spread")


class OnlyRates:
    name = "only-rates"

    def score(self, pod, node_infos, context):
        return [len(info.pods) for info in node_infos]


def test_a_class_that_only_rates_gets_the_default_filters_and_preemption():
    policy, default = as_policy(OnlyRates()), load_policy("default")
    assert policy.filters == default.filters and policy.post_filter is default.post_filter
    nodes = (node("a", unschedulable=True), node("b"), node("c"))
    assert chosen(policy, *nodes) == "b"
    assert list(policy.score(pod(), nodes, Context(nodes))) == [0, 0, 0]
    assert policy.vectorised is None


DECLARED = {
    "class P:\n    name = 'p'\n    highest_score = 'many'": "highest_score is 'many'",
    "class P:\n    name = 'p'\n    resources = 7": "resources is 7",
    "class P:\n    name = 'p'\n    post_filter = 7": "post_filter is 7",
    "class P:\n    name = 'p'\n    numeric = True": "has no method filter",
    "class P:\n    name = property(lambda self: 1 // 0)": "ZeroDivisionError",
    "import sys\nsys.exit(0)\nclass P:": "SystemExit: 0",
    "class P:\n    name = 'p'\n    def __init__(self): raise SystemExit": "SystemExit",
}


@pytest.mark.parametrize(("number", "code"), list(enumerate(DECLARED)))
def test_what_a_policy_wrongly_declares_is_refused_by_its_name(number, code, module):
    body = "\n    def score(self, pod, node_infos, context): return [0] * len(node_infos)\n"
    (module / f"declared_{number}.py").write_text(code + body)
    with pytest.raises(InputError, match=rf"policy declared_{number}:P") as caught:
        load_policy(f"declared_{number}:P")
    assert DECLARED[code] in str(caught.value)


def test_a_python_file_is_told_from_a_configuration(module):
    for text in ("trial_policies.py", "./trial_policies.py:Calm"):
        with pytest.raises(InputError, match="expected trial_policies:"):
            load_policy(text)


def test_what_a_module_prints_is_not_on_standard_output(module, capsys):
    (module / "talks.py").write_text("print('hello')\nfrom trial_policies import Calm\n")
    assert load_policy("talks:Calm").name == "calm"
    assert capsys.readouterr() == ("", "hello\n")


def test_a_policy_error_arrives_whole_from_a_worker_process():
    error = PolicyError("p", "hangs", charge="hangs", place="p.py:7", input="{}")
    sent = pickle.loads(pickle.dumps(error))
    assert (type(sent), str(sent), vars(sent)) == (PolicyError, str(error), vars(error))
