"""A4: what a provider is due is a pure function of confirmed attendance and the rules in force.

The same signed records, papers and decisions, permuted, doubled, split and delayed, make the same
statement to the byte; an event that comes after a statement becomes a dated correction, and the
corrections sum to what a month without the delay would have said.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.billing.rules import pricing
from chalicelib.billing.rules.judging import ChildMonth, judge
from chalicelib.billing.rules.statements import SiteMonth, plan_statement, statement_of
from chalicelib.billing.store import statements as store
from tests.attendance.builders import at, send
from tests.billing.builders import OCTOBER, a_child, a_stay, days_coded, pack
from tests.billing.months import DAYS, Kindergarten, allot, enrolment

CHILDREN = (1, 2, 3)
WEEK = DAYS[-3:]
SEEDS = range(8)


def the_records(garden: Kindergarten) -> list[dict[str, Any]]:
    """Return what the tablet signs in a week: visits, an illness, a day nobody came."""
    signed: list[dict[str, Any]] = []
    for day in WEEK:
        for n in CHILDREN:
            if (n, day) == (2, WEEK[1]):
                signed.append(
                    garden.tablet.sign(
                        f"{day}T09:00:00+05:00",
                        kind="absence",
                        enrolment=enrolment(n),
                        reason="S",
                    )
                )
            elif (n, day) != (3, WEEK[2]):
                for kind, hour in (("in", "08:20"), ("out", "18:00")):
                    signed.append(
                        garden.tablet.sign(
                            f"{day}T{hour}:00+05:00", kind=kind, enrolment=enrolment(n)
                        )
                    )
    return signed


def deliver(garden: Kindergarten, records: Sequence[dict[str, Any]], rng: random.Random) -> None:
    """Send records split, permuted, doubled and late, as links and offline tablets do."""
    waiting = list(records)
    rng.shuffle(waiting)
    now = at(f"{WEEK[-1]} 19:00")
    while waiting:
        size = rng.randint(1, 9)
        part, waiting = waiting[:size], waiting[size:]
        for _ in range(rng.choice([1, 1, 2])):
            send(garden.tablet, part, now=now)
            now += timedelta(minutes=rng.randint(1, 20))
        if rng.random() < 0.3:
            send(garden.tablet, rng.sample(list(records), 3), now=now)


def people(garden: Kindergarten) -> None:
    garden.proof(2, WEEK[1], "S", "2026-04-01 20:00")
    garden.close("2026-04-01 21:00")
    for n in (1, 2):
        garden.approve(n)


def a_month(tables, rng: random.Random | None) -> bytes:
    tables.wipe()
    allot()
    garden = Kindergarten(children=len(CHILDREN))
    records = the_records(garden)
    if rng is None:
        send(garden.tablet, records, now=at(f"{WEEK[-1]} 19:00"))
    else:
        deliver(garden, records, rng)
    people(garden)
    garden.bill()
    (statement,) = garden.statements()
    return store.bytes_of(statement)


def test_a4_records_permuted_doubled_split_and_delayed_make_the_same_bytes(tables):
    expected = a_month(tables, None)

    for seed in SEEDS:
        assert a_month(tables, random.Random(seed)) == expected, seed


@pytest.mark.parametrize("seed", range(3))
def test_a4_a_late_event_becomes_a_dated_correction(tables, seed):
    expected = _lines(a_month(tables, None))
    tables.wipe()
    rng = random.Random(seed)
    allot()
    garden = Kindergarten(children=len(CHILDREN))
    records = the_records(garden)
    cut = rng.randrange(5, len(records) - 5)
    send(garden.tablet, records[:cut], now=at(f"{WEEK[-1]} 19:00"))
    first = garden.bill(at("2026-04-01 09:00"))
    send(garden.tablet, records[cut:], now=at("2026-04-01 10:00"))
    people(garden)
    second = garden.bill()

    assert first.movement_tiyn == 0
    assert second.at > first.at
    due = {s.line.child_id: s.line.accrual_tiyn for s in second.lines}
    assert due == {child_id: tiyn for child_id, tiyn in expected.items() if tiyn}
    for stated in second.lines:
        kinds = {b.act for b in stated.because}
        assert "approval" in kinds
        assert all(first.at < b.at <= second.at for b in stated.because)
    assert any(b.act == "evidence" for s in second.lines for b in s.because)
    assert all(one.same for one in garden.replay().statements)


def test_a4_corrections_sum_to_what_one_statement_would_have_said(tables):
    """However often a month is billed on its way, the parts sum to the whole."""
    totals = []
    for stops in ((), (1,), (1, 2), (0, 1, 2, 3)):
        tables.wipe()
        allot()
        garden = Kindergarten(children=len(CHILDREN))
        send(garden.tablet, the_records(garden), now=at(f"{WEEK[-1]} 19:00"))
        garden.proof(2, WEEK[1], "S", "2026-04-01 20:00")
        garden.close()
        steps = [
            lambda g=garden: g.approve(1, "2026-04-02 20:00"),
            lambda g=garden: g.approve(2, "2026-04-03 20:00"),
            lambda g=garden: g.decide(3, WEEK[0], counts=True, now="2026-04-13 10:00"),
            lambda g=garden: g.decide(3, WEEK[1], counts=True, now="2026-04-14 10:00"),
        ]
        for n, step in enumerate(steps):
            step()
            if n in stops:
                garden.bill(at(f"2026-04-{(2, 3, 13, 14)[n]:02d} 23:00"))
        garden.bill(at("2026-04-15 09:00"))
        posted = garden.statements()
        for one in garden.replay(at("2026-04-15 10:00")).statements:
            assert one.same, one
        totals.append(sum(s.movement_tiyn for s in posted))
    assert len(set(totals)) == 1
    assert totals[0] > 0


# --- the rules alone ------------------------------------------------------------------------------

CODES = st.text(alphabet="PSQWVRFN", min_size=21, max_size=21)
STANDINGS = st.lists(
    st.sampled_from(["confirmed", "undecided", "disputed", "suspect"]), min_size=21, max_size=21
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(CODES, STANDINGS, st.booleans()), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_a4_the_order_and_number_of_days_children_and_claims_never_matter(months, rng):
    children = [
        replace(
            a_child(f"child-{n}aaa", codes, stays=(a_stay(),)),
            days=days_coded(codes, proved=proved, standings=dict(enumerate(standings))),
        )
        for n, (codes, standings, proved) in enumerate(months)
    ]

    expected = stated(children)

    mixed = []
    for one in children:
        days = list(one.days)
        rng.shuffle(days)
        mixed.append(replace(one, days=(*days, *days[: rng.randint(0, 21)])))
    rng.shuffle(mixed)
    assert stated(mixed) == expected


def stated(children: Sequence[ChildMonth]) -> bytes:
    """Return the statement of a site; the first child is claimed by another site too."""
    rules = pack()
    working = rules.calendar.working_days_in(OCTOBER)
    judged = {
        site: [judge(c, site_id=site, working=working, rules_on=rules.at) for c in children]
        for site in ("site-a", "site-b")
    }
    others = {
        j.child_id: [k.claim for site in judged.values() for k in site if k.child_id == j.child_id]
        for j in judged["site-b"]
        if j.child_id == "child-0aaa"
    }
    lines = pricing.due(judged["site-a"], others, pack="p")
    head = SiteMonth(
        site_id="site-a", organisation_id="o", programme="p", area="a", month="2026-10"
    )
    said = plan_statement({}, lines, first=True, pack="p")
    return store.bytes_of(statement_of(head, said, number=1, at="t", pack="p"))


def _lines(content: bytes) -> dict[str, int]:
    said = msgspec.json.decode(content.split(b"\n", 1)[1])
    return {one["line"]["child_id"]: one["line"]["accrual_tiyn"] for one in said}
