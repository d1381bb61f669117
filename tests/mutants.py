"""Mutants of the rules of money: each small slip once, and whether the tests of rules notice.

    python -m tests.mutants [FAMILY]        ledger, or another of FAMILIES; all where none is said

A comparison is turned, a sum becomes a difference, a number is one more, `and` is `or`, a `not` or
a minus is left out, a least becomes a greatest, a statement is taken out, a set loses a member. The
functions of a module get the mutant's code in place, so whoever imported them runs it; then the
tests of the family that need no store are called one by one until one fails. Survivors are
listed, and the command ends with 1.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import importlib
import inspect
import io
import itertools
import os
import signal
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")

from hypothesis import HealthCheck, Phase, settings

LONGEST_S = 10
_TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
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
_OTHER: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.BitXor: ast.BitOr,
}
_EXTREMES = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Family:
    """Modules of rules and the modules of tests that must notice.

    equal: mutants that change nothing anybody could see, "module:function:kind:text", each with
    its reason beside it where the family is written down.
    """

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    equal: frozenset[str] = field(default_factory=frozenset)


FAMILIES = {
    "ledger": Family(
        modules=(
            "chalicelib.budgets.rules.ledger",
            "chalicelib.budgets.rules.sharding",
            "chalicelib.budgets.rules.reserving",
            "chalicelib.budgets.rules.accounts",
            "chalicelib.budgets.rules.checking",
        ),
        tests=(
            "tests.budgets.test_rules",
            "tests.budgets.test_ledger",
            "tests.budgets.test_sharding",
            "tests.budgets.test_reserving",
            "tests.budgets.test_checking",
            "tests.budgets.test_reading",
        ),
        equal=frozenset(
            {
                # A statement of nothing moves nothing either way.
                "chalicelib.budgets.rules.ledger:accrual:comparison turned:movement_tiyn >= 0",
                "chalicelib.budgets.rules.ledger:accrual:one more:0",
            }
        ),
    ),
    "pricing": Family(
        modules=(
            "chalicelib.billing.rules.units",
            "chalicelib.billing.rules.claimed",
            "chalicelib.billing.rules.judging",
            "chalicelib.billing.rules.pricing",
            "chalicelib.billing.rules.statements",
            "chalicelib.billing.rules.earning",
            "chalicelib.billing.rules.calculation",
            "chalicelib.billing.rules.replay",
        ),
        tests=(
            "tests.billing.test_lines",
            "tests.billing.test_statements",
            "tests.billing.test_parents",
            "tests.billing.test_pricing",
            "tests.billing.test_lessons",
        ),
        equal=frozenset(
            {
                # Nothing is cut of a unit that earned its whole share.
                "chalicelib.billing.rules.pricing:_within_the_month:comparison turned:"
                "earned < share",
                # A rate without a cap ends the limit, so that nobody asks for the highest one.
                "chalicelib.billing.rules.pricing:_within_the_month:one more:0",
            }
        ),
    ),
}


@dataclass(frozen=True)
class Mutant:
    """One change of one function, or of one set of a module."""

    module: str
    function: str
    line: int
    kind: str
    text: str
    number: int  # of the node in a walk of the module's tree

    @property
    def name(self) -> str:
        return f"{self.module}:{self.function}:{self.kind}:{self.text}"


# --- making mutants -----------------------------------------------------------------------------


def mutants(module: str) -> Iterator[Mutant]:
    """Yield every mutant of a module's functions and sets."""
    tree = _tree(module)
    inside = _functions(tree)
    docs = _docstrings(tree)
    for number, node in enumerate(ast.walk(tree)):
        function = inside.get(id(node), "")
        if node in docs:
            continue
        if not function:
            continue
        for kind in _kinds(node):
            text = ast.unparse(node).splitlines()[0][:80]
            yield Mutant(module, function, getattr(node, "lineno", 0), kind, text, number)
    for statement in tree.body:
        for member in _members(statement):
            text = f"{ast.unparse(statement.targets[0])} {member}"  # type: ignore[attr-defined]
            yield Mutant(module, "-", statement.lineno, "member left out", text, -1)


def _kinds(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Compare() if type(node.ops[0]) in _TURNED:
            yield "comparison turned"
        case ast.BinOp() if type(node.op) in _OTHER and not isinstance(node.left, ast.Constant):
            yield "other operator"
        case ast.AugAssign():
            yield "other operator"
            yield "statement taken out"
        case ast.BoolOp():
            yield "and for or"
        case ast.UnaryOp() if isinstance(node.op, ast.Not | ast.USub):
            yield "sign left out"
        case ast.Constant() if type(node.value) is int:
            yield "one more"
        case ast.Constant() if type(node.value) is bool:
            yield "yes for no"
        case ast.Name() if node.id in _EXTREMES and isinstance(node.ctx, ast.Load):
            yield "least for greatest"
        case ast.IfExp():
            yield "always the first"
        case ast.Raise() | ast.Break() | ast.Continue():
            yield "statement taken out"
        case ast.Expr() if isinstance(node.value, ast.Call | ast.Yield | ast.YieldFrom):
            yield "statement taken out"
        case ast.Return() if node.value is not None and not _is_none(node.value):
            yield "nothing comes back"


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _members(statement: ast.stmt) -> list[str]:
    """Return the texts in a module's own set."""
    call = statement.value if isinstance(statement, ast.Assign) else None
    if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "frozenset" and call.args):
        return []
    held = call.args[0]
    return [ast.literal_eval(one) for one in held.elts] if isinstance(held, ast.Set) else []


def _changed(node: ast.AST, kind: str) -> ast.AST | None:
    """Change a node in place, or return what stands in its place."""
    match node, kind:
        case ast.Compare(), _:
            node.ops[0] = _TURNED[type(node.ops[0])]()
        case ((ast.BinOp() | ast.AugAssign()), "other operator"):
            node.op = _OTHER[type(node.op)]()
        case ast.BoolOp(), _:
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.UnaryOp(), _:
            return node.operand
        case ast.Constant(), "one more":
            node.value = int(str(node.value)) + 1
        case ast.Constant(), "yes for no":
            node.value = not node.value
        case ast.Name(), _:
            node.id = _EXTREMES[node.id]
        case ast.IfExp(), _:
            return node.body
        case ast.Return(), _:
            node.value = ast.Constant(None)
        case ast.stmt(), "statement taken out":
            return ast.Pass()
    return None


class _Put(ast.NodeTransformer):
    def __init__(self, node: ast.AST, other: ast.AST) -> None:
        self.node, self.other = node, other

    def visit(self, node: ast.AST) -> Any:
        return self.other if node is self.node else self.generic_visit(node)


def _mutated(mutant: Mutant) -> ast.Module:
    tree = copy.deepcopy(_tree(mutant.module))
    node = next(itertools.islice(ast.walk(tree), mutant.number, None))
    other = _changed(node, mutant.kind)
    if other is not None:
        tree = _Put(node, ast.copy_location(other, node)).visit(tree)
    return ast.fix_missing_locations(tree)


def _tree(module: str) -> ast.Module:
    if module not in _TREES:
        path = importlib.import_module(module).__file__ or ""
        _TREES[module] = ast.parse(Path(path).read_text("utf-8"), path)
    return _TREES[module]


_TREES: dict[str, ast.Module] = {}


def _functions(tree: ast.Module) -> dict[int, str]:
    """Return to which outermost function of a module or class each node belongs."""
    inside: dict[int, str] = {}
    for top in tree.body:
        of_class = top.body if isinstance(top, ast.ClassDef) else [top]
        prefix = f"{top.name}." if isinstance(top, ast.ClassDef) else ""
        for function in of_class:
            if isinstance(function, ast.FunctionDef):
                for statement in function.body:
                    for node in ast.walk(statement):
                        inside[id(node)] = prefix + function.name
    return inside


def _docstrings(tree: ast.Module) -> set[ast.AST]:
    return {
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


# --- putting them in place ----------------------------------------------------------------------


@contextlib.contextmanager
def planted(mutant: Mutant) -> Iterator[None]:
    """Let everybody who calls the function run the mutant's code."""
    module = importlib.import_module(mutant.module)
    if mutant.function == "-":
        with _smaller_set(module, mutant):
            yield
        return
    function = _function(module, mutant.function)
    healthy = function.__code__
    function.__code__ = _code(_mutated(mutant), mutant)
    try:
        yield
    finally:
        function.__code__ = healthy


def _function(module: types.ModuleType, name: str) -> types.FunctionType:
    found: Any = module
    for part in name.split("."):
        found = inspect.getattr_static(found, part)
    if isinstance(found, property):
        found = found.fget
    elif isinstance(found, staticmethod | classmethod):
        found = found.__func__
    found = inspect.unwrap(found)
    assert isinstance(found, types.FunctionType), name
    return found


def _code(tree: ast.Module, mutant: Mutant) -> types.CodeType:
    flags = importlib.import_module("__future__").annotations.compiler_flag
    whole = compile(tree, mutant.module, "exec", flags=flags, dont_inherit=True)
    waiting = [whole]
    while waiting:
        code = waiting.pop()
        if code.co_qualname == mutant.function:
            return code
        waiting += [one for one in code.co_consts if isinstance(one, types.CodeType)]
    raise LookupError(mutant.name)


@contextlib.contextmanager
def _smaller_set(module: types.ModuleType, mutant: Mutant) -> Iterator[None]:
    name, _, member = mutant.text.partition(" ")
    whole = getattr(module, name)
    setattr(module, name, whole - {member})
    try:
        yield
    finally:
        setattr(module, name, whole)


# --- the tests ----------------------------------------------------------------------------------

Case = Callable[[], None]


def cases(modules: tuple[str, ...], *, drawn: bool = True) -> list[Case]:
    """Return every test that needs no store, once for each of its parameters.

    drawn: with those whose examples Hypothesis draws.
    """
    found: list[Case] = []
    for name in modules:
        module = importlib.import_module(name)
        for test in vars(module).values():
            if not (getattr(test, "__name__", "").startswith("test_") and callable(test)):
                continue
            if drawn or not hasattr(test, "hypothesis"):
                found += _cases(test)
    return found


def _cases(test: Callable[..., None]) -> Iterator[Case]:
    marks = [m for m in getattr(test, "pytestmark", []) if m.name == "parametrize"]
    tables: list[list[dict[str, Any]]] = []
    for mark in marks:
        names = mark.args[0]
        names = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
        rows = [getattr(row, "values", row) for row in mark.args[1]]
        tables.append(
            [
                dict(zip(names, (row,) if len(names) == 1 else row, strict=True))
                if not (len(names) == 1 and hasattr(mark.args[1][n], "values"))
                else dict(zip(names, row, strict=True))
                for n, row in enumerate(rows)
            ]
        )
    for chosen in itertools.product(*tables):
        given = {name: value for part in chosen for name, value in part.items()}
        if set(inspect.signature(test).parameters) <= set(given):
            yield lambda given=given: test(**given)  # type: ignore[misc]


def notices(told: list[Case]) -> bool:
    """Return whether a test fails; who noticed one is asked first for the next."""
    for number, case in enumerate(told):
        if not _passes(case):
            told.insert(0, told.pop(number))
            return True
    return False


class TooLong(BaseException):
    """A mutant that never ends is noticed."""


def _passes(case: Case) -> bool:
    def over(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            case()
        return True
    except KeyboardInterrupt:
        raise
    except BaseException:
        return False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def survivors(family: Family, *, drawn: bool = True) -> tuple[list[Mutant], int]:
    """Return the mutants that no test noticed, equal ones apart, and how many were tried."""
    told = cases(family.tests, drawn=drawn)
    assert told, "no test needs no store"
    assert all(_passes(case) for case in told), "tests are red without any mutant"
    left, tried = [], 0
    for module in family.modules:
        for mutant in mutants(module):
            if mutant.name in family.equal:
                continue
            with planted(mutant):
                caught = notices(told)
            tried += 1
            if not caught:
                left.append(mutant)
    return left, tried


def main(asked: list[str]) -> int:
    settings.register_profile(
        "mutants",
        max_examples=60,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("mutants")
    code = 0
    for name in asked or FAMILIES:
        left, tried = survivors(FAMILIES[name])
        for mutant in left:
            sys.stdout.write(f"survived {mutant.module}:{mutant.line} {mutant.name}\n")
        sys.stdout.write(f"{name}: {tried - len(left)} of {tried} mutants noticed\n")
        code = code or bool(left)
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
