"""One engine: no code decides by the name of a programme, an area or anything a pack names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import chalicelib
from chalicelib.policy.actions import list_packs
from chalicelib.policy.rules.fitting import OWN_PROOFS

PACKAGE = Path(chalicelib.__file__).parent
# Tables whose rows have names that only packs know.
NAMED = ("voucher_kinds", "kinds", "activities", "tiers", "statuses", "checklist", "sen_parts")


def names_of_packs() -> set[str]:
    names = set()
    for pack in list_packs():
        names |= {pack.programme, pack.area, pack.id}
        names |= {row.code for table in NAMED for row in pack.rows[table]}
        names |= {row.department for row in pack.rows["kinds"] if row.department}
    # What our own data decide is a fact about the data; `sen` is also a field of rows.
    return names - {*OWN_PROOFS, "sen"}


def decided_by(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the texts that code compares with, looks up or matches, with their lines."""
    for node in ast.walk(tree):
        parts: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            parts = [node.value]
        elif isinstance(node, ast.Dict):
            parts = [key for key in node.keys if key is not None]
        for part in parts:
            for one in ast.walk(part):
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    yield one.lineno, one.value


def test_the_scan_sees_what_it_is_for() -> None:
    code = 'if p == "clubs": ...\nrates = {"sport": 1}\nmatch k:\n    case "astana": ...\n'

    assert [said for _, said in decided_by(ast.parse(code))] == ["clubs", "sport", "astana"]
    assert {"clubs", "sport", "astana", "tsa", "target", "football"} <= names_of_packs()


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_no_code_asks_for_a_programme_by_name(path: Path) -> None:
    known = names_of_packs()

    asked = [
        f"{path.name}:{line}: {said!r}"
        for line, said in decided_by(ast.parse(path.read_text("utf-8")))
        if said in known
    ]

    assert asked == [], "ask the pack instead: rules.programme, rules.kinds_for, rules.terms …"
