"""The quick ways to check and to write plain JSON say what the libraries say."""

import copy
import random

import jsonschema
import pytest
import yaml

from kspec.block_text import to_block_text
from kspec.fitting import fits
from kspec.schema import load
from kspec_models.named_worlds import named_world

SCHEMA = load("kspec_models", "world")
TEXTS = [
    "yes",
    "No",
    "null",
    "~",
    "",
    "1e3",
    "0x1",
    "a: b",
    "a #b",
    "- a",
    "a:",
    "2001-01-01",
    "<<",
]
TEXTS += ["Sync(kubelet/n1, pods, upto=default/web-1@3)", "registry/x:1.0", " a", "a ", "é", "a\nb"]
ODD = [None, True, -1, 0, 1.0, 2.5, "", [], {}, ["a", "a"], {"a": 1}]


class Indented(yaml.SafeDumper):
    def ignore_aliases(self, data):
        return True

    def increase_indent(self, flow=False, indentless=False):
        super().increase_indent(flow, False)


def some_value(rng, depth=0):
    kind = rng.random()
    if depth > 3 or kind < 0.4:
        return rng.choice([*TEXTS, 1, None, True, 2.5, -3])
    if kind < 0.7:
        return {rng.choice(TEXTS): some_value(rng, depth + 1) for _ in range(rng.randint(0, 4))}
    return [some_value(rng, depth + 1) for _ in range(rng.randint(0, 4))]


def test_block_text_is_what_pyyaml_writes():
    rng = random.Random(1)
    for value in [[text] for text in TEXTS] + [some_value(rng) for _ in range(1_000)]:
        written = yaml.dump(
            value, Dumper=Indented, sort_keys=False, allow_unicode=True, width=1_000_000
        )
        assert to_block_text(value) == written


def changed(rng, document):
    """The document with one value somewhere in it left out, added or made another."""
    document = copy.deepcopy(document)
    at = document
    while True:
        key = rng.choice(list(at) if isinstance(at, dict) else range(len(at)))
        if not (isinstance(at[key], dict | list) and at[key]) or rng.random() < 0.2:
            break
        at = at[key]
    kind = rng.random()
    if kind < 0.3:
        del at[key]
    elif kind < 0.5 and isinstance(at, dict):
        at["unheardOf"] = 1
    else:
        at[key] = rng.choice(ODD)
    return document


@pytest.mark.parametrize("name", ["kivi/c1", "kivi/c7", "built-in"])
def test_what_fits_is_what_jsonschema_accepts(name):
    validator, rng = jsonschema.Draft202012Validator(SCHEMA), random.Random(2)
    document = named_world(name).to_json()
    assert fits(document, SCHEMA)
    judged = [changed(rng, document) for _ in range(150)]
    assert all(validator.is_valid(each) for each in judged if fits(each, SCHEMA))
    assert not all(fits(each, SCHEMA) for each in judged)


def test_a_keyword_that_is_not_known_is_never_taken_as_kept():
    assert not fits("a", {"type": "string", "format": "date"})
