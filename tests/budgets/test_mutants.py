"""A3: no slip in the ledger's rules goes unnoticed, even by the tables of its tests alone.

`make mutants` tries the same with examples that are drawn.
"""

from __future__ import annotations

from tests.mutants import FAMILIES, survivors

LEAST = 200


def test_no_mutant_of_the_ledgers_rules_survives_its_tables():
    left, tried = survivors(FAMILIES["ledger"], drawn=False)

    assert tried >= LEAST
    assert not left, [f"{mutant.line} {mutant.name}" for mutant in left]
