"""One judge: whose object it is, no slice decides for itself; each asks the access table."""

from __future__ import annotations

import ast
from pathlib import Path

import chalicelib

_ROOT = Path(chalicelib.__file__).parent
_OWN = ("serves", "organisations", "areas", "directions")
# Who may look at what a caller came with: the table's own slice, and where callers are made.
_MAY = ("access/", "kernel/actors.py", "edge/auth.py")
# Where such a word is no caller's, and why. Lists of one's own go through `access.areas_of` and
# `access.organisations_of`.
_ELSEWHERE = {
    ("rights/actions/looking.py", "organisations"): "of a look that was recorded",
    ("rights/routes.py", "organisations"): "the same, shown to the family",
    ("rights/routes.py", "areas"): "the same",
}


def test_no_slice_looks_at_what_a_caller_reaches_but_asks_the_table() -> None:
    found = set()
    for path in sorted(_ROOT.rglob("*.py")):
        name = path.relative_to(_ROOT).as_posix()
        if name.startswith(_MAY):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in _OWN:
                if isinstance(node.value, ast.Name) and node.value.id in ("rules", "self"):
                    continue  # a module's function, or a value's own field
                found.add((name, node.attr))

    assert found - set(_ELSEWHERE) == set()
    assert set(_ELSEWHERE) <= found
