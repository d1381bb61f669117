"""What the threat model names is there: each file, each test."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security.md"
_PROMISES = ["A2", *(f"B{n}" for n in range(1, 16)), "C2", "C3"]
_RISKS = [f"API{n}" for n in range(1, 11)] + [f"V{n}" for n in range(1, 18)]


def test_every_test_that_the_threat_model_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE.read_text("utf-8"))
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (ROOT / file).is_file() or (test and test not in _tests_of(ROOT / file))
    ]

    assert len(named) > 60
    assert missing == []


def test_every_risk_has_a_row_and_every_row_a_test() -> None:
    rows = re.findall(r"^\| (API\d+|V\d+) (.*)$", PAGE.read_text("utf-8"), re.MULTILINE)

    assert [name for name, _ in rows] == _RISKS
    assert [name for name, rest in rows if "`tests/" not in rest] == ["V17"]


def test_every_promise_has_a_row_and_tests_that_carry_its_name() -> None:
    rows = re.findall(r"^\| ([ABC]\d+) \|(.*)$", PAGE.read_text("utf-8"), re.MULTILINE)

    assert [name for name, _ in rows] == _PROMISES
    for name, rest in rows:
        files = [ROOT / file for file in re.findall(r"`(tests/[\w/]+\.py)", rest)]
        carry = re.compile(rf"test_(?:\w+_)?{name.lower()}(?:_|$)")
        assert any(carry.match(test) for file in files for test in _tests_of(file)), name


def test_every_other_file_that_it_names_exists() -> None:
    named = re.findall(r"`((?:chalicelib|infra|docs)/[\w./-]+)`", PAGE.read_text("utf-8"))

    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def _tests_of(file: Path) -> set[str]:
    tree = ast.parse(file.read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
