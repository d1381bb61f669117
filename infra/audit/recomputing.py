"""Marks to lines to money of a whole month, in DuckDB, from an export alone.

What a plain child is due: its approved codes, each presence held against the signed marks, each
absence against its paper, times what the rule pack pays for a unit, rounded once. Everybody else is
handed to the law itself (`law`). Nothing that billing wrote of the month is used to reckon it: no
claim, no head, no line of a statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from itertools import groupby
from multiprocessing import get_context
from operator import itemgetter
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from chalicelib.attendance.rules import Device, Stay
from chalicelib.attendance.rules.devices import Doubt, doubts_of
from chalicelib.attendance.store import DeviceFlag
from chalicelib.billing.store.statements import Claimants, claimants_of
from chalicelib.kernel.periods import DateRange, Month
from chalicelib.lessons.rules import Timetable
from chalicelib.policy.actions import load_pack
from infra.audit import law
from infra.audit.exports import Table
from infra.audit.law import PlainRules, Raw

Told = Callable[[str], None]
_TEXTS = "pk STRUCT(S VARCHAR), sk STRUCT(S VARCHAR), body STRUCT(S VARCHAR)"
_MEMBER = (
    '{"members": [{"child_id": "VARCHAR", "enrolment_id": "VARCHAR", "starts_on": "DATE",'
    ' "ends_on": "DATE", "sort": "VARCHAR", "sen": "BOOLEAN", "used_month": "VARCHAR",'
    ' "used_tiyn": "BIGINT"}]}'
)
_FACTS = "starts_with(pk, 'SITE#') and (Item.sk.S = '-' or starts_with(Item.sk.S, 'ENROLMENT#'))"
_CODES = "PSQWVRFNHXL-"
# What a mark's upper bits say: an arrival, a departure, anything else; 512 is a guessed time.
_ARRIVED, _LEFT = 1, 2
# Small enough that one is gathered while others are judged.
_BATCH = 4_000
_WORTH_A_PROCESS = 4_000


class CannotPrice(ValueError):
    """Neither roster nor enrolment says in which sort of group a child is."""


def connect(folder: Path, threads: int) -> duckdb.DuckDBPyConnection:
    """Return a database of this process alone, which may put what it lacks room for in a folder."""
    database = duckdb.connect()
    database.execute(f"set threads = {int(threads)}")
    database.execute("set temp_directory = ?", [str(folder)])
    database.execute("set preserve_insertion_order = false")
    database.execute("set enable_progress_bar = false")
    return database


def read(
    db: duckdb.DuckDBPyConnection, tables: Mapping[str, Table], month: Month, told: Told
) -> None:
    """Read what the month needs of an export into tables of ours."""
    told("reading sites")
    _rows(db, tables["facts"], "sites", _TEXTS, "", _FACTS)
    told("reading attendance")
    sheets = (
        f"(starts_with(pk, 'SHEET#') and ends_with(pk, '#{month}'))"
        " or starts_with(pk, 'ROSTER#') or starts_with(pk, 'SITE#')"
    )
    more = ", marks STRUCT(NS BIGINT[]), late STRUCT(NS BIGINT[])"
    chosen = ", Item.marks.NS as marks, Item.late.NS as late"
    _rows(db, tables["attendance"], "attended", _TEXTS + more, chosen, sheets)
    told("reading money")
    year = f"starts_with(pk, 'CLAIMANTS#') and Item.sk.S >= '{month.year:04d}-'"
    money = (
        f"(starts_with(pk, 'STATEMENT#') and ends_with(pk, '#{month}'))"
        f" or (starts_with(pk, 'POSTING#statement#') and contains(pk, '#{month}#'))"
        f" or ({year} and Item.sk.S < '{month}')"
    )
    _rows(db, tables["money"], "paid", _TEXTS, "", money)


def _rows(
    db: duckdb.DuckDBPyConnection, table: Table, name: str, item: str, more: str, wanted: str
) -> None:
    columns = f"pk VARCHAR, sk VARCHAR, body VARCHAR{more and ', marks BIGINT[], late BIGINT[]'}"
    if not table.files:
        db.execute(f"create table {name} ({columns})")
        return
    # Told that lines are records, DuckDB does not read the beginning of each file to find that out,
    # which takes twice what reading them all does.
    db.execute(
        f"""create table {name} as
        select Item.pk.S as pk, Item.sk.S as sk, Item.body.S as body{more}
        from read_json($files, format = 'newline_delimited', compression = 'gzip', records = true,
                       columns = {{'Item': 'STRUCT({item})'}}, maximum_object_size = 4194304)
        where {wanted.replace("pk,", "Item.pk.S,")}""",  # noqa: S608 # nosec B608
        {"files": [str(file) for file in table.files]},
    )


# --- what is due ----------------------------------------------------------------------------------


def reckon(
    db: duckdb.DuckDBPyConnection, month: Month, *, today: date, threads: int, told: Told
) -> dict[str, int]:
    """Fill the table `due` (site, child, tiyn), and `unsigned` with days that no mark proves.

    Return how many children were plain and how many the law judged. Raises CannotPrice.
    """
    told("who was enrolled")
    _enrolled(db, month)
    told("what was approved")
    _said(db)
    doubts = _doubts(db)
    plain = 0
    db.execute("create table due (site VARCHAR, child VARCHAR, tiyn BIGINT)")
    db.execute("create table unsigned (site VARCHAR, child VARCHAR, days INTEGER)")
    areas = db.execute("select distinct programme, area from stays order by all").fetchall()
    for programme, area in areas:
        told(f"reckoning {programme} in {area}")
        plain += _reckon_plain(db, programme, area, month, today)
    told("judging the others")
    by_law = _reckon_by_law(db, month, today, doubts, threads)
    return {"plain": plain, "by law": by_law}


def _enrolled(db: duckdb.DuckDBPyConnection, month: Month) -> None:
    db.execute(
        """create table towns as
        select site_id, programme, area from (
            select unnest(from_json(body, '{"site_id": "VARCHAR", "programme": "VARCHAR",
                "area": "VARCHAR"}')) from sites where sk = '-')"""
    )
    # Rosters from before they carried the sort of group: the enrolments know.
    db.execute(
        """create table sorts as
        select enrolment_id, kind || '/' || hours || '/' || locality as sort from (
            select unnest(from_json(body, '{"enrolment_id": "VARCHAR", "kind": "VARCHAR",
                "hours": "VARCHAR", "locality": "VARCHAR"}'))
            from sites where starts_with(sk, 'ENROLMENT#'))"""
    )
    db.execute(
        """create table stays as
        select substr(pk, 8) as site, sk as grp, m.child_id as child, m.enrolment_id as enrolment,
            m.starts_on as first, m.ends_on as last, coalesce(m.sort, e.sort) as sort,
            coalesce(m.sen, false) as sen,
            m.used_month as used_month, coalesce(m.used_tiyn, 0) as used_tiyn,
            t.programme as programme, t.area as area
        from (select pk, sk, unnest(from_json(body, $member).members) as m from attended
              where starts_with(pk, 'ROSTER#') and not contains(sk, '#'))
        join towns t on t.site_id = substr(pk, 8)
        left join sorts e on m.sort is null and e.enrolment_id = m.enrolment_id
        where m.starts_on <= $last and (m.ends_on is null
            or (m.ends_on >= $first and m.ends_on >= m.starts_on))""",
        {"member": _MEMBER, "first": month.first, "last": month.last},
    )
    lost = db.execute("select count(*), min(site) from stays where sort is null").fetchone()
    if lost and lost[0]:
        raise CannotPrice(f"{lost[0]} stays without a sort of group, the first at {lost[1]}")


def _said(db: duckdb.DuckDBPyConnection) -> None:
    """Put a child-month's marks and what people said of it side by side."""
    came = "((m >> 53) & 527) = 1"
    db.execute(
        f"""create table sheets as
        with marked as (
            select split_part(pk, '#', 2) as site, sk as child, marks, late,
                list_aggregate(list_transform(marks, lambda m: case when {came}
                    then 1::BIGINT << (((m >> 57) & 31) - 1)::INTEGER else 0 end), 'bit_or') as came
            from attended where starts_with(pk, 'SHEET#') and not contains(sk, '#')),
        said as (
            select split_part(pk, '#', 2) as site, split_part(sk, '#', 1) as child, body,
                json_extract_string(body, '$.codes') as codes,
                contains(body, '"disputes":[]') and contains(body, '"decisions":[]')
                    and (contains(body, '"holds":[]') or not contains(body, '"holds":')) as settled,
                case when contains(body, '"proofs":[]') then 0 else list_aggregate(list_transform(
                    from_json(json_extract(body, '$.proofs'), '[{{"on": "DATE"}}]'),
                    lambda p: 1::BIGINT << (day(p."on") - 1)::INTEGER), 'bit_or') end as proved
            from attended where starts_with(pk, 'SHEET#') and ends_with(sk, '#SAID'))
        select coalesce(marked.site, said.site) as site,
            coalesce(marked.child, said.child) as child, marks, late,
            coalesce(came, 0) as came, body, codes, coalesce(proved, 0) as proved,
            coalesce(settled, false) as settled
        from marked full join said using (site, child)"""  # noqa: S608 # nosec B608
    )
    db.execute(
        """create table alone as
        select programme, child from stays group by all having count(*) = 1"""
    )


def _reckon_plain(
    db: duckdb.DuckDBPyConnection, programme: str, area: str, month: Month, today: date
) -> int:
    pack = load_pack(programme, area).known_on(today)
    sorts = db.execute(
        "select distinct sort, sen from stays where programme = ? and area = ?", [programme, area]
    ).fetchall()
    rules = law.plain_rules(pack, month, sorts)
    if rules is None:
        return 0
    db.execute(
        "create or replace table rates (sort VARCHAR, sen BOOLEAN, num HUGEINT, den HUGEINT)"
    )
    for (sort, sen), share in rules.rates.items():
        db.execute(
            "insert into rates values (?, ?, ?, ?)", [sort, sen, share.numerator, share.denominator]
        )
    db.execute(
        f"""create or replace temp table plain as
        with units as (
            select s.site, s.child, r.num, r.den, h.came, h.marks,
                {_mask("P")} & {_asked(month, rules)} as present,
                {_earning(rules, month)} as units
            from stays s
            join alone a on a.programme = s.programme and a.child = s.child
            join sheets h on h.site = s.site and h.child = s.child
            join rates r on r.sort = s.sort and r.sen = s.sen
            where s.programme = $programme and s.area = $area and h.codes is not null and h.settled
                and coalesce(len(h.late), 0) = 0
                and s.site not in (select site from doubted)
                and (s.used_month is null or s.used_month <> $month or s.used_tiyn = 0)
                and not regexp_matches(h.codes, $slow))
        select site, child, present & ~came as unproved, marks,
            ((2 * num * units + 100 * den) // (200 * den) * 100)::BIGINT as tiyn
        from units""",  # noqa: S608 # nosec B608
        {"programme": programme, "area": area, "month": str(month), "slow": _slow(rules)},
    )
    # A departure proves presence too, where no absence is marked on its day.
    db.execute(
        f"""insert into unsigned
        select site, child, bit_count(unproved & ~({_days(_LEFT)} & ~({_days(None)}))) as days
        from plain where unproved <> 0 and days > 0"""  # noqa: S608 # nosec B608
    )
    db.execute("insert into due select site, child, tiyn from plain")
    count = db.execute("select count(*) from plain").fetchone()
    return int(count[0]) if count else 0


def _days(kind: int | None) -> str:
    """Return the mask of days with a mark of a kind; None for an absence."""
    top = "(m >> 53) & 527"
    wanted = (
        f"({top}) = {kind}" if kind is not None else f"(({top}) & 512) = 0 and ({top}) > {_LEFT}"
    )
    return (
        f"coalesce(list_aggregate(list_transform(marks, lambda m: case when {wanted}"
        " then 1::BIGINT << (((m >> 57) & 31) - 1)::INTEGER else 0 end), 'bit_or'), 0)"
    )


def _mask(code: str) -> str:
    """Return the mask of the days that bear a code; the first day of the month is bit 0."""
    signs = "".join("1" if one == code else "0" for one in _CODES)
    return f"('0b' || reverse(translate(h.codes, '{_CODES}', '{signs}')))::BIGINT"


def _asked(month: Month, rules: PlainRules) -> str:
    """Return the mask of the days that billing asks about: working days of the stay."""
    first, last = f"DATE '{month.first}'", f"DATE '{month.last}'"
    whole = (1 << month.last.day) - 1
    after = f"greatest(date_diff('day', {first}, s.first), 0)::INTEGER"
    before = f"greatest(date_diff('day', s.last, {last}), 0)::INTEGER"
    begun = f"(({whole}::BIGINT >> {after}) << {after})"
    ended = f"case when s.last is null then {whole}::BIGINT else {whole}::BIGINT >> {before} end"
    return f"({rules.working}::BIGINT & {begun} & ({ended}))"


def _earning(rules: PlainRules, month: Month) -> str:
    """Return how many units earn: of each paid code, within the cap of its reason."""
    parts = []
    for code, (paper, cap) in sorted(rules.codes.items()):
        proved = " & h.proved" if paper else ""
        count = f"bit_count({_mask(code)} & {_asked(month, rules)}{proved})"
        parts.append(count if cap is None else f"least({count}, {cap})")
    return " + ".join(parts)


def _slow(rules: PlainRules) -> str:
    """Return a pattern of signs that plain reckoning does not understand."""
    known = set(rules.codes) | rules.unpaid
    return f"[^{''.join(sorted(known))}-]"


def _reckon_by_law(
    db: duckdb.DuckDBPyConnection,
    month: Month,
    today: date,
    doubts: Mapping[str, tuple[Doubt, ...]],
    threads: int,
) -> int:
    """Judge and price by the rules whoever is not in `due` yet, with all sites of each child."""
    db.execute(
        """create temp table others as
        select distinct programme, child from stays s
        where not exists (select 1 from due d where d.site = s.site and d.child = s.child)"""
    )
    sites = dict(
        db.execute(
            """select substr(pk, 6), body from sites where sk = '-' and substr(pk, 6) in
            (select site from stays s join others o on o.child = s.child)"""
        ).fetchall()
    )
    children = [c for (c,) in db.execute("select distinct child from others order by 1").fetchall()]
    size = min(_BATCH, -(-len(children) // threads)) or 1
    parts = [children[start : start + size] for start in range(0, len(children), size)]
    timetables, earlier = _timetables(db), _earlier(db)
    cases = (
        law.Case(
            month=month,
            today=today,
            raws=tuple(_raws(db, part[0], part[-1])),
            sites=sites,
            doubts=doubts,
            timetables=timetables,
            earlier=earlier,
        )
        for part in parts
    )
    # Other processes take a second to start.
    apart = threads > 1 and len(children) >= _WORTH_A_PROCESS
    count = 0
    for found in _apart(cases, threads) if apart else map(law.due_by_law, cases):
        rows = ((site, child, tiyn) for (site, child), tiyn in found.items())
        fill(db, "due", rows)
        count += len(found)
    return count


def _apart(cases: Iterable[law.Case], threads: int) -> Iterator[dict[tuple[str, str], int]]:
    # Not forked: this process has threads of its own.
    with ProcessPoolExecutor(threads, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(law.due_by_law, case) for case in cases]
        for done in waiting:
            yield done.result()


def _doubts(db: duckdb.DuckDBPyConnection) -> dict[str, tuple[Doubt, ...]]:
    """Return what is held against tablets, by site, and fill `doubted` with those sites."""
    devices: dict[str, list[Device]] = {}
    flags: dict[str, list[tuple[int, str]]] = {}
    read_device, read_flag = msgspec.json.Decoder(Device), msgspec.json.Decoder(DeviceFlag)
    rows = db.execute(
        "select substr(pk, 6), sk, body from attended where starts_with(pk, 'SITE#')"
    ).fetchall()
    for site_id, sk, body in rows:
        if sk.startswith("DEVICE#"):
            devices.setdefault(site_id, []).append(read_device.decode(body))
        elif sk.startswith("FLAG#"):
            flag = read_flag.decode(body)
            flags.setdefault(flag.device_id, []).append((flag.first, flag.at))
    found: dict[str, tuple[Doubt, ...]] = {}
    for site_id, of_site in devices.items():
        doubts = [d for one in of_site for d in doubts_of(one, flags.get(one.device_id, ()))]
        if doubts:
            found[site_id] = tuple(doubts)
    db.execute("create table doubted (site VARCHAR)")
    fill(db, "doubted", ((site_id,) for site_id in found))
    return found


def _raws(db: duckdb.DuckDBPyConnection, first: str, last: str) -> Iterator[Raw]:
    rows = db.execute(
        """select s.site, s.child, h.marks, h.late, h.body,
            s.enrolment, s.grp, s.first, s.last, s.sort, s.sen, s.used_month, s.used_tiyn
        from stays s join others o on o.programme = s.programme and o.child = s.child
        left join sheets h on h.site = s.site and h.child = s.child
        where s.child between ? and ?
        order by s.child, s.site, s.first, s.enrolment""",
        [first, last],
    ).fetchall()
    for (site, child), of_child in groupby(rows, key=itemgetter(0, 1)):
        every = list(of_child)
        stays = tuple(
            Stay(child, row[5], row[6], DateRange(row[7], row[8]), row[9], sen=row[10],
                 used_month=row[11], used_tiyn=row[12])
            for row in every
        )  # fmt: skip
        _, _, marks, late, body = every[0][:5]
        yield Raw(
            site_id=site, child_id=child, marks=marks or (), late=late or (), said=body, stays=stays
        )


def _timetables(db: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Timetable]]:
    found: dict[str, dict[str, Timetable]] = {}
    decoder = msgspec.json.Decoder(Timetable)
    rows = db.execute(
        "select body from attended where starts_with(pk, 'ROSTER#') and ends_with(sk, '#TIMETABLE')"
    ).fetchall()
    for (body,) in rows:
        timetable = decoder.decode(body)
        found.setdefault(timetable.site_id, {})[timetable.group_id] = timetable
    return found


def _earlier(db: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], tuple[Claimants, ...]]:
    """Return what earlier months of the year used of yearly caps, by child and programme."""
    found: dict[tuple[str, str], list[Claimants]] = {}
    rows = db.execute(
        """select p.body from paid p where starts_with(p.pk, 'CLAIMANTS#')
        and split_part(p.pk, '#', 2) in (select child from others) order by p.sk"""
    ).fetchall()
    for (body,) in rows:
        claimants = claimants_of(body)
        found.setdefault((claimants.child_id, claimants.programme), []).append(claimants)
    return {key: tuple(months) for key, months in found.items()}


def fill(db: duckdb.DuckDBPyConnection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Put rows of Python's into a table of ours, many at once."""
    kept = list(rows)
    if not kept:
        return
    # One list per column: a row at a time would take longer than all the reckoning.
    columns = [list(column) for column in zip(*kept, strict=True)]
    names = ", ".join(f"unnest(${n})" for n in range(1, len(columns) + 1))
    db.execute(f"insert into {table} select {names}", columns)


__all__ = ["CannotPrice", "connect", "fill", "read", "reckon"]
