"""What comes after a statement: each a signed correction in the next one, naming its act.

Every month here is replayed at the end: each statement comes out to the byte from what was known
at its instant.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from chalicelib.attendance import actions as attendance
from chalicelib.attendance.rules import line_name
from chalicelib.billing import actions
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.store import ledger as books
from chalicelib.kernel.periods import DateRange
from chalicelib.policy import actions as policy
from chalicelib.policy.rules.packs import as_known
from chalicelib.providers import store as providers
from chalicelib.providers.rules import SiteState
from chalicelib.storage.commit import commit
from tests.attendance.builders import HEAD, OFFICER, SITE, a_family, pair, send
from tests.attendance.tablets import Tablet

from . import months
from .months import CHECK, DAYS, MARCH, Kindergarten, acts, at, child, moved, tenge


@pytest.fixture(autouse=True)
def _budget(tables):
    months.allot()


def accrued(site_id: str = SITE) -> int:
    account = ledger.accrued(site_id, MARCH)
    return books.balances([account])[account]


def replays_to_the_byte(garden: Kindergarten, now=CHECK) -> None:
    made = garden.replay(now)
    for one in made.statements:
        assert one.same, one.differs
    assert made.unwitnessed == 0
    assert made.since == ()


def test_a_late_approval_is_a_correction_that_names_it():
    garden = Kindergarten()
    garden.attend(1, 2)
    garden.close()
    garden.approve(1)
    first = garden.bill(at("2026-04-03 09:00"))
    garden.approve(2, "2026-04-05 20:00")

    second = garden.bill(at("2026-04-06 09:00"))

    assert moved([first, second]) == [tenge(65_000), tenge(65_000)]
    assert second.cause == "late-confirmation"
    assert acts(second, 2) == [("approval", "")]
    (line,) = second.lines
    assert line.because[0].ref == f"sheet/{SITE}/{MARCH}/{child(2)}#1"
    replays_to_the_byte(garden, at("2026-04-06 10:00"))


def test_a_first_statement_states_zeros_and_the_row_each_line_is_priced_by():
    garden = Kindergarten()
    garden.attend(1)
    garden.close()
    garden.approve(1)

    statement = garden.bill()

    assert [s.line.accrual_tiyn for s in statement.lines] == [tenge(65_000), 0]
    for stated in statement.lines:
        (rate,) = stated.line.rates
        assert (rate.sort, rate.tiyn) == ("general/10.5/urban", stated.line.accrual_tiyn)
        assert stated.because == ()
        assert stated.line.pack == statement.pack
    replays_to_the_byte(garden)


def test_a_dispute_decided_later_pays_its_line_alone():
    garden = Kindergarten(children=1)
    garden.attend(1, days=DAYS[:-1])
    garden.close()
    family = a_family(1)
    attendance.dispute(
        child(1),
        MARCH,
        line_name(DAYS[-1].isoformat(), MARCH),
        programme="preschool",
        site_id=SITE,
        claim="P",
        reason="was-there",
        by=family,
        now=at("2026-04-02 19:00"),
    )
    garden.approve(1, known=True)
    first = garden.bill()
    garden.decide(1, DAYS[-1], counts=True, code="P", reason="representative-statement")

    second = garden.bill(at("2026-04-14 12:00"))

    assert moved([first, second]) == [tenge(61_389), tenge(65_000 - 61_389)]
    assert acts(second) == [("decision", "representative-statement")]
    assert second.lines[0].because[0].on == DAYS[-1].isoformat()
    replays_to_the_byte(garden, at("2026-04-14 13:00"))


def test_a_certificate_brought_after_the_close_is_named():
    garden = Kindergarten(children=1)
    sick = DAYS[3]
    garden.attend(1, absent={sick: "S"})
    garden.close()
    first = garden.bill(at("2026-04-03 09:00"))
    garden.proof(1, sick, "S", "2026-04-04 09:00")
    garden.approve(1, "2026-04-05 20:00")

    second = garden.bill(at("2026-04-06 09:00"))

    assert moved([first, second]) == [0, tenge(65_000)]
    assert acts(second) == [("certificate", "S"), ("approval", "")]
    assert second.lines[0].line.payable == {"P": 17, "S": 1}
    replays_to_the_byte(garden, at("2026-04-06 10:00"))


def test_a_retroactive_rate_act_changes_only_what_comes_after_it_was_known(monkeypatch):
    garden = Kindergarten(children=1)
    garden.attend(1)
    garden.close()
    garden.approve(1)
    known_from = date(2026, 4, 14)
    pack = policy.load_pack("preschool", "taldykorgan")
    old = next(
        r
        for r in pack.rows["rates"]
        if (r.kind, r.hours, r.locality) == ("general", "10.5", "urban") and MARCH.last in r.during
    )
    new = replace(
        old,
        rate_tiyn=tenge(70_000),
        source="order-372",
        during=DateRange(date(2026, 1, 1), old.during.last),
        known_from=known_from,
    )
    entered = {**pack.rows, "rates": (*pack.rows["rates"], new)}
    late = replace(pack, rows=as_known(entered), entered=entered)
    real = policy._pack_in
    monkeypatch.setattr(
        policy,
        "_pack_in",
        lambda file, folder: late if file.startswith("preschool-tald") else real(file, folder),
    )

    first = garden.bill(at("2026-04-13 09:00"))
    second = garden.bill(at("2026-04-14 09:00"))

    assert moved([first, second]) == [tenge(65_000), tenge(5_000)]
    assert second.cause == "rule-change"
    (because,) = second.lines[0].because
    assert (because.act, because.ref, because.said) == ("rate-act", "order-372", "372")
    assert garden.bill(at("2026-04-15 09:00")) is None
    replays_to_the_byte(garden, at("2026-04-15 10:00"))


def test_a_child_who_moved_on_the_17th_is_prorated_at_both_and_never_above_the_month():
    here = Kindergarten(children=1, ends_on=date(2026, 3, 16))
    here.attend(1, days=[d for d in DAYS if d.day <= 16])
    there = Kindergarten(
        children=0, site_id="site-another", organisation_id="organisation-2", seed=2
    )
    _enrol_again(there, 1, date(2026, 3, 17))
    there.attend(1, days=[d for d in DAYS if d.day >= 17])
    here.close()
    there.close()
    here.approve(1)
    there.approve(1, "2026-04-02 21:00", known=True)

    first = here.bill(at("2026-04-13 09:00"))
    second = there.bill(at("2026-04-13 10:00"))
    third = here.bill(at("2026-04-13 11:00"))

    assert first.movement_tiyn == tenge(36_111)
    assert first.movement_tiyn + second.movement_tiyn == tenge(65_000)
    assert third is None
    assert accrued() + accrued("site-another") == tenge(65_000)
    replays_to_the_byte(here, at("2026-04-13 12:00"))
    replays_to_the_byte(there, at("2026-04-13 12:00"))


def test_a_voucher_annulled_in_mid_month_takes_back_what_lay_after_it():
    garden = Kindergarten(children=1)
    garden.attend(1)
    garden.close()
    garden.approve(1)
    first = garden.bill()
    garden.end(1, DAYS[8], event="vouchers/cancelled", now="2026-04-14 09:00")

    second = garden.bill(at("2026-04-14 12:00"))

    assert moved([first, second]) == [tenge(65_000), tenge(32_500 - 65_000)]
    assert second.cause == "enrolment"
    assert acts(second) == [("enrolment", "cancelled")]
    assert accrued() == tenge(32_500)
    replays_to_the_byte(garden, at("2026-04-14 13:00"))


def test_a_provider_suspended_keeps_what_its_children_attended():
    garden = Kindergarten(children=1)
    garden.attend(1)
    garden.close()
    garden.approve(1)
    first = garden.bill()
    kept = providers.load_site(SITE)
    commit(providers.keep_site(kept, replace(kept.value, state=SiteState.SUSPENDED)))

    assert garden.bill(at("2026-04-14 12:00")) is None
    assert accrued() == first.movement_tiyn == tenge(65_000)
    replays_to_the_byte(garden, at("2026-04-14 13:00"))


def test_a_place_lost_where_a_suspended_provider_was_removed_is_the_act_of_its_correction():
    garden = Kindergarten(children=1)
    garden.attend(1)
    garden.close()
    garden.approve(1)
    first = garden.bill()
    kept = providers.load_site(SITE)
    commit(providers.keep_site(kept, replace(kept.value, state=SiteState.REMOVED)))
    garden.end(1, DAYS[5], event="vouchers/place-lost", now="2026-04-14 09:00")

    second = garden.bill(at("2026-04-14 12:00"))

    # Six of eighteen days: 21,666.67, rounded up.
    assert moved([first, second]) == [tenge(65_000), tenge(21_667 - 65_000)]
    assert acts(second) == [("enrolment", "place-lost")]
    assert accrued() == tenge(21_667)
    replays_to_the_byte(garden, at("2026-04-14 13:00"))


def test_marks_of_an_offline_tablet_that_come_after_a_bill_are_named_by_their_upload():
    garden = Kindergarten(children=1)
    garden.attend(1, days=DAYS[:-1])
    spare = Tablet(seed=7)
    pair(spare, now=at("2026-03-02 09:00"))
    record = spare.sign(f"{DAYS[-1]}T08:20:00+05:00")
    first = garden.bill(at("2026-04-01 09:00"))
    send(spare, [record], now=at("2026-04-01 10:00"))
    garden.close("2026-04-01 11:00")
    garden.approve(1)

    second = garden.bill(at("2026-04-03 09:00"))

    assert moved([first, second]) == [0, tenge(65_000)]
    assert [kind for kind, _ in acts(second)] == ["approval", "evidence"]
    upload = second.lines[0].because[1]
    assert upload.ref.startswith(f"{spare.device_id}/1/")
    replays_to_the_byte(garden, at("2026-04-03 10:00"))


# --- a tablet under suspicion ---------------------------------------------------------------------


def suspected() -> Kindergarten:
    """Child 1 is marked by a tablet whose chain forks, child 2 by a good one."""
    garden = Kindergarten()
    spare = Tablet(seed=7)
    pair(spare, now=at("2026-03-02 08:00"))
    garden.attend(1, days=DAYS[:-2])
    copy = replace(garden.tablet, records=[])
    garden.attend(2, tablet=spare)
    garden.attend(1, days=DAYS[-2:])
    # The copy goes on from the same record, on another machine.
    forked = copy.sign(f"{DAYS[-2]}T08:31:00+05:00")
    answer = send(garden.tablet, [forked], now=at("2026-03-31 19:00"))
    assert answer.outcomes[0].code == "fork"
    garden.close()
    for n in (1, 2):
        garden.approve(n)
    return garden


def test_lines_that_only_a_forked_tablet_proves_are_held_alone_and_the_rest_is_paid():
    garden = suspected()

    first = garden.bill()

    lines = {s.line.child_id: s.line for s in first.lines}
    assert lines[child(2)].accrual_tiyn == tenge(65_000)
    assert lines[child(1)].unpaid == {"suspect": 2}
    assert lines[child(1)].accrual_tiyn == tenge(57_778)
    replays_to_the_byte(garden)


def test_an_officer_decides_a_suspect_line_or_clears_the_tablet():
    garden = suspected()
    garden.bill()
    garden.decide(1, DAYS[-2], counts=True, reason="provider-statement")

    second = garden.bill(at("2026-04-14 12:00"))
    assert second.lines[0].line.unpaid == {"suspect": 1}
    assert acts(second) == [("decision", "provider-statement")]

    attendance.clear(
        garden.tablet.device_id,
        site_id=SITE,
        reason="inspected",
        by=OFFICER,
        now=at("2026-04-15 09:00"),
    )
    third = garden.bill(at("2026-04-15 12:00"))
    assert third.cause == "suspect-tablet"
    assert acts(third) == [("tablet", "tablet-cleared")]
    assert accrued() == 2 * tenge(65_000)
    replays_to_the_byte(garden, at("2026-04-15 13:00"))


def test_a_tablet_in_foreign_hands_makes_its_marks_since_then_no_proof():
    garden = Kindergarten(children=1)
    garden.attend(1)
    garden.close()
    garden.approve(1)
    first = garden.bill()
    attendance.revoke(
        garden.tablet.device_id,
        site_id=SITE,
        by=HEAD,
        now=at("2026-04-14 09:00"),
        foreign_on=DAYS[9],
    )

    second = garden.bill(at("2026-04-14 12:00"))

    assert moved([first, second]) == [tenge(65_000), -tenge(32_500)]
    assert second.lines[0].line.unpaid == {"suspect": 9}
    assert acts(second) == [("tablet", "tablet-revoked")]
    replays_to_the_byte(garden, at("2026-04-14 13:00"))


# --- replay ---------------------------------------------------------------------------------------


def test_a_replay_lists_exactly_the_late_events_that_differ():
    garden = Kindergarten()
    garden.attend(1, 2)
    garden.close()
    garden.approve(1)
    garden.bill(at("2026-04-03 09:00"))
    garden.approve(2, "2026-04-05 20:00")

    made = garden.replay(at("2026-04-06 09:00"))

    assert made.same
    (late,) = made.since
    assert (late.child_id, late.posted_tiyn, late.due_tiyn) == (child(2), 0, tenge(65_000))
    assert [b.act for b in late.because] == ["approval"]


def test_a_replay_of_a_statement_that_was_tampered_with_names_the_child():
    garden = Kindergarten(children=1)
    garden.attend(1)
    garden.close()
    garden.approve(1)
    garden.bill()
    _tamper(garden)

    (one,) = garden.replay().statements

    assert not one.same
    assert [(d.child_id, d.posted_tiyn, d.due_tiyn) for d in one.differs] == [
        (child(1), tenge(64_000), tenge(65_000))
    ]


def test_a_replay_writes_nothing(tables):
    garden = Kindergarten(children=1)
    garden.attend(1)
    garden.close()
    garden.approve(1)
    garden.bill()
    before = tables.dump()

    garden.replay()

    assert tables.dump() == before


def test_a_replay_says_how_many_marks_have_no_record_any_more():
    garden = Kindergarten(children=1)
    garden.attend(1)
    garden.close()
    garden.approve(1)
    garden.bill()
    _forget_records(garden)

    made = garden.replay()

    assert made.unwitnessed == 2 * len(DAYS)
    assert made.same


def test_a_month_that_rosters_forgot_is_replayed_still():
    garden = Kindergarten(children=1)
    garden.attend(1)
    garden.close()
    garden.approve(1)
    garden.bill()

    made = garden.replay(at("2026-09-01 09:00"))

    assert made.same
    assert made.since is None


def _enrol_again(garden: Kindergarten, n: int, first: date) -> None:
    from chalicelib.vouchers import store as vouchers
    from chalicelib.vouchers.rules import Member
    from chalicelib.vouchers.rules.values import Stay, Stays
    from tests.attendance.builders import GROUP

    # The next enrolment of the same child, at another site.
    old = vouchers.find_enrolments([(SITE, months.enrolment(n))])[0].value
    new = replace(old, site_id=garden.site_id, starts_on=first, ends_on=None)
    roster = vouchers.find_roster(garden.site_id, GROUP)
    member = Member(new.enrolment_id, child(n), first, None)
    commit([vouchers.create_enrolment(new)])
    members = (*roster.value.members, member)
    commit([vouchers.keep_roster(roster, replace(roster.value, members=members))])
    stays = vouchers.find_stays(child(n), "preschool")
    stay = Stay(new.enrolment_id, new.voucher_id, garden.site_id, GROUP, first, None)
    commit([vouchers.keep_stays(stays, Stays((*stays.value.stays, stay)))])


def _tamper(garden: Kindergarten) -> None:
    from chalicelib.billing.store import statements as store
    from chalicelib.storage import keys

    (posted,) = garden.statements()
    stated, *others = posted.lines
    line = replace(stated.line, accrual_tiyn=tenge(64_000))
    forged = store.post(replace(posted, lines=(replace(stated, line=line), *others)))
    kept = store.FILED.load(keys.statement(garden.site_id, MARCH, 1))
    commit([store.FILED.replace(kept, store.FILED.kept(forged.row).value)])


def _forget_records(garden: Kindergarten) -> None:
    from chalicelib.attendance import store as sheets

    for kept in sheets.each_evidence(garden.tablet.device_id):
        sheets.thin(garden.tablet.device_id, kept, {})


__all__ = ["actions"]
