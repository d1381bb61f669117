"""What a month is due against what was stated and what the ledger holds, child by child.

Three sums of one month are one, or every difference is named: what the attendance is worth by the
rules (`due`), what the newest lines of the statements say (`stated`), and what the postings of
statements moved on the accounts of the provider-month (`booked`).
"""

from __future__ import annotations

import time
import zlib
from base64 import b64decode
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import msgspec

from chalicelib.kernel.periods import Month
from infra.audit import recomputing
from infra.audit.exports import tables_in
from infra.audit.recomputing import Told

SHOWN = 100


class _Child(msgspec.Struct):
    child_id: str
    accrual_tiyn: int


class _Stated(msgspec.Struct):
    line: _Child
    before_tiyn: int


class _Filed(msgspec.Struct):
    number: int
    site_id: str
    movement_tiyn: int
    lines: str


class _Movement(msgspec.Struct):
    account: str
    amount_tiyn: int


class _Posting(msgspec.Struct):
    name: str
    movements: list[_Movement]


@dataclass(slots=True)
class Audit:
    """What an audit found; sums in tiyn.

    differing: child-months whose due is not what was stated; unsigned_days: paid days that no mark
    proves; off_balance: statements whose lines, sum and posting are not one. The lists name the
    first of each.
    """

    month: str
    sites: int = 0
    children: int = 0
    marks: int = 0
    plain: int = 0
    by_law: int = 0
    due_tiyn: int = 0
    stated_tiyn: int = 0
    booked_tiyn: int = 0
    differing: int = 0
    differences: list[dict[str, Any]] = field(default_factory=list)
    unsigned_days: int = 0
    unsigned: list[dict[str, Any]] = field(default_factory=list)
    off_balance: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Return whether everything is one."""
        return not (self.differing or self.unsigned_days or self.off_balance)


def audit(
    folder: Path, month: Month, *, today: date, threads: int = 2, told: Told = lambda _: None
) -> Audit:
    """Recompute a month from an export and hold it against statements and ledger.

    today: the day for which lines' standing is asked. Raises NotWhole, CannotPrice.
    """
    clock = _Clock()
    found = Audit(str(month))
    with TemporaryDirectory(prefix="kezek-audit-") as room:
        told("checking the files")
        tables = tables_in(folder)
        clock.lap(found, "check")
        db = recomputing.connect(Path(room), threads)
        try:
            recomputing.read(db, tables, month, told)
            clock.lap(found, "read")
            counts = recomputing.reckon(db, month, today=today, threads=threads, told=told)
            found.plain, found.by_law = counts["plain"], counts["by law"]
            clock.lap(found, "reckon")
            told("reading statements and postings")
            found.off_balance = _booked(db, month)
            clock.lap(found, "ledger")
            told("comparing")
            _compare(db, found)
            clock.lap(found, "compare")
        finally:
            db.close()
    return found


class _Clock:
    def __init__(self) -> None:
        self.at = time.perf_counter()

    def lap(self, found: Audit, name: str) -> None:
        now = time.perf_counter()
        found.seconds[name] = round(now - self.at, 2)
        self.at = now


def _booked(db: duckdb.DuckDBPyConnection, month: Month) -> list[dict[str, Any]]:
    """Fill `stated` (the newest line of each child) and `booked`; return what does not balance."""
    db.execute("create table stated (site VARCHAR, child VARCHAR, number INTEGER, tiyn BIGINT)")
    db.execute("create table booked (site VARCHAR, number INTEGER, tiyn BIGINT)")
    decoder = msgspec.json.Decoder(_Filed)
    lines_decoder = msgspec.json.Decoder(list[_Stated])
    off: list[dict[str, Any]] = []
    moved: dict[tuple[str, int], int] = {}
    rows = db.execute(
        "select body from paid where starts_with(pk, 'STATEMENT#') and sk <> 'HEAD' order by pk, sk"
    )
    while part := rows.fetchmany(200):
        newest: list[tuple[str, str, int, int]] = []
        for (body,) in part:
            filed = decoder.decode(body)
            lines = lines_decoder.decode(zlib.decompress(b64decode(filed.lines)))
            moved[filed.site_id, filed.number] = filed.movement_tiyn
            said = sum(one.line.accrual_tiyn - one.before_tiyn for one in lines)
            if said != filed.movement_tiyn:
                off.append(_off("lines", filed.site_id, filed.number, filed.movement_tiyn, said))
            newest += [
                (filed.site_id, one.line.child_id, filed.number, one.line.accrual_tiyn)
                for one in lines
            ]
        recomputing.fill(db.cursor(), "stated", newest)
    return [*off, *_postings(db, month, moved)]


def _postings(
    db: duckdb.DuckDBPyConnection, month: Month, moved: dict[tuple[str, int], int]
) -> list[dict[str, Any]]:
    decoder = msgspec.json.Decoder(_Posting)
    off: list[dict[str, Any]] = []
    booked: dict[tuple[str, int], int] = {}
    for (body,) in db.execute("select body from paid where starts_with(pk, 'POSTING#')").fetchall():
        posting = decoder.decode(body)
        _, site, of, told = posting.name.split("#")
        if of != str(month):
            continue
        number = int(told)
        own = {f"accrued:{site}:{month}", f"recoverable:{site}:{month}"}
        tiyn = sum(m.amount_tiyn for m in posting.movements if m.account in own)
        whole = sum(m.amount_tiyn for m in posting.movements)
        if whole:
            off.append(_off("balance", site, number, 0, whole))
        booked[site, number] = tiyn
    for key in sorted({*moved, *booked}):
        stated, posted = moved.get(key, 0), booked.get(key, 0)
        if stated != posted:
            off.append(_off("posting", *key, stated, posted))
    recomputing.fill(db, "booked", [(s, n, tiyn) for (s, n), tiyn in booked.items()])
    return off


def _off(what: str, site: str, number: int, stated: int, found: int) -> dict[str, Any]:
    return {"what": what, "site_id": site, "statement": number, "stated_tiyn": stated,
            "found_tiyn": found}  # fmt: skip


def _compare(db: duckdb.DuckDBPyConnection, found: Audit) -> None:
    db.execute(
        """create table newest as
        select site, child, arg_max(tiyn, number) as tiyn from stated group by all"""
    )
    db.execute(
        """create table differ as
        select coalesce(d.site, n.site) as site, coalesce(d.child, n.child) as child,
            coalesce(d.tiyn, 0) as due, coalesce(n.tiyn, 0) as stated
        from due d full join newest n using (site, child)
        where coalesce(d.tiyn, 0) <> coalesce(n.tiyn, 0)"""
    )
    counts = (
        "select (select count(distinct site) from stays), (select count(*) from due),"
        " (select coalesce(sum(len(marks)), 0) + coalesce(sum(len(late)), 0) from sheets),"
        " (select coalesce(sum(tiyn), 0) from due), (select coalesce(sum(tiyn), 0) from newest),"
        " (select coalesce(sum(tiyn), 0) from booked), (select count(*) from differ),"
        " (select coalesce(sum(days), 0) from unsigned)"
    )
    told = db.execute(counts).fetchone()
    assert told is not None
    (found.sites, found.children, found.marks, found.due_tiyn, found.stated_tiyn,
     found.booked_tiyn, found.differing, found.unsigned_days) = map(int, told)  # fmt: skip
    found.differences = [
        {"site_id": s, "child_id": c, "due_tiyn": due, "stated_tiyn": stated}
        for s, c, due, stated in db.execute(
            "select * from differ order by site, child limit ?", [SHOWN]
        ).fetchall()
    ]
    found.unsigned = [
        {"site_id": s, "child_id": c, "days": days}
        for s, c, days in db.execute(
            "select * from unsigned order by site, child limit ?", [SHOWN]
        ).fetchall()
    ]
