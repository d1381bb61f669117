"""What must hold between the rows of a pack: no gap, no overlap, no unknown source or term.

What rows say to each other on a day is checked in `fitting`.

Each check reports at the line of the row that must change; all run before the first complaint.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, get_type_hints

from chalicelib.policy.rules.earning import REASONS
from chalicelib.policy.rules.fitting import check_day, check_rows
from chalicelib.policy.rules.packs import LATE, TABLES, as_known, epoch_starts
from chalicelib.policy.rules.places import TERM_CHOICES, Terms
from chalicelib.policy.rules.reading import Located, Reader
from chalicelib.policy.rules.texts import POLICY, Act

LocatedRows = Mapping[str, list[Located[Any]]]

# Tables that may hold nothing, because a programme may do without.
OPTIONAL = frozenset(
    {
        "activities",
        "approvals",
        "bank_terms",
        "statuses",
        "interleave",
        "papers_refusal_reasons",
        "parents_share",
        "sen_parts",
        "signals",
        "signing",
    }
)
# Tables that hold some row on every day.
SOME = ("tiers", "voucher_kinds", "kinds", "rates")
# What judges every day of the programme; without it no day has rules.
ALWAYS: Mapping[str, tuple[str, ...]] = {
    **{table: ("",) for table, (_, keys) in TABLES.items() if not keys and table not in OPTIONAL},
    "terms": tuple(field.name for field in fields(Terms)),
    "absence": REASONS,
}
_CURES: Mapping[type, str] = {
    int: "write a whole number",
    bool: "write true or false",
    str: "write a text",
}


def check(
    reader: Reader,
    rows: LocatedRows,
    acts: Iterable[Located[Act]],
    valid_from: date,
    valid_to: date | None,
) -> None:
    """Report everything that is wrong between rows; the rows themselves are well formed."""
    _check_sources(reader, rows, acts)
    for table, found in rows.items():
        _check_series(reader, table, found, valid_from, valid_to)
    _check_terms(reader, rows)
    check_rows(reader, rows)
    _check_late(reader, rows, valid_from)
    entered = {table: tuple(each.row for each in found) for table, found in rows.items()}
    flat = as_known(entered)
    for day in epoch_starts(flat, valid_from, valid_to):
        now = {
            table: [each for each in found if _judges(flat, table, each.row, day)]
            for table, found in rows.items()
        }
        _refuse_empty_days(reader, rows, now, day)
        if now["tiers"]:
            check_day(reader, now, day)


def _judges(flat: Mapping[str, tuple[Any, ...]], table: str, row: Any, day: date) -> bool:
    """Return whether a row judges a day once those that apply backwards have taken their place."""
    if day not in row.during:
        return False
    if table not in LATE:
        return True
    keys = TABLES[table][1]
    name = [getattr(row, key) for key in keys]
    return any(
        day in one.during and replace(one, during=row.during) == row
        for one in flat[table]
        if [getattr(one, key) for key in keys] == name
    )


def _check_late(reader: Reader, rows: LocatedRows, valid_from: date) -> None:
    """Report prices of days before the programme, and rows that only seem to apply backwards."""
    for table in LATE:
        keys = TABLES[table][1]
        late: dict[tuple[object, ...], list[Located[Any]]] = {}
        for each in rows[table]:
            row = each.row
            if row.during.first < valid_from:
                reader.report(
                    each.place.of("valid_from"),
                    f"{table} from {row.during.first}, before the programme begins",
                    f"let it begin on {valid_from} or later",
                )
            if row.known_from is None:
                continue
            if row.known_from <= row.during.first:
                reader.report(
                    each.place.of("known_from"),
                    f"known_from = {row.known_from} is not after {row.during.first}",
                    "drop known_from, and end the row before",
                )
            name = tuple(getattr(row, key) for key in keys)
            before = [
                other.row
                for other in rows[table]
                if other.row.known_from is None
                and tuple(getattr(other.row, key) for key in keys) == name
                and row.during.first in other.row.during
            ]
            if not before:
                reader.report(
                    each.place.of("known_from"),
                    f"known_from, and no row of the same sort on {row.during.first}",
                    "drop known_from, or begin with the row whose place it takes",
                )
            if any(
                row.known_from == other.row.known_from and row.during.overlaps(other.row.during)
                for other in late.get(name, ())
            ):
                reader.report(
                    each.place.of("known_from"),
                    f"two rows of the same sort become known on {row.known_from}",
                    "keep one of them for each day",
                )
            late.setdefault(name, []).append(each)


def _check_sources(reader: Reader, rows: LocatedRows, acts: Iterable[Located[Act]]) -> None:
    known = {POLICY}
    for act in acts:
        if act.row.key in known:
            reader.report(act.place.of("key"), f"act {act.row.key!r} twice", "keep one of them")
        known.add(act.row.key)
    for each in (each for found in rows.values() for each in found):
        if each.row.source not in known:
            reader.report(
                each.place.of("source"),
                f"source {each.row.source!r} is no act of this pack",
                'add it under [[acts]] or write "policy"',
            )


def _check_series(
    reader: Reader,
    table: str,
    found: list[Located[Any]],
    valid_from: date,
    valid_to: date | None,
) -> None:
    keys = TABLES[table][1]
    series: dict[str, list[Located[Any]]] = {}
    for each in found:
        if getattr(each.row, "known_from", None) is not None:
            continue  # it cuts what it overlaps
        name = " ".join(str(getattr(each.row, key)) for key in keys)
        series.setdefault(name, []).append(each)
    header = reader.place(table)
    for name in ALWAYS.get(table, ()):
        if name not in series:
            reader.report(
                header.line, f"no {_named(table, name)}", f"add a [[{table}]] row from {valid_from}"
            )
    if not found and table not in ALWAYS and table not in OPTIONAL:
        reader.report(header.line, f"no row of {table}", f"add a [[{table}]] row from {valid_from}")
    for name, members in series.items():
        _check_dates(reader, _named(table, name), members)
        if name in ALWAYS.get(table, ()):
            _check_coverage(reader, _named(table, name), members, valid_from, valid_to)


def _check_dates(reader: Reader, name: str, members: list[Located[Any]]) -> None:
    members.sort(key=lambda each: each.row.during.first)
    for earlier, later in pairwise(members):
        last, first = earlier.row.during.last, later.row.during.first
        if last is None or last >= first:
            reader.report(
                later.place.of("valid_from"),
                f"{name} from {first} overlaps the row at line {earlier.place.line}",
                f"end that row with valid_to = {first - timedelta(days=1)}",
            )
        elif last + timedelta(days=1) != first:
            reader.report(
                later.place.of("valid_from"),
                f"{name} has a gap after {last}",
                f"start this row on {last + timedelta(days=1)} or end the one before later",
            )


def _check_coverage(
    reader: Reader,
    name: str,
    members: list[Located[Any]],
    valid_from: date,
    valid_to: date | None,
) -> None:
    first, last = members[0], members[-1]
    if first.row.during.first > valid_from:
        reader.report(
            first.place.of("valid_from"),
            f"{name} has a gap from {valid_from}",
            "start where the pack does",
        )
    ends = last.row.during.last
    if ends is not None and (valid_to is None or ends < valid_to):
        reader.report(
            last.place.of("valid_to"),
            f"{name} has a gap after {ends}",
            "add the next row, or drop valid_to",
        )


def _check_terms(reader: Reader, rows: LocatedRows) -> None:
    hints = get_type_hints(Terms)
    for each in rows["terms"]:
        hint, value = hints.get(each.row.code), each.row.value
        if hint is None:
            reader.report(
                each.place.of("code"),
                f"unknown term {each.row.code!r}",
                f"use one of: {', '.join(sorted(hints))}",
            )
        elif type(value) is not hint:
            reader.report(
                each.place.of("value"),
                f"{each.row.code} = {value!r} is wrong",
                _CURES[hint],
            )
        elif value not in TERM_CHOICES.get(each.row.code, (value,)):
            choices = ", ".join(TERM_CHOICES[each.row.code])
            reader.report(
                each.place.of("value"),
                f"{each.row.code} = {value!r} is wrong",
                f"use one of: {choices}",
            )


def _refuse_empty_days(reader: Reader, rows: LocatedRows, now: LocatedRows, day: date) -> None:
    # Series may end, but on every day somebody is last in line and some form may take vouchers.
    for table in SOME:
        if rows[table] and not now[table]:
            where = rows[table][0].place.of("valid_from")
            cure = f"let one row of {table} be in force on every day"
            if not any(p.line == where and p.cure == cure for p in reader.problems):
                reader.report(where, f"no row of {table} on {day}", cure)


def _named(table: str, name: str) -> str:
    return f"{table} {name!r}" if name else table
