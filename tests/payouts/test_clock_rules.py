"""The month's clock as pure rules: each tiyn at one step, nobody late by another's fault."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kernel.periods import Month, from_stamp
from chalicelib.payouts.rules import clock
from chalicelib.payouts.rules.claims import MOVES, Claim, Hand
from chalicelib.payouts.rules.clock import Cell, Held, SiteClock
from chalicelib.policy.actions import load_pack

PACK = load_pack("preschool", "taldykorgan")
OCTOBER = Month(2026, 10)
STATES = sorted({state for state, _ in MOVES} | set(MOVES.values()))


def dates_for(month: Month):
    return PACK.at(month.last).month_calendar.dates(month, PACK.calendar)


DATES = dates_for(OCTOBER)


def a_site(**other: object) -> SiteClock:
    usual = SiteClock(
        site_id="site-1",
        organisation_id="org-1",
        programme="preschool",
        area="taldykorgan",
        month="2026-10",
        as_of="2026-11-01T08:00:00.000000Z",
        children=20,
        earners=20,
        days=400,
        closed=True,
        due_tiyn=1_000_00,
    )
    return replace(usual, **other)


def a_claim(state: str = "calculated", tiyn: int = 1_000_00, **other: object) -> Claim:
    usual = Claim(
        claim_id="claim-1",
        number=1,
        site_id="site-1",
        organisation_id="org-1",
        programme="preschool",
        area="taldykorgan",
        month="2026-10",
        first=1,
        last=1,
        amount_tiyn=tiyn,
        state=state,  # type: ignore[arg-type]
        calculated_at="2026-11-11T01:00:00.000000Z",
    )
    return replace(usual, **other)


def at(day: int, *claims: Claim, **site: object) -> list[tuple[str, int]]:
    found = clock.cells(
        a_site(**site), claims, dates_for=dates_for, today=date(2026, 11, 1).replace(day=day)
    )
    return [(cell.step, cell.tiyn) for cell in found]


UNSAID = (Held("undecided", 3, 9, 300_00),)


@pytest.mark.parametrize(
    ("day", "site", "stands"),
    [
        (1, {"closed": False, "held": UNSAID}, [("close", 1_300_00)]),
        (2, {"held": UNSAID}, [("approve", 300_00), ("check", 1_000_00)]),
        (7, {"held": UNSAID}, [("approve", 300_00), ("check", 1_000_00)]),
        (8, {"held": UNSAID}, [("decide", 300_00), ("check", 1_000_00)]),
        (2, {"held": (Held("disputed", 1, 1, 50_00),)}, [("decide", 50_00), ("check", 1_000_00)]),
        (12, {"short": "budgets/short"}, [("fund", 1_000_00)]),
        (12, {"posted_tiyn": 1_000_00, "statements": 1}, [("check", 1_000_00)]),
        (9, {"due_tiyn": 0, "days": 0}, []),
    ],
)
def test_before_a_claim_the_timesheets_say_where_money_stands(day, site, stands):
    assert at(day, **site) == stands


def test_a_month_under_way_stands_with_the_provider_whatever_was_said_of_its_lines():
    october = date(2026, 10, 20)

    found = clock.cells(a_site(held=UNSAID), [], dates_for=dates_for, today=october)

    assert [(c.step, c.tiyn, c.by) for c in found] == [("attend", 1_300_00, date(2026, 10, 31))]


@pytest.mark.parametrize("state", STATES)
def test_every_state_of_a_claim_has_its_step(state):
    posted = {"posted_tiyn": 1_000_00, "statements": 1}

    assert at(16, a_claim(state), **posted) == [(clock.AT_STATE[state], 1_000_00)]


def test_what_a_provider_owes_is_money_that_waits_for_nobody_else():
    overpaid = a_claim("open-case", 200_00, reason="overpaid", number=2, claim_id="claim-2")
    paid = a_claim("settled", 1_000_00)

    assert at(20, paid, overpaid, due_tiyn=800_00, posted_tiyn=800_00, statements=2) == [
        ("paid", 1_000_00)
    ]
    assert clock.owed([paid, overpaid]) == 200_00


def test_a_statement_that_no_claim_covers_yet_waits_to_be_claimed():
    posted = {"due_tiyn": 1_300_00, "posted_tiyn": 1_300_00, "statements": 2}

    assert at(13, a_claim("signed"), **posted) == [("check", 300_00), ("agree", 1_000_00)]


@given(
    due=st.integers(0, 10**9),
    held=st.lists(
        st.tuples(
            st.sampled_from(["undecided", "disputed", "doubled", "suspect"]),
            st.integers(1, 10**6),
        ),
        max_size=4,
    ),
    shares=st.lists(st.tuples(st.sampled_from(STATES), st.integers(1, 10**6)), max_size=4),
    day=st.dates(date(2026, 10, 1), date(2026, 12, 31)),
    closed=st.booleans(),
)
def test_each_tiyn_stands_at_exactly_one_step(due, held, shares, day, closed):
    claims = [
        a_claim(state, tiyn, number=n, claim_id=f"claim-{n}")
        for n, (state, tiyn) in enumerate(shares, start=1)
    ]
    posted = sum(c.amount_tiyn for c in claims)
    site = a_site(
        closed=closed,
        due_tiyn=posted + due,
        posted_tiyn=posted,
        statements=len(claims),
        held=tuple(Held(reason, 1, 1, tiyn) for reason, tiyn in held),
    )

    found = clock.cells(site, claims, dates_for=dates_for, today=day)

    assert sum(c.tiyn for c in found) == posted + due + sum(tiyn for _, tiyn in held)
    assert [c.step for c in found] == [s for s in clock.STEPS if s in {c.step for c in found}]
    shown = clock.public_cells(found)
    assert sum(c.tiyn for c in shown) == sum(c.tiyn for c in found)
    assert len(shown) <= 1 or all(c.children >= 5 for c in shown)


# --- who is late --------------------------------------------------------------------------------


def late(day: date, claim: Claim) -> list[tuple[str, date, int]]:
    site = a_site(posted_tiyn=claim.amount_tiyn, due_tiyn=claim.amount_tiyn, statements=1)
    found = clock.cells(site, [claim], dates_for=dates_for, today=day)
    return [(c.step, c.by, c.late_days(day)) for c in found]


def test_a_step_is_late_from_the_day_after_its_last():
    assert late(date(2026, 11, 15), a_claim()) == [("sign", date(2026, 11, 15), 0)]
    assert late(date(2026, 11, 16), a_claim()) == [("sign", date(2026, 11, 15), 1)]
    assert late(date(2026, 11, 18), a_claim("sent")) == [("settle", date(2026, 11, 18), 0)]
    assert late(date(2026, 11, 20), a_claim("sent")) == [("settle", date(2026, 11, 18), 2)]
    assert late(date(2027, 1, 20), a_claim("settled")) == [("paid", date(2026, 11, 18), 0)]


def test_the_first_claim_is_late_however_late_the_system_drew_it_up():
    drawn = a_claim(calculated_at="2026-11-25T01:00:00.000000Z")

    assert late(date(2026, 11, 26), drawn) == [("sign", date(2026, 11, 15), 11)]


@pytest.mark.parametrize(
    ("drawn", "by"),
    [
        ("2026-11-15T18:59:59.000000Z", date(2026, 11, 15)),  # 23:59 in Almaty
        ("2026-11-15T19:00:00.000000Z", date(2026, 12, 15)),  # the sixteenth begins
        ("2026-12-11T01:00:00.000000Z", date(2026, 12, 15)),
        ("2027-01-02T01:00:00.000000Z", date(2027, 1, 15)),
    ],
)
def test_a_correction_goes_by_the_calendar_of_the_month_it_was_claimed_in(drawn, by):
    correction = a_claim(number=2, claim_id="claim-2", calculated_at=drawn)

    ((step, last, _),) = late(from_stamp(drawn).date(), correction)

    assert (step, last) == ("sign", by)


def test_waiting_is_counted_from_the_newest_hand():
    agreed = a_claim(
        "agreed",
        signed=Hand("head", "2026-11-12T05:00:00.000000Z"),
        agreed=Hand("officer", "2026-11-13T20:00:00.000000Z"),  # 14 November in Almaty
    )

    (cell,) = clock.cells(
        a_site(posted_tiyn=1_000_00, statements=1),
        [agreed],
        dates_for=dates_for,
        today=date(2026, 11, 20),
    )

    assert cell.since == date(2026, 11, 14)


# --- what everybody may see ---------------------------------------------------------------------


def cell(step: str, tiyn: int, children: int) -> Cell:
    return Cell(step=step, by=DATES.pay_on, tiyn=tiyn, children=children)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        ([("decide", 3, 2), ("check", 90, 20)], [("check", 93)]),
        ([("decide", 3, 5), ("check", 90, 20)], [("decide", 3), ("check", 90)]),
        ([("check", 90, 20), ("agree", 3, 1)], [("check", 93)]),
        ([("approve", 1, 3), ("decide", 1, 3), ("check", 9, 20)], [("check", 11)]),
        ([("approve", 1, 3), ("decide", 1, 3)], [("decide", 2)]),
        ([("decide", 3, 4)], [("decide", 3)]),
        ([], []),
    ],
)
def test_money_of_a_few_children_is_told_with_the_next_step(cells, shown):
    found = clock.public_cells([cell(*one) for one in cells])

    assert [(c.step, c.tiyn) for c in found] == shown


def test_a_claim_is_of_as_many_children_as_its_statements_moved():
    site = a_site(posted_tiyn=1_000_00, due_tiyn=1_000_00, statements=3, stated=(20, 1, 7))
    first = a_claim("sent", 900_00, first=1, last=1)
    later = a_claim("signed", 100_00, first=2, last=3, number=2, claim_id="claim-2")

    found = clock.cells(site, [first, later], dates_for=dates_for, today=date(2026, 11, 14))

    assert [(c.step, c.children) for c in found] == [("agree", 7), ("settle", 20)]


def test_children_of_two_sites_are_different_ones():
    (both,) = clock.added([[cell("decide", 1, 3)], [cell("decide", 2, 4)]])

    assert (both.tiyn, both.children) == (3, 7)


# --- why am I not paid yet ----------------------------------------------------------------------


def standings(day: date, *claims: Claim, **site: object) -> dict[str, str]:
    of = a_site(**site)
    found = clock.cells(of, claims, dates_for=dates_for, today=day)
    return {p.step: p.standing for p in clock.passages(of, found, dates=DATES, today=day)}


def test_every_day_of_a_month_has_an_answer_and_it_only_moves_on():
    order = ["later", "now", "late", "done"]
    before: dict[str, str] = {}
    told = [
        standings(date(2026, 10, 1), due_tiyn=0, days=0, closed=False),
        standings(date(2026, 10, 20), closed=False),
        standings(date(2026, 11, 1), closed=False),
        standings(date(2026, 11, 12)),
        standings(date(2026, 11, 14), a_claim(), posted_tiyn=1_000_00, statements=1),
        standings(date(2026, 11, 14), a_claim("signed"), posted_tiyn=1_000_00, statements=1),
        standings(date(2026, 11, 15), a_claim("agreed"), posted_tiyn=1_000_00, statements=1),
        standings(date(2026, 11, 16), a_claim("released"), posted_tiyn=1_000_00, statements=1),
        standings(date(2026, 11, 18), a_claim("sent"), posted_tiyn=1_000_00, statements=1),
        standings(date(2026, 11, 18), a_claim("settled"), posted_tiyn=1_000_00, statements=1),
    ]
    now_at = [[step for step, standing in one.items() if standing == "now"] for one in told]

    assert now_at == [
        ["attend"],
        ["attend"],
        ["close"],
        ["check"],
        ["sign"],
        ["agree"],
        ["release"],
        ["send"],
        ["settle"],
        [],
    ]
    for one in told:
        assert list(one) == [s for s in clock.STEPS if s not in clock.EXCEPTIONS]
        for step, standing in one.items():
            assert order.index(standing) >= order.index(before.get(step, "later")), step
        before = one


def test_a_step_that_is_late_says_so_and_the_rest_goes_on():
    told = standings(
        date(2026, 11, 20),
        a_claim("signed", 900_00),
        posted_tiyn=900_00,
        statements=1,
        due_tiyn=900_00,
        held=(Held("disputed", 1, 2, 100_00),),
    )

    assert (told["decide"], told["agree"], told["release"]) == ("late", "late", "later")


def test_where_no_child_was_nothing_waits():
    nobody = {"children": 0, "earners": 0, "days": 0, "due_tiyn": 0, "closed": False}

    assert standings(date(2026, 10, 20), **nobody)["attend"] == "now"
    assert set(standings(date(2026, 11, 20), **nobody).values()) == {"done", "later"}


# --- what the schedules left undone -------------------------------------------------------------


def undone(day: int, month: int = 11, **other: object) -> tuple[str, ...]:
    given = {
        "reminded": tuple(d.isoformat() for d in DATES.reminders),
        "closed_at": "2026-11-01T07:00:00.000000Z",
        "handed_over": True,
        "covered": 1,
    }
    facts = {name: other.pop(name, value) for name, value in given.items()}
    usual = {"posted_tiyn": 1_000_00, "statements": 1}
    return clock.undone(
        a_site(**{**usual, **other}),
        dates=DATES,
        today=date(2026, month, day),
        **facts,  # type: ignore[arg-type]
    )


NOT_BILLED = {"statements": 0, "posted_tiyn": 0, "covered": 0}


@pytest.mark.parametrize(
    ("day", "facts", "lacks"),
    [
        (2, {"closed": False, "closed_at": None}, ()),  # the closing day is 2 November
        (3, {"closed": False, "closed_at": None}, ("close",)),
        (3, {"reminded": ("2026-11-01",)}, ("remind",)),
        (3, {"reminded": ("2026-11-03",)}, ()),  # closing told on the first
        (4, {"reminded": ()}, ("remind",)),
        (8, {"reminded": ()}, ()),  # nobody is reminded any more
        (7, {"handed_over": False}, ()),
        (8, {"handed_over": False}, ("hand-over",)),
        (10, NOT_BILLED, ()),
        (11, NOT_BILLED, ("bill",)),
        (30, NOT_BILLED, ("bill",)),
        (12, {**NOT_BILLED, "short": "budgets/short"}, ()),
        (12, {"posted_tiyn": 900_00, "unposted_since": "2026-11-11"}, ("bill",)),
        (12, {"posted_tiyn": 900_00, "unposted_since": "2026-11-12"}, ()),  # decided today
        # A correction waits for the next check.
        (19, {"posted_tiyn": 900_00, "unposted_since": "2026-11-11"}, ()),
        (12, {"covered": 0}, ("claim",)),
        (12, {"covered": 0, "children": 0}, ()),
        (12, {}, ()),
    ],
)
def test_what_should_have_happened_by_itself_and_did_not(day, facts, lacks):
    assert undone(day, **facts) == lacks


def test_what_is_due_and_not_posted_is_counted_from_the_first_look_that_found_it():
    found = clock.since(a_site(due_tiyn=5), None, today=date(2026, 11, 11))
    assert found.unposted_since == "2026-11-11"

    again = clock.since(a_site(due_tiyn=6), found, today=date(2026, 11, 12))
    assert again.unposted_since == "2026-11-11"

    posted = clock.since(a_site(due_tiyn=6, posted_tiyn=6), again, today=date(2026, 11, 13))
    assert posted.unposted_since is None


def test_a_month_under_way_lacks_nothing():
    assert undone(31, 10, **NOT_BILLED, closed=False, closed_at=None) == ()


@pytest.mark.parametrize(
    ("day", "told"),
    [(13, False), (14, True), (15, True), (16, True), (17, False), (22, False), (23, True)],
)
def test_who_acts_is_told_on_the_first_and_last_day_and_weekly_from_the_day_after(day, told):
    term = clock.Term(date(2026, 4, 14), date(2026, 4, 15))

    assert clock.is_told(term, date(2026, 4, day)) is told
    assert clock.is_told(term, date(2026, 4, day + 7)) is (told and day > 15)
