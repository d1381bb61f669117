"""A8: nothing is decided on an index or on a stale read."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import chalicelib
from chalicelib.storage.tables import definitions
from infra.local import faults
from tests.promises.rewind import throw_dice
from tests.promises.script import City

_ROOT = Path(chalicelib.__file__).parent
_READS = {"get", "query", "scan", "batch_get", "get_item", "batch_get_item"}
_INDEX = re.compile(r"IndexName|GlobalSecondaryIndex|LocalSecondaryIndex|index_name")
# Reads that may be stale, each with its reason.
_MAY_BE_STALE = {
    "providers/actions/reading.py": "the public catalogue and figures, where nothing is decided",
}


def _sources() -> list[tuple[str, str]]:
    return [(str(path.relative_to(_ROOT)), path.read_text("utf-8")) for path in _ROOT.rglob("*.py")]


def test_a8_no_table_has_an_index_and_no_code_asks_one() -> None:
    assert [name for name, text in _sources() if _INDEX.search(text)] == []
    for table in definitions("any"):
        assert not {"GlobalSecondaryIndexes", "LocalSecondaryIndexes"} & set(table)


def test_a8_every_read_of_a_table_is_consistent() -> None:
    stale = []
    for name, text in _sources():
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call):
                continue
            for word in node.keywords:
                said = word.arg in ("consistent", "consistent_read")
                if said and isinstance(word.value, ast.Constant) and word.value.value is False:
                    stale.append(f"{name}:{node.lineno}")
            if _reads_a_table(node) and not _says_consistent(node):
                stale.append(f"{name}:{node.lineno}")

    assert [place for place in stale if place.split(":")[0] not in _MAY_BE_STALE] == []


def _reads_a_table(node: ast.Call) -> bool:
    """Whether a call is a model's or a connection's read, by who it is called on."""
    if not isinstance(node.func, ast.Attribute) or node.func.attr not in _READS:
        return False
    owner = ast.unparse(node.func.value)
    if node.func.attr == "get":
        # `get` of a model; of anything else it is a dictionary's.
        return bool(re.fullmatch(r"\w*Row|self\.row", owner))
    return bool(re.fullmatch(r"\w*Row|self\.row|table|_?table(_of)?\([\w.\[\]]*\)", owner))


def _says_consistent(node: ast.Call) -> bool:
    return any(word.arg == "consistent_read" for word in node.keywords)


def test_a8_stale_reads_change_nothing_in_the_year(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked_stale(call: faults.Call, send: faults.Send) -> None:
        del send
        reads = [call.asked]
        if call.operation == "BatchGetItem":
            reads = list(call.asked["RequestItems"].values())
        if call.operation in ("GetItem", "Query", "Scan", "BatchGetItem"):
            seen[0] += 1
            stale.extend(call.operation for read in reads if not read.get("ConsistentRead"))

    seen, stale = [0], list[str]()
    throw_dice(monkeypatch)
    with faults.stale_reads(), faults.planned(asked_stale):
        city.play()

    assert stale == []
    assert seen[0] > 500, "the year reads through this hook"
