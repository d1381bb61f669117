"""A3, A4: no slip in the rules of money goes unnoticed, even by the tables of their tests alone.

Here all mutants of the ledger's rules are tried and every twentieth of the others; `make mutants`
tries all, with examples that are drawn.
"""

from __future__ import annotations

import pytest

from tests.mutants import FAMILIES, judged, survivors

LEAST = 300


def test_no_mutant_of_the_ledgers_rules_survives_its_tables():
    left, tried = survivors(FAMILIES["ledger"], drawn=False)

    assert tried >= LEAST
    assert not left, [f"{mutant.line} {mutant.name}" for mutant in left]


@pytest.mark.parametrize(("name", "least"), [("pricing", 700), ("rates", 120)])
def test_nor_does_one_of_a_sample_of_those_of_pricing_and_rates(name, least):
    family = FAMILIES[name]
    mutants = family.mutants()

    left = [mutant for mutant, by in judged(family, mutants[::20], drawn=False) if not by]

    assert len(mutants) >= least
    assert not left, [f"{mutant.line} {mutant.name}" for mutant in left]
