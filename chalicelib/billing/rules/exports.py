"""Statements as a table: a row per stated line, raised financing in columns of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from chalicelib.billing.rules.pricing import BASE
from chalicelib.billing.rules.statements import Because, SiteMonth, Statement


def statement_table(
    head: SiteMonth, statements: Iterable[Statement]
) -> tuple[list[str], list[list[object]]]:
    """Return headings and rows: each statement's lines in order, by child.

    In every row the columns `part_tiyn_…` sum to accrual_tiyn; movement_tiyn is signed, plus is
    owed to the provider.
    """
    posted = sorted(statements, key=lambda s: s.number)
    names = list(
        dict.fromkeys([BASE, *(name for s in posted for x in s.lines for name in x.line.parts)])
    )
    headings = [
        "month",
        "site_id",
        "direction",
        "statement",
        "at",
        "child_id",
        "cause",
        "attended",
        "payable",
        "unpaid",
        "before_tiyn",
        "accrual_tiyn",
        *(f"part_tiyn_{name}" for name in names),
        "movement_tiyn",
        "parents_tiyn",
        "rates",
        "because",
        "pack",
    ]
    rows: list[list[object]] = [
        [
            statement.month,
            statement.site_id,
            head.direction,
            statement.number,
            statement.at,
            stated.line.child_id,
            stated.cause,
            stated.line.attended,
            counted(stated.line.payable),
            counted(stated.line.unpaid),
            stated.before_tiyn,
            stated.line.accrual_tiyn,
            *parts(stated.line.parts_tiyn, names),
            stated.movement_tiyn,
            stated.line.parents_tiyn,
            "; ".join(f"{r.source} {r.sort} {r.since}: {r.units}" for r in stated.line.rates),
            "; ".join(_act(act) for act in stated.because),
            stated.line.pack,
        ]
        for statement in posted
        for stated in statement.lines
    ]
    return headings, rows


def counted(units: Mapping[str, int]) -> str:
    """Return units by reason in one cell: "N 2, undecided 1"."""
    return ", ".join(f"{reason} {count}" for reason, count in units.items())


def _act(act: Because) -> str:
    """Return an act in one cell: what it is, where it is written, what it is about."""
    return " ".join(filter(None, [act.act, act.ref, act.on, act.said]))


def parts(parts_tiyn: Mapping[str, int], names: Sequence[str]) -> list[int]:
    """Return the parts in the columns' order; zero for one that a line has not."""
    return [parts_tiyn.get(name, 0) for name in names]
