"""The verifier's own checks, taken out one by one: the planted faults notice.

Only those that judge a run, and only against the worlds that show its openings: this much is done
in half a minute. `python -m tests.verify.mutants` tries all against all and lists who survives.
"""

from __future__ import annotations

import ast
from pathlib import Path

from tests.verify.conftest import SCRIPT, remembering
from tests.verify.mutants import Mutant, cases, mutants, survives

LEAST = 20
# Second guards: reading the auditor's bundle finds the first two before, under the same words; the
# others have a check beside them that names the same word and ticket.
EQUAL = frozenset(
    {
        'found.add(child, "mover/none")',
        'found.add(child, "swap/left" if swapped else "mover/none")',
        'raise says("fit/year", ticket=child.ticket)',
        'raise says("money/beyond", ticket=child.ticket, name=pot)',
        'found.add(child, "group/unknown", name=group)',
        'found.add(one, "capacity/full", name=group, size=self.room(group), other=len(children))',
    }
)


def sample() -> list[Mutant]:
    """Return every mutant that takes out a check of what a run decided."""
    every = list(mutants(SCRIPT.read_text()))
    tree = ast.parse(SCRIPT.read_text())
    (judge,) = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Judge"]
    inside = range(judge.lineno, (judge.end_lineno or judge.lineno) + 1)
    lines = SCRIPT.read_text().splitlines()
    checks = [m for m in every if m.line in inside and m.kind == "check taken out"]
    return [m for m in checks if lines[m.line - 1].strip() not in EQUAL]


def test_a_check_of_a_run_that_is_taken_out_is_missed(tmp_path: Path) -> None:
    source, true = SCRIPT.read_text(), remembering()
    tree = ast.parse(source)
    told = cases(tmp_path, opened_only=True)
    chosen = sample()
    assert len(chosen) >= LEAST

    left = [m for m in chosen if survives(tree, m, told, true)]

    lines = source.splitlines()
    found = {lines[m.line - 1].strip() for m in left}
    assert not found, found
