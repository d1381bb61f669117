"""The law of vouchers: the state machine, terms, choice, waiting, contract, transfer, closure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from chalicelib.kernel.periods import stamp
from chalicelib.kernel.refusals import AnotherContent, Refusal
from chalicelib.providers.rules import GroupClosed, NoPlace, Seat
from chalicelib.vouchers import rules
from chalicelib.vouchers.rules import (
    MOVES,
    BadStart,
    OneTransferAMonth,
    PapersReason,
    PapersSettled,
    TermPassed,
    TransferPending,
    Waiting,
    WrongState,
)
from tests.providers.builders import a_group
from tests.vouchers.builders import (
    CALENDAR,
    HEAD,
    NOW,
    PARENT,
    REASONS,
    RULES,
    TERMS,
    TODAY,
    a_voucher,
    an_enrolment,
    enrolled,
    later,
    seated,
)

HERE = a_group()
THERE = a_group(group_id="group-0002", site_id="site-0002", organisation_id="org-00002")
STATES = (
    "issued",
    "confirmed",
    "used",
    "lapsed",
    "refused",
    "returned",
    "closed",
    "cancelled",
)
MOVED = {move for _, move in MOVES}


@pytest.mark.parametrize("move", sorted(MOVED))
@pytest.mark.parametrize("state", STATES)
def test_a_move_the_table_does_not_hold_is_refused(state, move):
    voucher = a_voucher(state=state)

    if (state, move) in MOVES:
        assert rules.may(voucher, move) == MOVES[state, move]
    else:
        with pytest.raises(WrongState):
            rules.may(voucher, move)


def test_an_ended_voucher_moves_no_more():
    assert not {state for state, _ in MOVES} & {
        "lapsed",
        "refused",
        "returned",
        "closed",
        "cancelled",
    }


def confirm(voucher, now):
    return rules.confirm(voucher, now=now, terms=TERMS, calendar=CALENDAR)


def test_confirmation_starts_five_working_days_to_sign():
    issued = a_voucher(state="issued", contract_by=None)

    confirmed = confirm(issued, NOW)

    # Tuesday to Friday, then Tuesday: Monday 9 March is a day off for 8 March.
    assert confirmed.state == "confirmed"
    assert confirmed.contract_by == "2026-03-10T19:00:00.000000Z"
    assert confirm(confirmed, later(days=1)) is confirmed


def test_a_voucher_is_confirmed_before_the_last_instant_only():
    issued = a_voucher(state="issued", contract_by=None)
    end = datetime.fromisoformat(issued.confirm_by)

    assert confirm(issued, end - timedelta(seconds=1)).state == "confirmed"
    with pytest.raises(TermPassed):
        confirm(issued, end)


@pytest.mark.parametrize("move", ["lapse", "refuse", "cancel"])
def test_a_voucher_that_ends_unconfirmed_holds_nothing(move):
    issued = replace(
        seated(HERE), state="issued", waiting=(Waiting("group-0003", "offered", stamp(NOW)),)
    )

    ended = rules.end(issued, move)

    assert not rules.seats_of(ended)
    assert ended.waiting == ()


# --- choice and papers ----------------------------------------------------------------------------


def choose(voucher, group, now=NOW):
    return rules.choose(voucher, group, form="private", now=now, rules=RULES, calendar=CALENDAR)


def test_a_choice_moves_the_seat_and_new_papers_are_to_be_seen():
    chosen = choose(replace(seated(HERE), papers="accepted"), THERE)

    assert (chosen.group_id, chosen.site_id, chosen.seat) == ("group-0002", "site-0002", "reserved")
    assert chosen.papers == "none"


def test_the_same_choice_again_changes_nothing():
    voucher = replace(seated(HERE), papers="accepted")

    assert choose(voucher, HERE) is voucher


def test_another_language_or_kind_is_the_holders_own_choice():
    group = replace(THERE, language="ru", kind="correctional")

    assert choose(seated(HERE), group).group_id == THERE.group_id


@pytest.mark.parametrize(
    ("group", "refusal"),
    [
        (replace(THERE, area="astana"), rules.AnotherArea),
        (replace(THERE, programme="clubs"), rules.AnotherArea),
        (replace(THERE, age_from=4, age_to=5), rules.AgeDoesNotFit),
        (replace(THERE, age_from=1, age_to=2), rules.AgeDoesNotFit),
    ],
)
def test_a_choice_fits_area_and_age(group, refusal):
    with pytest.raises(refusal):
        choose(seated(HERE), group)


def test_age_is_taken_in_the_groups_own_academic_year():
    next_year = replace(THERE, academic_year=2026, age_from=4, age_to=4)

    assert choose(seated(HERE), next_year).group_id == THERE.group_id


@pytest.mark.parametrize("state", ["issued", "used", "returned", "closed"])
def test_only_a_confirmed_voucher_chooses(state):
    with pytest.raises(WrongState):
        choose(replace(seated(HERE), state=state), THERE)


def test_after_the_term_nothing_is_chosen_though_the_job_is_late():
    end = datetime.fromisoformat(seated(HERE).contract_by or "")

    with pytest.raises(TermPassed):
        choose(seated(HERE), THERE, end)


def judge(voucher, result, reason=None, now=NOW):
    return rules.judge_papers(
        voucher, result, reason, published=REASONS, now=now, calendar=CALENDAR
    )


@pytest.mark.parametrize("reason", ["incomplete", "out-of-date", "vaccination-ratio"])
def test_papers_are_refused_for_three_published_reasons(reason):
    refused = judge(seated(HERE), "refused", reason)

    assert (refused.papers, refused.papers_reason) == ("refused", reason)
    assert refused.group_id == HERE.group_id
    assert refused.state == "confirmed"


@pytest.mark.parametrize(
    ("result", "reason"),
    [("refused", None), ("refused", "no-room"), ("accepted", "incomplete"), ("brought", "x")],
)
def test_no_other_reason_exists(result, reason):
    with pytest.raises(PapersReason):
        judge(seated(HERE), result, reason)


def test_accepted_papers_are_not_refused_later():
    with pytest.raises(PapersSettled):
        judge(judge(seated(HERE), "accepted"), "refused", "incomplete")


def test_the_clock_stands_still_while_papers_are_refused():
    refused = judge(seated(HERE), "refused", "incomplete")
    months_later = later(days=60)

    assert not rules.overdue_contract(refused, months_later)
    assert choose(refused, THERE, months_later).paused_since is None


@pytest.mark.parametrize("how", ["brought", "accepted", "another"])
def test_the_clock_goes_on_with_the_working_days_that_were_left(how):
    # Paused on Wednesday: Thursday, Friday and Tuesday 10 March are left.
    refused = judge(seated(HERE), "refused", "incomplete", later(days=2))
    now = datetime(2026, 3, 30, 4, tzinfo=UTC)  # a Monday, four weeks later

    resumed = choose(refused, THERE, now) if how == "another" else judge(refused, how, now=now)

    assert resumed.paused_since is None
    assert resumed.contract_by == "2026-04-02T19:00:00.000000Z"  # Tuesday to Thursday


def test_a_second_refusal_keeps_the_first_pause():
    once = judge(seated(HERE), "refused", "incomplete")

    twice = judge(once, "refused", "out-of-date", later(days=1))

    assert twice.paused_since == once.paused_since


def test_papers_need_a_chosen_group():
    with pytest.raises(rules.NoSeat):
        judge(a_voucher(), "accepted")


# --- contract -------------------------------------------------------------------------------------


def sign(voucher, group=HERE, starts_on=TODAY, now=NOW):
    return rules.contract(
        voucher,
        group,
        enrolment_id="enrolment-1",
        starts_on=starts_on,
        now=now,
        rules=RULES,
        calendar=CALENDAR,
    )


READY = replace(seated(HERE), papers="accepted")


def test_a_contract_makes_an_enrolment_of_the_groups_sort():
    started = sign(READY)

    assert started.voucher.state == "used"
    assert (started.voucher.seat, started.voucher.enrolment_id) == ("used", "enrolment-1")
    assert (started.enrolment.kind, started.enrolment.hours) == (HERE.kind, HERE.hours)
    assert (started.enrolment.starts_on, started.enrolment.ends_on) == (TODAY, None)


@pytest.mark.parametrize(
    ("voucher", "group", "refusal"),
    [
        (replace(READY, state="issued"), HERE, WrongState),
        (replace(READY, state="returned"), HERE, WrongState),
        (replace(READY, contract_by=stamp(NOW)), HERE, TermPassed),
        (a_voucher(), None, rules.NoSeat),
        (READY, replace(HERE, open=False), GroupClosed),
        (replace(READY, papers="none"), HERE, rules.PapersNotAccepted),
        (replace(READY, papers="refused", paused_since=stamp(NOW)), HERE, rules.PapersNotAccepted),
    ],
)
def test_a_contract_is_refused_in_a_fixed_order(voucher, group, refusal):
    with pytest.raises(refusal):
        sign(voucher, group)


@pytest.mark.parametrize(
    ("starts_on", "right"),
    [
        (TODAY - timedelta(days=1), False),
        (TODAY, True),
        (TODAY + timedelta(days=60), True),
        (TODAY + timedelta(days=61), False),
    ],
)
def test_the_first_day_is_today_or_up_to_sixty_days_ahead(starts_on, right):
    if right:
        assert sign(READY, starts_on=starts_on).enrolment.starts_on == starts_on
    else:
        with pytest.raises(BadStart):
            sign(READY, starts_on=starts_on)


def test_a_place_of_the_new_year_begins_with_its_intake():
    june = datetime(2026, 6, 15, 4, tzinfo=UTC)
    voucher = replace(READY, contract_by="2026-06-30T19:00:00.000000Z")
    group = replace(HERE, academic_year=2026)

    with pytest.raises(BadStart):
        sign(voucher, group, date(2026, 6, 30), june)
    assert sign(voucher, group, date(2026, 7, 1), june)


# --- transfer -------------------------------------------------------------------------------------


def transfer(voucher, current=None, group=THERE, now=NOW, **said):
    return rules.transfer(
        voucher,
        current or an_enrolment(HERE),
        group,
        enrolment_id="enrolment-2",
        form="private",
        now=now,
        rules=RULES,
        calendar=CALENDAR,
        **said,
    )


@pytest.mark.parametrize(
    ("now", "ends_on", "starts_on"),
    [
        (NOW, date(2026, 3, 2), date(2026, 3, 3)),
        # Friday before a long weekend: Monday 9 March is a day off.
        (later(days=4), date(2026, 3, 9), date(2026, 3, 10)),
        (datetime(2026, 3, 2, 18, 59, tzinfo=UTC), date(2026, 3, 2), date(2026, 3, 3)),
        (datetime(2026, 3, 2, 19, 0, tzinfo=UTC), date(2026, 3, 3), date(2026, 3, 4)),
    ],
)
def test_a_transfer_is_from_the_next_working_day_without_gap_or_overlap(now, ends_on, starts_on):
    moved = transfer(enrolled(HERE), now=now)

    assert (moved.ended.ends_on, moved.ended.reason) == (ends_on, "transfer")
    assert moved.started.starts_on == starts_on
    assert moved.started.starts_on - moved.ended.ends_on == timedelta(days=1)
    assert moved.voucher.papers == "accepted"


def test_a_second_transfer_in_a_month_says_when_it_is_possible():
    moved = transfer(enrolled(HERE))
    after = replace(moved.voucher, leaving=())

    with pytest.raises(OneTransferAMonth) as refused:
        transfer(after, moved.started, HERE, now=later(days=7))

    # The first working day of April is Wednesday the 1st, asked for on Tuesday 31 March.
    assert refused.value.facts == {"ask_from": "2026-03-31", "starts_from": "2026-04-01"}
    asked = datetime(2026, 3, 31, 4, tzinfo=UTC)
    assert transfer(after, moved.started, HERE, now=asked).started.starts_on == date(2026, 4, 1)


def test_a_transfer_away_from_a_closed_kindergarten_is_not_counted():
    moved = transfer(enrolled(HERE, transfers=("2026-03",)), limited=False)

    assert moved.voucher.transfers == ("2026-03",)


def test_a_transfer_that_has_not_begun_comes_first():
    moved = transfer(enrolled(HERE))

    with pytest.raises(TransferPending):
        transfer(moved.voucher, moved.started, HERE, limited=False)


def test_a_contract_that_has_not_begun_moves_as_a_whole():
    current = an_enrolment(HERE, starts_on=date(2026, 4, 1))

    moved = transfer(enrolled(HERE), current)

    assert moved.started.starts_on == date(2026, 4, 1)
    assert moved.ended.ends_on == date(2026, 3, 31)
    assert moved.voucher.leaving == ()


# --- closure --------------------------------------------------------------------------------------


def close(voucher, reason="withdrawal", last_day=TODAY, by=PARENT, current=None, now=NOW):
    return rules.close(
        voucher,
        current or an_enrolment(HERE),
        reason=reason,
        last_day=last_day,
        by=by,
        now=now,
        objection_days=3,
        calendar=CALENDAR,
    )


def test_a_closed_voucher_leaves_its_seat_after_the_last_day():
    ended = close(enrolled(HERE), last_day=date(2026, 3, 31))

    assert ended.voucher.state == "closed"
    assert ended.enrolment.ends_on == date(2026, 3, 31)
    assert [(x.group_id, x.until) for x in ended.voucher.leaving] == [
        (HERE.group_id, date(2026, 3, 31))
    ]


def test_a_contract_that_never_began_frees_its_seat_at_once():
    current = an_enrolment(HERE, starts_on=date(2026, 4, 1))

    ended = close(enrolled(HERE), current=current)

    assert ended.at_once
    assert ended.enrolment.ends_on == date(2026, 3, 31)
    assert not rules.seats_of(ended.voucher)


@pytest.mark.parametrize(
    ("reason", "by", "right"),
    [
        ("withdrawal", PARENT, True),
        ("graduation", PARENT, True),
        ("exclusion", PARENT, False),
        ("withdrawal", HEAD, False),
        ("graduation", HEAD, True),
        ("exclusion", HEAD, True),
    ],
)
def test_each_reason_is_for_those_who_may_give_it(reason, by, right):
    last_day = date(2026, 3, 31)

    if right:
        assert close(enrolled(HERE), reason, last_day, by).voucher.closed_as == reason
    else:
        with pytest.raises(rules.ClosingReason):
            close(enrolled(HERE), reason, last_day, by)


@pytest.mark.parametrize(
    ("reason", "by", "last_day", "right"),
    [
        ("withdrawal", PARENT, TODAY - timedelta(days=1), False),
        ("withdrawal", PARENT, TODAY, True),
        ("withdrawal", PARENT, None, False),
        ("withdrawal", PARENT, TODAY + timedelta(days=367), False),
        ("exclusion", HEAD, date(2026, 3, 4), False),  # three working days to object
        ("exclusion", HEAD, date(2026, 3, 5), True),
    ],
)
def test_the_last_day_is_never_behind_us(reason, by, last_day, right):
    if right:
        assert close(enrolled(HERE), reason, last_day, by).enrolment.ends_on == last_day
    else:
        with pytest.raises(rules.BadLastDay):
            close(enrolled(HERE), reason, last_day, by)


def test_a_signed_contract_is_not_signed_for_another_day():
    with pytest.raises(AnotherContent):
        rules.same_contract(enrolled(HERE), an_enrolment(HERE), TODAY + timedelta(days=1))


def test_a_removed_kindergarten_leaves_the_voucher_with_the_child():
    ended = rules.lose_place(
        enrolled(HERE),
        an_enrolment(HERE),
        last_day=date(2026, 4, 1),
        now=NOW,
        terms=TERMS,
        calendar=CALENDAR,
    )

    assert (ended.voucher.state, ended.voucher.group_id) == ("confirmed", None)
    assert ended.enrolment.ends_on == date(2026, 4, 1)
    assert ended.voucher.contract_by == "2026-04-08T19:00:00.000000Z"


# --- waiting lists --------------------------------------------------------------------------------

FULL = replace(THERE, holders={f"voucher-{n}x": Seat("used", TODAY) for n in range(4)})


def join(voucher, group=FULL, others_wait=False, now=NOW):
    return rules.join(voucher, group, form="private", others_wait=others_wait, now=now, rules=RULES)


def test_one_waits_for_a_full_group_once():
    waiting = join(seated(HERE))

    assert waiting.waiting == (Waiting(THERE.group_id),)
    assert join(waiting) is waiting


def refused_by(call) -> type[Refusal] | None:
    try:
        call()
    except Refusal as refusal:
        return type(refusal)
    return None


def test_waiting_is_refused_where_it_makes_no_sense():
    lists = tuple(Waiting(f"group-{n}") for n in range(TERMS.waiting_lists_max))

    assert refused_by(lambda: join(seated(HERE), THERE)) is rules.PlaceIsFree
    assert refused_by(lambda: join(seated(HERE), THERE, others_wait=True)) is None
    assert refused_by(lambda: join(seated(HERE), HERE)) is rules.AlreadyThere
    assert refused_by(lambda: join(seated(HERE), replace(FULL, open=False))) is GroupClosed
    assert refused_by(lambda: join(seated(HERE), replace(FULL, age_to=3, age_from=3))) is None
    assert refused_by(lambda: join(seated(HERE, waiting=lists))) is rules.ListsFull
    assert refused_by(lambda: join(seated(HERE, state="issued"))) is WrongState


def offered(voucher, group=FULL):
    return rules.offer(voucher, group.group_id, now=NOW, terms=TERMS, calendar=CALENDAR)


def test_an_offer_is_open_for_one_calendar_day():
    voucher = offered(join(seated(HERE)))
    end = datetime(2026, 3, 3, 19, tzinfo=UTC)

    assert voucher.waiting == (Waiting(THERE.group_id, "offered", stamp(end)),)
    assert not rules.overdue_offer(voucher, THERE.group_id, end - timedelta(seconds=1))
    assert rules.overdue_offer(voucher, THERE.group_id, end)
    assert rules.seats_of(voucher) == {HERE.group_id, THERE.group_id}
    assert rules.lapse_offer(voucher, THERE.group_id).waiting == ()


def take(voucher, group=FULL, now=NOW):
    return rules.take_offered(voucher, group, now=now, terms=TERMS, calendar=CALENDAR)


def test_an_accepted_offer_becomes_the_voucher_s_own_seat():
    taken = take(offered(join(seated(HERE))))

    assert rules.seats_of(taken) == {THERE.group_id}
    assert taken.waiting == ()


def test_an_offer_is_accepted_only_while_it_is_open():
    voucher = offered(join(seated(HERE)))

    with pytest.raises(rules.NotOffered):
        take(voucher, now=datetime(2026, 3, 3, 19, tzinfo=UTC))
    with pytest.raises(rules.NotOffered):
        take(join(seated(HERE)))


def test_an_offer_keeps_a_voucher_alive_until_it_can_be_answered():
    end = datetime(2026, 3, 3, 0, tzinfo=UTC)
    voucher = offered(join(seated(HERE, contract_by=stamp(end))))

    assert not rules.overdue_contract(voucher, end)
    assert rules.overdue_contract(voucher, datetime(2026, 3, 3, 19, tzinfo=UTC))


@pytest.mark.parametrize(
    ("voucher", "able"),
    [
        (seated(HERE), True),
        (seated(HERE, contract_by=stamp(NOW)), False),
        (a_voucher(state="issued"), True),
        (a_voucher(state="issued", confirm_by=stamp(NOW)), False),
        (enrolled(HERE), True),
        (enrolled(HERE, transfers=("2026-03",)), False),
        (enrolled(HERE, leaving=(rules.Leaving("group-0003", TODAY, "enrolment-0"),)), False),
        (a_voucher(state="closed"), False),
    ],
)
def test_a_seat_is_offered_to_those_who_could_take_it(voucher, able):
    assert rules.may_be_offered(voucher, now=NOW, terms=TERMS, calendar=CALENDAR) is able


# --- seats and rosters ----------------------------------------------------------------------------


def test_a_full_group_gives_no_seat():
    with pytest.raises(NoPlace):
        rules.seat(
            seated(HERE),
            choose(seated(HERE), FULL),
            {HERE.group_id: HERE, FULL.group_id: FULL},
            today=TODAY,
        )


def test_a_roster_follows_a_transfer_and_forgets_after_months():
    old = rules.Roster(HERE.site_id, HERE.group_id)
    old = rules.add_member(old, an_enrolment(HERE), today=TODAY)
    moved = transfer(enrolled(HERE))

    ended = rules.end_member(old, moved.ended, today=TODAY)
    much_later = rules.add_member(
        ended, an_enrolment(HERE, enrolment_id="enrolment-9"), today=TODAY + timedelta(days=200)
    )

    assert ended.members[0].ends_on == moved.ended.ends_on
    assert [m.enrolment_id for m in much_later.members] == ["enrolment-9"]


def test_a_roster_drops_who_never_began():
    current = an_enrolment(HERE, starts_on=date(2026, 4, 1))
    roster = rules.add_member(rules.Roster(HERE.site_id, HERE.group_id), current, today=TODAY)

    ended = close(enrolled(HERE), current=current).enrolment

    assert rules.end_member(roster, ended, today=TODAY).members == ()
