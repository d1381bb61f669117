"""Mutants of the verifier: each check once taken out or turned, and whether the worlds notice.

    python -m tests.verify.mutants [PART]     lists survivors; PART: of how many, as 1/4

A mutant is killed when a planted fault is no longer named as it was, or an honest world is refused.
Only what queues and runs need is turned; the rest is held by tests/promises/test_b9.py.
"""

from __future__ import annotations
import __future__

import ast
import contextlib
import copy
import functools
import io
import sys
import tempfile
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.verify import cities
from tests.verify.conftest import SCRIPT, asked, remembering
from tests.verify.faults import (
    FAULTS,
    Fault,
    logged,
    money_city,
    reserve_city,
    ring_city,
    sibling_city,
    two_runs,
    written,
)
from tests.verify.worlds import key_line

ANNOTATIONS = __future__.annotations.compiler_flag
FIRST, LAST = "reading what may be anything", "the commands ---"
TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
Change = Callable[[ast.AST], None]


@dataclass(frozen=True)
class Mutant:
    """One change; number: of the node in the walk of the tree."""

    line: int
    kind: str
    number: int


@dataclass(frozen=True)
class Case:
    """A command over files that lie there, and what it must say."""

    words: tuple[str, ...]
    said: tuple[object, ...]

    @property
    def word(self) -> object:
        """The word of what is broken; of an honest world what it says."""
        return self.said[:2][-1]


def window(source: str) -> range:
    """Return the lines that are turned."""
    lines = source.splitlines()
    at = [n for n, line in enumerate(lines, 1) if line.startswith("# ---")]
    first = next(n for n in at if FIRST in lines[n - 1])
    last = next(n for n in at if LAST in lines[n - 1])
    return range(first, last)


def is_check(node: ast.AST) -> bool:
    """Tell whether a statement names what is broken."""
    if isinstance(node, ast.Raise):
        return True
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and ast.unparse(call.func) == "found.add"


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant there is."""
    inside = window(source)
    for number, node in enumerate(ast.walk(ast.parse(source))):
        line = getattr(node, "lineno", 0)
        if line not in inside:
            continue
        if is_check(node):
            yield Mutant(line, "check taken out", number)
        elif isinstance(node, ast.Compare) and type(node.ops[0]) in TURNED:
            yield Mutant(line, "comparison turned", number)
        elif isinstance(node, ast.BoolOp):
            yield Mutant(line, "and for or", number)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield Mutant(line, "not left out", number)


def changed(tree: ast.Module, mutant: Mutant) -> tuple[int, ast.stmt]:
    """Return a copy of one statement of the script with one change in it, and which it is."""
    node = nodes_of(tree)[mutant.number]
    place = max(n for n, one in enumerate(tree.body) if one.lineno <= mutant.line)
    copies: dict[int, Any] = {}
    other = copy.deepcopy(tree.body[place], copies)
    node = copies[id(node)]
    if mutant.kind == "comparison turned":
        assert isinstance(node, ast.Compare)
        node.ops[0] = TURNED[type(node.ops[0])]()
    elif mutant.kind == "and for or":
        assert isinstance(node, ast.BoolOp)
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    else:
        replace(other, node, mutant.kind)
    return place, ast.fix_missing_locations(other)


@functools.lru_cache(maxsize=1)
def nodes_of(tree: ast.Module) -> list[ast.AST]:
    return list(ast.walk(tree))


def replace(tree: ast.stmt, node: ast.AST, kind: str) -> None:
    """Put a statement that does nothing, or what a `not` denies, in the place of a node."""
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is node:
                assert isinstance(node, ast.UnaryOp)
                setattr(parent, name, node.operand)
            elif isinstance(value, list) and any(one is node for one in value):
                new = node.operand if isinstance(node, ast.UnaryOp) else ast.Pass()
                value[[one is node for one in value].index(True)] = ast.copy_location(new, node)


def compiled(statement: ast.stmt) -> types.CodeType:
    one = ast.Module([statement], [])
    return compile(one, str(SCRIPT), "exec", flags=ANNOTATIONS, dont_inherit=True)


@functools.lru_cache(maxsize=1)
def statements_of(tree: ast.Module) -> tuple[types.CodeType, ...]:
    """Return the script's statements, each compiled by itself; a mutant changes one of them."""
    return tuple(compiled(statement) for statement in tree.body)


def module_of(tree: ast.Module, mutant: Mutant) -> ModuleType:
    module = types.ModuleType("kezek_mutant")
    codes = list(statements_of(tree))
    place, statement = changed(tree, mutant)
    codes[place] = compiled(statement)
    for code in codes:
        exec(code, module.__dict__)
    return module


# --- what must stay as it is --------------------------------------------------------------------


def cases(folder: Path, *, opened_only: bool = False) -> list[Case]:
    """Write faulty and honest worlds, and runs that this code made; return what is said of each.

    opened_only: those alone that show openings, without which no run is judged.
    """
    script = remembering()
    made = []
    faults = [one for one in FAULTS if not opened_only or one.asked == "run opened"]
    for number, fault in enumerate(faults):
        place = folder / f"fault-{number}"
        place.mkdir()
        words = written(fault, place)
        made.append(Case(tuple(words), ("broken", fault.word, fault.ticket, fault.number)))
    for name, world in (
        ("money", money_city),
        ("reserve", reserve_city),
        ("ring", ring_city),
        ("sibling", sibling_city),
    ):
        place = folder / name
        place.mkdir()
        words = written(Fault(name, "run opened", "", world=world), place)
        made.append(Case(tuple(words), ("holds",)))
    for command in sorted({fault.asked for fault in faults}):
        place = folder / f"honest {command}"
        place.mkdir()
        honest = Fault("honest", command, "", change=two_runs, edit=logged)
        made.append(Case(tuple(written(honest, place)), ("holds",)))
    for seed, said in enumerate(
        (
            {"siblings_first": True},
            {"reading": "reserve", "reserve_per_mille": 300},
            {"reading": "reserve", "reserve_per_mille": 500, "siblings_first": True},
            {"swaps": False},
            {},
            {"siblings_first": True, "waiting_lists_max": 1},
        )
    ):
        place = folder / f"city-{seed}"
        place.mkdir()
        files, openings = cities.published(
            *cities.a_city(seed + 3, **said), stopped=0.6 if seed == 4 else None
        )
        for name, raw in {**files, "openings": openings, "keys": key_line().encode()}.items():
            (place / name).write_bytes(raw)
        opened = ("--openings", str(place / "openings"), "--keys", str(place / "keys"))
        made.append(Case(("run", str(place), *opened), ("holds",)))
    for case in made:
        assert answer(script, case) == case.said, (case, answer(script, case))
    return made


def answer(module: ModuleType, case: Case) -> tuple[object, ...]:
    """Return what a mutant says; whatever it raises is an answer, too."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            code, said = asked(module, *case.words)
    except Exception as error:
        return ("raised", type(error).__name__)
    if code == 0:
        return ("holds",)
    if code == 1:
        return ("broken", said["broken"], said["ticket"], said["number"])
    return ("code", code)


def survives(tree: ast.Module, mutant: Mutant, told: list[Case], true: ModuleType) -> bool:
    """Tell whether no case notices a mutant; signatures are counted once for all mutants."""
    module = module_of(tree, mutant)
    module.__dict__["signed_by"] = true.signed_by
    text = ast.unparse(nodes_of(tree)[mutant.number])
    # First those whose word the mutant no longer says.
    for case in sorted(told, key=lambda case: f"'{case.word}/" not in text):
        if answer(module, case) != case.said:
            told.remove(case)
            told.insert(0, case)  # who notices one often notices its neighbours
            return False
    return True


def main() -> None:
    part, _, parts = (sys.argv[1] if len(sys.argv) > 1 else "1/1").partition("/")
    source = SCRIPT.read_text()
    tree, true = ast.parse(source), remembering()
    with tempfile.TemporaryDirectory() as name:
        told = cases(Path(name))
        left = []
        chosen = list(mutants(source))[int(part) - 1 :: int(parts)]
        for mutant in chosen:
            if survives(tree, mutant, told, true):
                left.append(mutant)
                print(f"{mutant.line}: {mutant.kind}", flush=True)  # noqa: T201
        print(f"{len(chosen) - len(left)} of {len(chosen)} mutants killed")  # noqa: T201


if __name__ == "__main__":
    main()
