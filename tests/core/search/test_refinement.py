"""The grammar of refinements: what each sentence adds to a query."""

import pytest

from core.search.refinement import RULES, Refinement, refinements


@pytest.mark.parametrize(("said", "added"), [
    ("Only the ones at night.", [Refinement("at night")]),
    ("just the pictures with snow", [Refinement("snow")]),
    ("Show me only those that are black and white", [Refinement("black and white")]),
    ("Without people.", [Refinement("people", minus=True)]),
    ("No cars, please.", [Refinement("cars", minus=True)]),
    ("Not the ones with umbrellas", [Refinement("umbrellas", minus=True)]),
    ("except for the red ones", [Refinement("red ones", minus=True)]),
    ("More like the second one.", [Refinement(rank=2)]),
    ("like number 12", [Refinement(rank=12)]),
    ("more like picture three", [Refinement(rank=3)]),
    ("More like this.", [Refinement(rank=0)]),
    ("Less like the 3rd picture", [Refinement(rank=3, minus=True)]),
    ("without the second one", [Refinement(rank=2, minus=True)]),
    ("Remove the 3rd picture.", [Refinement(rank=3, minus=True)]),
    ("not number five", [Refinement(rank=5, minus=True)]),
    ("only the first one", [Refinement(rank=1)]),
    ("without one", [Refinement("one", minus=True)]),
    ("no number plates", [Refinement("number plates", minus=True)]),
    ("More, like the second one.", [Refinement(rank=2)]),
    ("Only, the ones at night", [Refinement("at night")]),
    ("Without. People.", [Refinement("people", minus=True)]),
    ("No, not at night", [Refinement("at night", minus=True)]),
    ("with a dog", [Refinement("a dog")]),
    ("at the beach", [Refinement("at the beach")]),
    ("Um, okay, without a car", [Refinement("a car", minus=True)]),
    ("only at night, without people", [Refinement("at night"), Refinement("people", minus=True)]),
    ("only at night but no cars and without people",
     [Refinement("at night"), Refinement("cars", minus=True), Refinement("people", minus=True)]),
    ("more like a painting", [Refinement("more like a painting")]),
    ("a sign that says no parking", [Refinement("a sign that says no parking")]),
    ("north of the river", [Refinement("north of the river")]),
    ("nothing", [Refinement("nothing")]),
    ("only", [Refinement("only")]),
    ("salt and pepper", [Refinement("salt and pepper")]),
    ("like number 0", [Refinement("like number 0")]),
    ("", []), (" . ", []), ("please", [])])
def test_what_a_sentence_adds(said, added):
    assert list(refinements(said)) == added


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.example)
def test_each_rule_takes_its_example(rule):
    [added] = refinements(rule.example)
    assert added.minus == rule.minus and (added.rank is not None) == rule.picture
    assert added.text != rule.example
