"""Secrets for tokens are filled in, and go with their account; legacy ones are made once."""

import pytest
from cluster_runs import get, objects, settled, walk

from kspec.errors import InputError
from kspec_models.account_tokens import is_filled
from kspec_models.building import build
from kspec_models.world import World
from kspec_models.worlds import delete
from kspec_models.worlds_quota import LEGACY_ACCOUNT, service_account, token_secret


def world(*given, operations=()):
    return World(nodes=1, granularity="reconcile", objects=given, operations=operations)


def test_a_secret_that_names_an_account_gets_its_token():
    state = settled(build(world(service_account("robot"), token_secret("t", "robot"))))
    secret = get(state, "secrets/default/t")
    assert is_filled(secret)
    account = get(state, "serviceaccounts/default/robot")
    assert secret.metadata.annotations["kubernetes.io/service-account.uid"] == account.uid
    assert not account.secrets  # a reference is the user's to make


def test_a_secret_whose_account_never_was_is_deleted():
    state = settled(build(world(token_secret("t", "nobody"))))
    assert get(state, "secrets/default/t") is None


def test_the_tokens_go_with_their_account():
    gone = (delete("ServiceAccount", "robot"),)
    given = (service_account("robot"), token_secret("t", "robot"))
    state = settled(build(world(*given, operations=gone)))
    assert get(state, "secrets/default/t") is None


def test_other_secrets_are_left_alone():
    other = {**token_secret("t", "nobody"), "type": "Opaque"}
    state = settled(build(world(other)))
    assert get(state, "secrets/default/t").data == {}


def test_a_secret_that_is_gone_leaves_its_accounts_list():
    account = {**service_account("robot"), "secrets": [{"name": "t"}, {"name": "mine"}]}
    given = (account, token_secret("t", "robot"))
    state = settled(build(world(*given, operations=(delete("Secret", "t"),))))
    assert [ref.name for ref in get(state, "serviceaccounts/default/robot").secrets] == ["mine"]


def test_before_1_24_every_account_gets_one_secret():
    state = settled(build(LEGACY_ACCOUNT))
    accounts = {a.name: [ref.name for ref in a.secrets] for a in objects(state, "serviceaccounts")}
    assert accounts == {"default": ["default-token-1"], "robot": ["robot-token-1"]}
    assert [s.name for s in objects(state, "secrets")] == ["default-token-1", "robot-token-1"]


@pytest.mark.parametrize("seed", range(20))
def test_what_it_made_it_knows_whatever_its_cache_shows(seed):
    cluster = build(LEGACY_ACCOUNT)
    for _, _, after in walk(cluster, seed, 40):
        made = [
            s.metadata.annotations["kubernetes.io/service-account.uid"]
            for s in objects(after, "secrets")
        ]
        assert len(made) == len(set(made))


def test_an_option_that_is_none_is_refused():
    wrong = {"serviceaccount-token-controller": {"autoGenerate": "yes"}}
    with pytest.raises(InputError, match="autoGenerate: true or false"):
        build(World(components=wrong))
