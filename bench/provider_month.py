"""P9: read and fold a provider-month of 200 children, in read units and against a bare query.

Once for a kindergarten, once for a club. The anchor queries the very same partitions with boto3's
client and does nothing with the answer: what is left is our reading, folding and judging. At the
kindergarten every child was there, in and out, on all working days but one or two, and its family
approved. At the club every child came to all twelve lessons of its one group but one, and its
family confirmed each lesson by itself, which packs worst.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

from bench.gates import Gate
from bench.measure import compare
from chalicelib.kernel.periods import Month
from infra.local import faults, testing

CHILDREN = 200
MOST_UNITS = 60
MOST_RATIO = 1.15
# A lesson has a name, a length and a word of its own: more to read in each line than in a day.
MOST_RATIO_OF_A_CLUB = 1.6


def run() -> list[Gate]:
    """Return the gates of a provider-month."""
    testing.prepare_process()
    with tempfile.TemporaryDirectory(prefix="kezek-bench-") as name:
        folder = Path(name)
        with testing.running_engine(folder) as engine:
            tables = testing.TestTables(engine)
            services = testing.TestServices(folder)
            try:
                tables.wipe()
                return _gates()
            finally:
                services.close()


def _gates() -> list[Gate]:
    from tests.attendance.builders import MARCH, SITE
    from tests.attendance.clubs import CLUB, OCTOBER

    _fill()
    _fill_club()
    kindergarten = _of_month("provider-month", SITE, MARCH, date(2026, 4, 13), most=MOST_RATIO)
    return kindergarten + _of_month(
        "club's month", CLUB, OCTOBER, date(2026, 11, 11), most=MOST_RATIO_OF_A_CLUB
    )


def _of_month(named: str, site_id: str, month: Month, today: date, *, most: float) -> list[Gate]:
    from chalicelib.attendance import actions as attendance
    from chalicelib.billing import actions as billing

    with faults.watch() as seen:
        provided = billing.gather_month(site_id, month, today)
    units = seen.units[0]
    calls = len(seen.calls)
    lines = sum(len(child.days) for child in provided.children)
    compared = compare(
        lambda: attendance.month_for_billing(site_id, month, today=today),
        _bare(site_id, month),
        calls=5,
    )
    return [
        Gate(
            f"P9 {named} of {CHILDREN}, read units",
            f"{units:.0f} units in {calls} calls, {lines} lines",
            f"{MOST_UNITS}",
            units <= MOST_UNITS,
        ),
        Gate(
            f"P9 {named} of {CHILDREN} / bare query, CPU",
            f"{compared.ratio:.2f}  ({compared.ours_s * 1e3:.1f} ms / "
            f"{compared.anchor_s * 1e3:.1f} ms)",
            f"{most}",
            compared.ratio <= most,
            compared.control,
        ),
    ]


def _bare(site_id: str, month: Month) -> Callable[[], object]:
    """Return a query of the same partitions, page after page, with boto3 alone."""
    import boto3

    from chalicelib.storage import keys
    from chalicelib.storage.rows import table_name

    client = boto3.client("dynamodb")
    asked = [
        ("attendance", keys.sheet(site_id, month, "")[0]),
        ("attendance", keys.roster(site_id, "")[0]),
        ("attendance", keys.site_month(site_id, month)[0]),
        ("facts", keys.site(site_id)[0]),
    ]

    def query() -> None:
        for table, partition in asked:
            start: dict[str, object] = {}
            while True:
                answer = client.query(
                    TableName=table_name(table),
                    KeyConditionExpression="pk = :pk",
                    ExpressionAttributeValues={":pk": {"S": partition}},
                    ConsistentRead=True,
                    **start,
                )
                if "LastEvaluatedKey" not in answer:
                    break
                start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    return query


def _fill() -> None:
    from chalicelib.attendance import actions as attendance
    from chalicelib.attendance import store as sheets
    from chalicelib.attendance.rules import Sheet
    from chalicelib.attendance.rules.marks import ABSENCE_KINDS, IN, OUT
    from chalicelib.policy.actions import load_pack
    from chalicelib.storage.commit import commit
    from chalicelib.vouchers import store as vouchers
    from tests.attendance.builders import GROUP, HEAD, MARCH, SITE, at, child, enrolment, open_site

    ill = ABSENCE_KINDS["S"]
    open_site(children_count=CHILDREN)
    roster = vouchers.find_roster(SITE, GROUP)
    members = tuple(replace(m, sort="general/10.5/urban") for m in roster.value.members)
    commit([vouchers.keep_roster(roster, replace(roster.value, members=members))])
    days = load_pack("preschool", "taldykorgan").calendar.working_days_in(MARCH)
    for n in range(1, CHILDREN + 1):
        missed = {days[n % len(days)], days[n // 7 % len(days)]}
        there = [day for day in days if day not in missed]
        marks = [
            day.day << 57 | kind << 53 | minute << 40 | 77 << 24 | number * 2 + out
            for number, day in enumerate(there)
            for out, (kind, minute) in enumerate(((IN, 500), (OUT, 1080)))
        ]
        marks += [day.day << 57 | ill << 53 | 540 << 40 | 77 << 24 | day.day for day in missed]
        codes = "".join(
            "S" if day in missed else "P" if day in days else "-" for day in MARCH.days()
        )
        sheets.add_marks(SITE, MARCH, child(n), marks, enrolment_id=enrolment(n))
        kept = sheets.find_sheet(SITE, MARCH, child(n)).said
        sheet = Sheet(
            approved_at="2026-04-02T15:00:00.000000Z",
            approved_by="person-0123456789abcdefghi",
            codes=codes,
            digest="0" * 64,
        )
        commit([sheets.keep_sheet(kept, sheet)])
    attendance.close_month(SITE, MARCH, by=HEAD, now=at("2026-04-01 08:00"))


def _fill_club() -> None:
    from chalicelib.attendance import actions as attendance
    from chalicelib.attendance import store as sheets
    from chalicelib.attendance.rules import Sheet
    from chalicelib.attendance.rules.marks import IN
    from chalicelib.storage.commit import commit
    from tests.attendance.builders import HEAD, at, child, enrolment
    from tests.attendance.clubs import CLUB, DAYS, OCTOBER, open_club

    open_club(children_count=CHILDREN)
    for n in range(1, CHILDREN + 1):
        there = [day for day in DAYS if day != DAYS[n % len(DAYS)]]
        marks = [day << 57 | IN << 53 | 955 << 40 | 77 << 24 | n for day in there]
        sheets.add_marks(CLUB, OCTOBER, child(n), marks, enrolment_id=enrolment(n))
        kept = sheets.find_sheet(CLUB, OCTOBER, child(n)).said
        sheet = Sheet(confirmed=tuple(f"{day:02d}T1600/60P" for day in there))
        commit([sheets.keep_sheet(kept, sheet)])
    attendance.close_month(CLUB, OCTOBER, by=HEAD, now=at("2026-11-01 08:00"))
