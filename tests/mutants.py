"""Mutants of the rules of money: each small slip once, and whether the tests of rules notice.

    python -m tests.mutants                 ledger and pricing
    python -m tests.mutants pricing -k cause_of     those of one family with that in their name
    python -m tests.mutants pricing --part 1/2      one of two equal parts, e.g. one per core
    python -m tests.mutants --tables        by written examples alone, as the whole suite does

A comparison is turned, a sum becomes a difference, a number is one more or less, `and` is `or`, a
condition, a `not`, a minus or an order is left out, a choice always falls one way, a least becomes
a greatest, a statement is taken out, a set loses a member. The functions of a module get the
mutant's code in place, so whoever imported them runs it; then the tests of the family that need no
store are called one by one until one fails, those whose examples are drawn last. Survivors are
listed, and the command ends with 1. What was noticed is written to .local/mutants, so a run that
was broken off goes on as long as rules and tests are the same.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import functools
import hashlib
import importlib
import inspect
import io
import itertools
import json
import os
import signal
import sys
import types
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")

from hypothesis import HealthCheck, Phase, settings

# Of the processor's time, so that busy neighbours notice nothing for us: a written example, and
# all that are drawn for one test.
LONGEST_S, LONGEST_DRAWN_S = 1, 10
_KEPT = Path(__file__).parents[1] / ".local" / "mutants"
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

    only: of a module that holds more than rules of money, the functions that are.
    equal: mutants that change nothing anybody could see, by name, each with its reason beside it
    where the family is written down; one that is no mutant any longer ends the run.
    """

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    only: dict[str, frozenset[str]] = field(default_factory=dict)
    equal: frozenset[str] = field(default_factory=frozenset)

    def mutants(self) -> list[Mutant]:
        """Return all mutants of the family but the equal ones."""
        made = [
            mutant
            for module in self.modules
            for mutant in mutants(module)
            if module not in self.only or mutant.function in self.only[module]
        ]
        gone = self.equal - {mutant.name for mutant in made}
        assert not gone, f"no such mutant: {sorted(gone)}"
        return [mutant for mutant in made if mutant.name not in self.equal]


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
                "budgets.rules.ledger:accrual:comparison turned:movement_tiyn >= 0"
                " in if movement_tiyn >= 0:",
                "budgets.rules.ledger:accrual:one more:0 in if movement_tiyn >= 0:",
            }
        ),
    ),
    "pricing": Family(
        modules=(
            "chalicelib.kernel.money",
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
            "tests.kernel.test_money",
            "tests.billing.test_lines",
            "tests.billing.test_statements",
            "tests.billing.test_parents",
            "tests.billing.test_pricing",
            "tests.billing.test_lessons",
        ),
        equal=frozenset(
            {
                # Days take a shorter way to the same answer; lessons have twelve numbers an hour.
                "billing.rules.units:places:one more:1 in if slots == 1:",
                "billing.rules.units:places:one less:1 in if slots == 1:",
                "billing.rules.units:meeting:one more:1 in if slots == 1:",
                "billing.rules.units:meeting:one less:1 in if slots == 1:",
            }
        ),
    ),
    "rates": Family(
        modules=("chalicelib.policy.rules.earning", "chalicelib.policy.rules.packs"),
        only={
            "chalicelib.policy.rules.packs": frozenset(
                {
                    "Rules.check_sort",
                    "Rules.payable",
                    "Rules.rate_for",
                    "Rules.parents_share_for",
                    "Rules.month_max_tiyn",
                    "Pack.at",
                    "Pack.known_on",
                    "Pack._epochs",
                    "as_known",
                    "_cut",
                    "_without",
                    "in_force",
                    "epoch_starts",
                }
            )
        },
        tests=("tests.policy.test_month_calendar", "tests.policy.test_rows"),
    ),
}


@dataclass(frozen=True)
class Mutant:
    """One change of one function, or of one set of a module.

    node: its number in a walk of the module's tree. name: tells it from all others of its module
    by what is changed and in which statement, so that it outlives lines that are moved.
    """

    module: str
    function: str
    line: int
    kind: str
    text: str
    node: int
    name: str


# --- making mutants -----------------------------------------------------------------------------


def mutants(module: str) -> Iterator[Mutant]:
    """Yield every mutant of a module's functions and sets."""
    named: Counter[str] = Counter()
    for function, line, kind, text, node in _made(module):
        name = f"{module.removeprefix('chalicelib.')}:{function}:{kind}:{text}"
        named[name] += 1
        if named[name] > 1:
            name += f" #{named[name]}"
        yield Mutant(module, function, line, kind, text, node, name)


def _made(module: str) -> Iterator[tuple[str, int, str, str, int]]:
    tree = _tree(module)
    inside, statements = _functions(tree), _statements(tree)
    words = _words(tree)
    for number, node in enumerate(ast.walk(tree)):
        function = inside.get(id(node), "")
        if node in words or not function:
            continue
        for kind in _kinds(node):
            text, within = _first_line(node), _first_line(statements[id(node)])
            text = text if text == within else f"{text} in {within}"
            yield function, getattr(node, "lineno", 0), kind, text, number
    for statement in tree.body:
        for member in _members(module, statement):
            text = f"{ast.unparse(statement.targets[0])} {member}"  # type: ignore[attr-defined]
            yield "-", statement.lineno, "member left out", text, -1


def _first_line(node: ast.AST) -> str:
    return ast.unparse(node).splitlines()[0][:60]


def _statements(tree: ast.Module) -> dict[int, ast.stmt]:
    """Return in which innermost statement each node lies."""
    found: dict[int, ast.stmt] = {}
    for statement in ast.walk(tree):  # from the outside in
        if isinstance(statement, ast.stmt):
            found |= {id(node): statement for node in ast.walk(statement)}
    return found


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
            for number in range(len(node.values)):
                yield f"condition {number + 1} left out"
        case ast.UnaryOp() if isinstance(node.op, ast.Not | ast.USub):
            yield "sign left out"
        case ast.Constant() if type(node.value) is int:
            yield "one more"
            yield "one less"
        case ast.Constant() if type(node.value) is bool:
            yield "yes for no"
        case ast.Name() if node.id in _EXTREMES and isinstance(node.ctx, ast.Load):
            yield "least for greatest"
        case ast.IfExp():
            yield "always the first"
            yield "always the second"
        case ast.Call() if isinstance(node.func, ast.Name) and node.func.id == "sorted":
            yield "order left out"
        case ast.Raise() | ast.Break() | ast.Continue():
            yield "statement taken out"
        case ast.Expr() if isinstance(node.value, ast.Call | ast.Yield | ast.YieldFrom):
            yield "statement taken out"
        case ast.Return() if node.value is not None and not _is_none(node.value):
            yield "nothing comes back"


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _members(module: str, statement: ast.stmt) -> list[str]:
    """Return the members of a module's own set."""
    call = statement.value if isinstance(statement, ast.Assign) else None
    if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "frozenset" and call.args):
        return []
    assert isinstance(statement, ast.Assign)
    return sorted(getattr(importlib.import_module(module), ast.unparse(statement.targets[0])))


def _changed(node: ast.AST, kind: str) -> ast.AST | None:
    """Change a node in place, or return what stands in its place."""
    match node, kind:
        case ast.Compare(), _:
            node.ops[0] = _TURNED[type(node.ops[0])]()
        case ((ast.BinOp() | ast.AugAssign()), "other operator"):
            node.op = _OTHER[type(node.op)]()
        case ast.BoolOp(), "and for or":
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.UnaryOp(), _:
            return node.operand
        case ast.BoolOp(), _:
            del node.values[int(kind.split()[1]) - 1]
            return node if len(node.values) > 1 else node.values[0]
        case ast.Constant(), "one more" | "one less":
            node.value = int(str(node.value)) + (1 if kind == "one more" else -1)
        case ast.Constant(), "yes for no":
            node.value = not node.value
        case ast.Name(), _:
            node.id = _EXTREMES[node.id]
        case ast.IfExp(), _:
            return node.body if kind == "always the first" else node.orelse
        case ast.Call(), _:
            return ast.Call(ast.Name("list", ast.Load()), node.args, [])
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
    node = next(itertools.islice(ast.walk(tree), mutant.node, None))
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


def _words(tree: ast.Module) -> set[ast.AST]:
    """Return what a program says and does not do: docstrings, the types of its names, `strict`."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.add(node)
        elif isinstance(node, ast.AnnAssign):
            found |= set(ast.walk(node.annotation))
        elif isinstance(node, ast.keyword) and node.arg == "strict":
            found.add(node.value)
    return found


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
    elif isinstance(found, functools.cached_property):
        found = found.func
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
    # Whoever imported the set by its name has it, too.
    holders = [m for m in list(sys.modules.values()) if vars(m).get(name) is whole]
    for holder in holders:
        setattr(holder, name, whole - {member})
    try:
        yield
    finally:
        for holder in holders:
            setattr(holder, name, whole)


# --- the tests ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Case:
    """A test with its parameters; drawn: Hypothesis finds its examples."""

    name: str
    run: Callable[[], None]
    drawn: bool


def cases(modules: tuple[str, ...], *, drawn: bool = True) -> list[Case]:
    """Return every test that needs no store, once for each of its parameters, drawn ones last."""
    found: list[Case] = []
    for name in modules:
        module = importlib.import_module(name)
        for test in vars(module).values():
            if not (getattr(test, "__name__", "").startswith("test_") and callable(test)):
                continue
            found += _cases(test)
    return [case for case in found if not case.drawn] + [c for c in found if c.drawn and drawn]


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
            yield Case(test.__name__, functools.partial(test, **given), hasattr(test, "hypothesis"))


def noticed_by(told: list[Case]) -> str:
    """Return which test fails, "" where none does; it is asked first for the next mutant."""
    for number, case in enumerate(told):
        if not _passes(case):
            told.insert(0, told.pop(number))
            return case.name
    return ""


class TooLong(BaseException):
    """A mutant that never ends is noticed."""


def _passes(case: Case) -> bool:
    def over(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST_DRAWN_S if case.drawn else LONGEST_S)
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            case.run()
        return True
    except KeyboardInterrupt:
        raise
    except BaseException:
        return False
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def survivors(family: Family, *, drawn: bool = True) -> tuple[list[Mutant], int]:
    """Return the mutants that no test noticed, equal ones apart, and how many were tried."""
    tried = list(judged(family, family.mutants(), drawn=drawn))
    return [mutant for mutant, by in tried if not by], len(tried)


def judged(
    family: Family, chosen: Sequence[Mutant], *, drawn: bool = True
) -> Iterator[tuple[Mutant, str]]:
    """Yield each mutant with the test that noticed it, or ""."""
    told = cases(family.tests, drawn=drawn)
    assert told, "no test needs no store"
    _assert_green(told, "red without any mutant")
    for mutant in chosen:
        with planted(mutant):
            by = noticed_by(told)
        yield mutant, by
    # A mutant may leave something behind in a cache, and all after it would be noticed by that.
    _assert_green(told, "red after the mutants")


def _assert_green(told: list[Case], why: str) -> None:
    red = [case.name for case in told if not _passes(case)]
    assert not red, f"{why}: {red}"


def _digest_of(family: Family) -> str:
    """Return what all that was noticed rests on: rules, tests and this tool, as they are."""
    names = (*family.modules, *family.tests, __spec__.name)
    files = (importlib.import_module(name).__file__ or "" for name in names)
    return hashlib.sha256(b"".join(Path(file).read_bytes() for file in files)).hexdigest()


def _told(name: str, part: str) -> dict[str, str]:
    """Return what an earlier run on the same code has noticed."""
    kept = _KEPT / f"{name}-{part.replace('/', '-of-')}.json"
    said = json.loads(kept.read_text("utf-8")) if kept.is_file() else {}
    return dict(said["noticed"]) if said.get("of") == _digest_of(FAMILIES[name]) else {}


def _keep(name: str, part: str, noticed: dict[str, str]) -> None:
    _KEPT.mkdir(parents=True, exist_ok=True)
    kept = _KEPT / f"{name}-{part.replace('/', '-of-')}.json"
    said = {"of": _digest_of(FAMILIES[name]), "noticed": noticed}
    kept.write_text(json.dumps(said, indent=1, ensure_ascii=False), "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the mutants that were asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("family", nargs="*", help=", ".join(FAMILIES))
    parser.add_argument("-k", default="", help="a part of the name: module:function:kind:text")
    parser.add_argument("--part", default="1/1", help="which of how many parts, as 1/2")
    parser.add_argument("--tables", action="store_true", help="without drawn examples")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.family) - set(FAMILIES):
        parser.error(f"no such family: {', '.join(sorted(unknown))}")
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
    for name in asked.family or FAMILIES:
        code |= _tried(name, asked.k, asked.part, drawn=not asked.tables)
    return code


def _tried(name: str, some: str, part: str, *, drawn: bool) -> bool:
    """Try mutants of a family, list the survivors, and return whether there are any."""
    number, _, parts = part.partition("/")
    chosen = [mutant for mutant in FAMILIES[name].mutants() if some in mutant.name]
    chosen = chosen[int(number) - 1 :: int(parts)]
    noticed = _told(name, part)
    still = [mutant for mutant in chosen if mutant.name not in noticed]
    left = 0
    for count, (mutant, by) in enumerate(judged(FAMILIES[name], still, drawn=drawn), start=1):
        if by:
            noticed[mutant.name] = by
        else:
            left += 1
            _say(f"survived line {mutant.line} of {mutant.name}")
        if count % 25 == 0:
            _keep(name, part, noticed)
            _say(f"{name}: {count} of {len(still)} tried")
    _keep(name, part, noticed)
    _say(f"{name}: {len(chosen) - left} of {len(chosen)} mutants noticed")
    return left > 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
