"""Scheduler extenders over HTTP: upstream's wire format, and a clear verdict on each failure."""

import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kspec_models.objects import Node, Pod
from kspec_models.scheduler.cycle import decide
from kspec_models.scheduler.extender.extender import Extender
from kspec_models.scheduler.extender.options import Options
from kspec_models.scheduler.extender.policy import Extended
from kspec_models.scheduler.framework import UNRESOLVABLE, UNSCHEDULABLE, Context
from kspec_models.scheduler.nodeinfo import node_info
from kspec_models.scheduler.policies.default import default_policy
from kspec_models.scheduler.policies.errors import PolicyError
from kspec_models.scheduler.policies.first_fit import first_fit


def pod(name="p", uid="u", cpu="1", priority=0, **extended):
    resources = {"requests": {"cpu": cpu, "memory": "1Gi"} | extended}
    return Pod.from_json(
        {
            "metadata": {"name": name, "namespace": "d", "uid": uid},
            "spec": {"priority": priority, "containers": [{"resources": resources}]},
        }
    )


def node(name, *pods):
    made = Node.from_json(
        {
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
            "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "9"}},
        }
    )
    return node_info(made, pods)


NODES = (node("a"), node("b"), node("c"))


class Program:
    """An extender: what it answers to each verb, and what it was asked."""

    def __init__(self, answers):
        self.answers, self.asked = answers, []
        self.is_over = threading.Event()

    def answer(self, verb, request):
        self.asked.append((verb, request))
        found = self.answers[verb]
        return found(request) if callable(found) else found


@contextmanager
def serving(**answers):
    program = Program(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            verb = self.path.removeprefix("/scheduler/")
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = program.answer(verb, json.loads(body))
            if answer == "never":
                program.is_over.wait(20)
                return
            status, text = answer if isinstance(answer, tuple) else (200, answer)
            raw = text if isinstance(text, bytes) else json.dumps(text).encode()
            self.send_response(status)
            self.end_headers()
            if text == b"dripping":
                while not program.is_over.wait(0.05):
                    self.wfile.write(b" ")
            self.wfile.write(raw)

        def log_message(self, *args):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, client_address):
            pass  # a client that gave up

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    program.url = f"http://127.0.0.1:{server.server_address[1]}/scheduler"
    try:
        yield program
    finally:
        program.is_over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def options(program, **changes):
    verbs = {f"{verb}_verb": verb for verb in program.answers}
    return Options(program.url, **{"http_timeout": 5.0} | verbs | changes)


def extended(*made, profile=None):
    return Extended(profile or first_fit(), made, "tried")


def decided(policy, made=None, nodes=NODES):
    return decide(policy, made or pod(), Context(nodes))


def names(*chosen):
    return {"NodeNames": list(chosen)}


def test_what_is_sent_is_what_upstream_sends():
    with serving(filter={"Nodes": {"items": [{"metadata": {"name": "b"}}]}}) as program:
        decision = decided(extended(options(program)), pod(cpu="2"))
    ((verb, request),) = program.asked
    assert (decision.node, verb, sorted(request)) == ("b", "filter", ["NodeNames", "Nodes", "Pod"])
    assert request["NodeNames"] is None
    assert [item["metadata"]["name"] for item in request["Nodes"]["items"]] == ["a", "b", "c"]
    assert request["Nodes"]["items"][0]["status"]["allocatable"]["cpu"] == "4"
    assert request["Pod"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "2"
    assert "kind" not in request["Pod"] and "status" in request["Pod"]


def test_one_that_caches_nodes_is_sent_their_names():
    with serving(filter=names("c", "b")) as program:
        policy = extended(options(program, node_cache_capable=True))
        assert decided(policy).node == "b"
    assert program.asked[0][1]["NodeNames"] == ["a", "b", "c"]
    assert program.asked[0][1]["Nodes"] is None


def test_only_what_the_filters_leave_is_sent():
    full = node("a", pod("other", "other", "4"))
    with serving(filter=lambda request: names(*request["NodeNames"])) as program:
        policy = extended(options(program, node_cache_capable=True))
        assert decided(policy, nodes=(full, *NODES[1:])).node == "b"
    assert program.asked[0][1]["NodeNames"] == ["b", "c"]


def test_reasons_of_the_extender_are_those_of_the_nodes():
    answer = {
        "nodenames": [],
        "failednodes": {"a": "no licence", "b": "no licence"},
        "FailedAndUnresolvableNodes": {"b": "wrong rack"},
    }
    with serving(filter=answer) as program:
        decision = decided(extended(options(program, node_cache_capable=True)))
    codes = {name: status.code for name, status in decision.statuses.items()}
    assert codes == {"a": UNSCHEDULABLE, "b": UNRESOLVABLE, "c": UNRESOLVABLE}
    assert decision.message == "0/3 nodes are available: 1 no licence, 1 wrong rack."
    assert decision.rejectors == ("Extender",)


def test_scores_are_added_ten_times_and_weighted():
    scores = [{"Host": "b", "Score": 5}, {"host": "c", "score": 4}]
    with serving(prioritize=scores) as program:
        policy = extended(options(program, weight=3))
        assert list(policy.score(pod(), NODES, Context(NODES))) == [0, 150, 120]
        assert decided(policy).node == "b"
        assert policy.highest_score == 300
        least = extended(options(program, weight=3), profile=default_policy())
        own = default_policy().score(pod(), NODES, Context(NODES))
        both = least.score(pod(), NODES, Context(NODES))
        assert [b - o for b, o in zip(both, own, strict=True)] == [0, 150, 120]


def test_extenders_are_asked_in_order_and_the_later_sees_what_the_earlier_left():
    with serving(filter=names("b", "c")) as first, serving(filter=names("c")) as second:
        both = (options(first, node_cache_capable=True), options(second, node_cache_capable=True))
        assert decided(extended(*both)).node == "c"
    assert second.asked[0][1]["NodeNames"] == ["b", "c"]


def test_a_pod_that_asks_for_nothing_managed_is_not_sent():
    with serving(filter=names()) as program:
        policy = extended(options(program, managed=("example.com/card",)))
        assert decided(policy).node == "a" and not program.asked
        card = pod(**{"example.com/card": "0"})
        assert decided(policy, card).node == "" and len(program.asked) == 1


def test_the_same_request_is_sent_twice_at_most():
    with serving(filter=names("b")) as program:
        policy = extended(options(program, node_cache_capable=True))
        for _ in range(5):
            assert decided(policy).node == "b"
        assert decided(policy, pod("other")).node == "b"
    assert len(program.asked) == 3


def test_an_answer_that_changes_is_a_finding():
    changing = iter([names("b"), names("c"), names("c")])
    with serving(filter=lambda request: next(changing)) as program:
        policy = extended(options(program, node_cache_capable=True))
        assert decided(policy).node == "b"
        for _ in range(2):
            with pytest.raises(PolicyError, match="answered the same request in two ways") as found:
                decided(policy)
            assert found.value.charge == "same-input-other-decision"


def test_another_order_of_the_same_answer_is_the_same():
    changing = iter([names("b", "c"), names("c", "b")])
    with serving(filter=lambda request: next(changing)) as program:
        policy = extended(options(program, node_cache_capable=True))
        assert decided(policy).node == decided(policy).node == "b"


MALFORMED = {
    "no JSON": (b"<html>", "did not answer in JSON: '<html>'"),
    "an empty answer": (b"", "did not answer in JSON"),
    "a list": ([], "the answer that is a list, not a map"),
    "names that are no list": ({"NodeNames": "b"}, "NodeNames that is text, not a list"),
    "a name that is no text": ({"NodeNames": [1]}, "NodeNames that is a number, not text"),
    "an unknown node": (names("b", "x"), "named the node 'x', which it was not asked about"),
    "a node twice": (names("b", "b"), "named the node b twice"),
    "an unknown failed node": ({"FailedNodes": {"x": "no"}}, "named the node 'x'"),
    "an error": ({"Error": "out of cheese"}, "answered with the error 'out of cheese'"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_answer_is_told_with_the_place_and_the_input(case):
    answer, expected = MALFORMED[case]
    with serving(filter=answer) as program:
        policy = extended(options(program, node_cache_capable=True))
        with pytest.raises(PolicyError) as found:
            decided(policy)
    error = found.value
    assert expected in str(error) and "\n" not in str(error)
    assert (error.policy, error.extension_point) == ("tried", "Filter")
    assert (error.charge, error.place) == ("extender-malformed", f"{program.url}/filter")
    assert "NodeNames:\n- a\n- b\n- c\n" in error.input and error.exit_status == 1


BAD_SCORES = {
    "beyond ten": ([{"Host": "a", "Score": 11}], "gave node a the score 11, outside 0..10"),
    "below zero": ([{"Host": "a", "Score": -1}], "gave node a the score -1"),
    "a fraction": ([{"Host": "a", "Score": 2.5}], "Score that is 2.5, not an integer"),
    "not a number": (b'[{"Host": "a", "Score": NaN}]', "Score that is nan, not an integer"),
    "an unknown node": ([{"Host": "x", "Score": 1}], "named the node 'x'"),
    "a map": ({"a": 1}, "the answer that is a map, not a list"),
}


@pytest.mark.parametrize("case", BAD_SCORES)
def test_a_score_that_cannot_be_used_is_told(case):
    answer, expected = BAD_SCORES[case]
    with serving(prioritize=answer) as program, pytest.raises(PolicyError) as found:
        decided(extended(options(program)))
    assert expected in str(found.value) and found.value.extension_point == "Score"


def refused_address():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/scheduler"


def test_a_dead_extender_is_told():
    policy = extended(Options(refused_address(), filter_verb="filter"))
    with pytest.raises(PolicyError, match="extender cannot be reached") as found:
        decided(policy)
    assert found.value.charge == "extender-unreachable"


@pytest.mark.parametrize("answer", ["never", b"dripping"], ids=["silent", "dripping"])
def test_a_slow_extender_is_told_in_time(answer):
    with serving(filter=answer) as program:
        policy = extended(options(program, http_timeout=0.3))
        with pytest.raises(PolicyError, match=r"did not answer within 0\.3 s") as found:
            decided(policy)
    assert found.value.charge == "extender-slow"


def test_an_http_error_is_told():
    failing = pytest.raises(PolicyError, match="answered with HTTP 500")
    with serving(filter=(500, {})) as program, failing as found:
        decided(extended(options(program)))
    assert found.value.charge == "extender-failed"


@pytest.mark.parametrize("answer", [(500, {}), b"no", names("x")], ids=["500", "no JSON", "wrong"])
def test_an_ignorable_extender_that_fails_is_passed_over(answer):
    with serving(filter=answer, prioritize=answer) as program:
        policy = extended(options(program, ignorable=True, node_cache_capable=True))
        assert decided(policy).node == decided(policy).node == "a"
    assert [verb for verb, _ in program.asked] == ["filter", "prioritize"]


LOW = tuple(pod(f"low{i}", f"low{i}", cpu="2", priority=i) for i in (1, 2, 3))
CROWDED = (node("a", LOW[0], LOW[1]), node("b", LOW[2]))
HIGH = pod("high", "high", cpu="4", priority=9)


def preempted(policy):
    decision = decided(policy, HIGH, CROWDED)
    return policy.post_filter.post_filter(policy, HIGH, decision.statuses, Context(CROWDED))


def test_an_extender_chooses_among_the_candidates_of_a_preemption():
    def choose(request):
        victims = request["NodeNameToMetaVictims"]
        return {"NodeNameToMetaVictims": {"b": victims["b"]}}

    with serving(preempt=choose) as program:
        without = preempted(extended())
        found = preempted(extended(options(program, node_cache_capable=True)))
    assert (without.node, [victim.uid for victim in without.victims]) == ("a", ["low2", "low1"])
    assert (found.node, [victim.uid for victim in found.victims]) == ("b", ["low3"])
    request = program.asked[0][1]
    assert request["NodeNameToMetaVictims"]["b"] == {
        "Pods": [{"UID": "low3"}],
        "NumPDBViolations": 0,
    }
    assert request["NodeNameToVictims"] is None


def test_one_without_a_cache_is_sent_the_victims_themselves():
    answer = {"NodeNameToMetaVictims": {"b": {"Pods": [{"UID": "low3"}]}}}
    with serving(preempt=answer) as program:
        assert preempted(extended(options(program))).node == "b"
    victims = program.asked[0][1]["NodeNameToVictims"]["b"]["Pods"]
    assert victims[0]["metadata"]["name"] == "low3"


BAD_VICTIMS = {
    "an unknown node": ({"x": {"Pods": [{"UID": "low3"}]}}, "named the node 'x'"),
    "a pod that is elsewhere": ({"a": {"Pods": [{"UID": "low3"}]}}, "claims to preempt pod 'low3'"),
    "no victim": ({"a": {"Pods": []}}, "expected at least one victim pod on node 'a'"),
}


@pytest.mark.parametrize("case", BAD_VICTIMS)
def test_victims_that_cannot_be_are_told(case):
    victims, expected = BAD_VICTIMS[case]
    with serving(preempt={"NodeNameToMetaVictims": victims}) as program:
        with pytest.raises(PolicyError) as found:
            preempted(extended(options(program)))
        assert expected in str(found.value)
        assert found.value.extension_point == "PostFilter"
        left = preempted(extended(options(program, ignorable=True)))
        assert bool(left.node) == (case != "no victim")


def test_nothing_is_preempted_where_the_extender_leaves_no_candidate():
    with serving(preempt={"NodeNameToMetaVictims": {}}) as program:
        found = preempted(extended(options(program)))
    assert not found.node and not found.victims


def test_a_binder_is_told_once_whom_to_bind():
    with serving(bind={}) as program:
        policy = extended(options(program))
        binder = policy.binder(pod())
        binder.bind(pod(), "b")
        binder.bind(pod(), "b")
    assert program.asked == [
        ("bind", {"PodName": "p", "PodNamespace": "d", "PodUID": "u", "Node": "b"})
    ]
    assert extended().binder(pod()) is None


def test_an_error_to_bind_is_told():
    with serving(bind={"Error": "taken"}) as program:
        binder = Extender(options(program), "tried")
        with pytest.raises(PolicyError, match="at Bind extender answered with the error 'taken'"):
            binder.bind(pod(), "b")
