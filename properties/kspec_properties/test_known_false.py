"""What Kubernetes does not keep stays visible: each trace still ends in its violation."""

import pytest

from kspec.replay import Replay
from kspec.suite import Parts
from kspec.trace import read
from kspec_properties.known_false import KNOWN_FALSE, trace_of
from kspec_properties.suite import SUITE


@pytest.mark.parametrize("prop", KNOWN_FALSE, ids=lambda prop: prop.name)
def test_known_false_is_shown_by_its_trace(prop):
    trace = read(trace_of(prop.name))
    replay = Replay(SUITE.build(trace.world, Parts()), prop, trace, strict=True)
    steps = list(replay)
    assert steps and replay.outcome.is_reproduced, replay.outcome.difference
