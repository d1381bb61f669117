"""What an application is and how it moves: the law without rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.applications import rules
from chalicelib.applications.rules import Batch, BatchAsked, Checked, State
from chalicelib.children.rules import HeldElsewhere, Holding, Holdings
from chalicelib.kernel.periods import shown_last_day, stamp
from chalicelib.kernel.refusals import OutOfTurn
from chalicelib.policy.rules import UnknownStatus, completed_months
from tests.applications.builders import PACK, RULES, a_status, an_application, asked, at
from tests.children.builders import NOW, TODAY

STATES: tuple[State, ...] = (
    "queued",
    "offered",
    "fulfilled",
    "inactive",
    "annulled",
    "withdrawn",
    "expired",
)
IN_TWO_DAYS = stamp(NOW + timedelta(days=2))


# --- what may be asked


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"child_id": "child-one"}, rules.ChildOrId),
        ({"child": None}, rules.ChildOrId),
        ({"child": None, "statuses": ("no-such",)}, rules.ChildOrId),
        ({"statuses": ("no-such",), "preferences": ("g",) * 2}, UnknownStatus),
        ({"preferences": tuple("abcdef")}, rules.TooManyPreferences),
        ({"preferences": ("a", "b", "a")}, rules.DoubledPreference),
    ],
)
def test_what_is_asked_is_checked_in_order(changes: dict[str, Any], refusal: type) -> None:
    with pytest.raises(refusal):
        rules.check_asked(asked(**changes), RULES)


# --- age


@pytest.mark.parametrize(
    ("born", "outcome"),
    [
        (date(2024, 3, 2), (2024, 1)),
        (date(2024, 3, 3), rules.TooYoung(possible_from="2026-03-03")),
        (date(2019, 1, 1), (2019, 6)),
        (date(2018, 9, 2), (2019, 6)),
        (date(2018, 9, 1), rules.TooOld(academic_year=2025, age_max=6)),
        (date(2022, 5, 4), (2022, 3)),
    ],
)
def test_a_child_is_judged_by_its_age_on_the_day(born: date, outcome: object) -> None:
    if isinstance(outcome, tuple):
        standing = rules.stand(born, TODAY, RULES)
        assert (standing.birth_year, standing.age) == outcome
    else:
        with pytest.raises(type(outcome)) as refused:
            rules.stand(born, TODAY, RULES)
        assert refused.value == outcome


@given(st.dates(date(2015, 1, 1), date(2026, 12, 31)), st.integers(1, 216))
def test_a_child_is_old_enough_from_that_day_on_and_not_before(born: date, months: int) -> None:
    day = rules.old_enough_on(born, months)

    assert completed_months(born, day) >= months
    assert completed_months(born, day - timedelta(days=1)) < months


def test_born_on_29_february_is_old_enough_on_1_march() -> None:
    assert rules.old_enough_on(date(2024, 2, 29), 24) == date(2026, 3, 1)


# --- statuses and category


def test_a_paper_status_waits_five_working_days_for_its_proof() -> None:
    claimed = rules.claim("teacher", None, now=NOW, pack=PACK)

    assert (claimed.state, claimed.proof) == ("claimed", "paper")
    # Monday 2 March; 8 March is a holiday on a Sunday and Monday the 9th is off in its stead.
    assert at(claimed.prove_by) == PACK.calendar.deadline(NOW, working_days=5)


@pytest.mark.parametrize(
    ("checked", "state", "since"),
    [
        (Checked("proved"), "proved", None),
        (Checked("not-found"), "claimed", None),
        (
            Checked("unavailable", "2026-03-01T00:00:00.000000Z"),
            "claimed",
            "2026-03-01T00:00:00.000000Z",
        ),
    ],
)
def test_what_a_register_cannot_confirm_may_be_shown_on_paper(
    checked: Checked, state: str, since: str | None
) -> None:
    claimed = rules.claim("large-family", checked, now=NOW, pack=PACK)

    assert (claimed.state, claimed.registry_silent_since) == (state, since)
    assert (claimed.prove_by is None) == (state == "proved")


states = st.sampled_from(["claimed", "proved", "refused", "lapsed"])
claims = st.lists(
    st.tuples(st.sampled_from(sorted(RULES.statuses)), states), max_size=8, unique_by=lambda c: c[0]
)


@given(claims)
def test_only_proved_statuses_make_a_category(taken: list[tuple[str, rules.StatusState]]) -> None:
    statuses = tuple(a_status(state, code) for code, state in taken)
    proved = tuple(s for s in statuses if s.state == "proved")

    with_all = rules.retier(an_application(statuses=statuses), PACK, TODAY)
    with_proved = rules.retier(an_application(statuses=proved), PACK, TODAY)

    assert (with_all.tier, with_all.category) == (with_proved.tier, with_proved.category)
    if not proved:
        assert with_all.tier == RULES.tiers[-1].code


@given(claims, st.sampled_from(sorted(RULES.statuses)))
def test_one_more_proof_never_makes_a_category_worse(
    taken: list[tuple[str, rules.StatusState]], more: str
) -> None:
    statuses = tuple(a_status(state, code) for code, state in taken if code != more)
    order = [tier.code for tier in RULES.tiers]

    before = rules.retier(an_application(statuses=statuses), PACK, TODAY)
    after = rules.retier(
        an_application(statuses=(*statuses, a_status("proved", more))), PACK, TODAY
    )

    assert order.index(after.tier) <= order.index(before.tier)


def test_a_status_the_rules_no_longer_know_opens_nothing() -> None:
    assert rules.tier_of([a_status("proved", "abolished")], RULES) == RULES.tiers[-1].code


def test_the_category_of_the_example() -> None:
    application = an_application()

    assert (application.tier, application.birth_year, application.category) == ("general", 2022, 16)
    assert "2022" in rules.category_text(application, RULES).ru


@pytest.mark.parametrize(
    ("result", "reason", "paper_on", "refusal"),
    [
        ("refused", None, None, rules.ReasonNeeded),
        ("proved", "paper-missing", None, rules.ReasonNeeded),
        ("proved", None, date(2026, 1, 30), rules.PaperOutdated),
        ("proved", None, date(2026, 3, 3), rules.PaperOutdated),
        ("proved", None, date(2026, 1, 31), None),
        ("proved", None, None, None),
        ("refused", "not-entitled", None, None),
    ],
)
def test_an_officers_result_is_checked(
    result: Any, reason: Any, paper_on: date | None, refusal: type | None
) -> None:
    application = an_application(statuses=(a_status("claimed", prove_by=IN_TWO_DAYS),))

    def decide() -> rules.Application:
        return rules.decide_status(
            application,
            "teacher",
            result=result,
            reason=reason,
            paper_on=paper_on,
            rules=RULES,
            now=NOW,
        )

    if refusal is not None:
        with pytest.raises(refusal):
            decide()
        return
    decided = decide()
    assert decided.statuses[0].state == result
    assert rules.prove_by(decided) is None


@pytest.mark.parametrize("state", STATES)
def test_a_status_is_decided_while_the_application_can_still_move(state: State) -> None:
    application = an_application(state=state, statuses=(a_status("lapsed"),))

    def decide() -> rules.Application:
        return rules.decide_status(
            application,
            "teacher",
            result="proved",
            reason=None,
            paper_on=None,
            rules=RULES,
            now=NOW,
        )

    if state in ("queued", "offered", "inactive"):
        assert decide().statuses[0].state == "proved"
    else:
        with pytest.raises(rules.NotLive):
            decide()


def test_what_is_not_proved_in_time_lapses_and_only_that() -> None:
    early, late = stamp(NOW), stamp(NOW + timedelta(days=1))
    application = an_application(
        statuses=(
            a_status("claimed", prove_by=early),
            a_status("claimed", "sen", prove_by=late),
            a_status("proved", "orphan"),
        )
    )

    lapsed = rules.decide_lapsed_proofs(application, now=NOW)

    assert [s.state for s in lapsed.statuses] == ["lapsed", "claimed", "proved"]
    assert (rules.prove_by(application), rules.prove_by(lapsed)) == (early, late)
    just_before = NOW - timedelta(microseconds=1)
    assert rules.decide_lapsed_proofs(application, now=just_before) == application


# --- moving


def moved(application: rules.Application, move: str) -> rules.Application:
    match move:
        case "prefer":
            return rules.decide_preferences(application, ("group",))
        case "offer":
            return rules.decide_offer(application, "voucher", IN_TWO_DAYS)
        case "confirm":
            return rules.decide_confirm(application, now=NOW)
        case "refuse":
            return rules.decide_refuse(application, now=NOW)
        case "withdraw":
            return rules.decide_withdraw(application, now=NOW)
        case "restore":
            return rules.decide_restore(application, RULES, now=NOW)
        case _:
            return rules.decide_expire(application, now=NOW)


ALLOWED: dict[tuple[State, str], State] = {
    ("queued", "prefer"): "queued",
    ("queued", "offer"): "offered",
    ("queued", "withdraw"): "withdrawn",
    ("queued", "expire"): "expired",
    ("offered", "confirm"): "fulfilled",
    ("offered", "refuse"): "annulled",
    ("inactive", "restore"): "queued",
    ("inactive", "withdraw"): "withdrawn",
}
MOVES = ("prefer", "offer", "confirm", "refuse", "withdraw", "restore", "expire")


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("state", STATES)
def test_an_application_moves_only_as_drawn(state: State, move: str) -> None:
    application = an_application(
        state=state, confirm_by=IN_TWO_DAYS, voucher_id="v", restore_until=IN_TWO_DAYS
    )
    expected = ALLOWED.get((state, move))

    if expected is not None:
        assert moved(application, move).state == expected
    else:
        with pytest.raises(OutOfTurn):
            moved(application, move)


@pytest.mark.parametrize(("late", "refusal"), [(False, None), (True, rules.ConfirmTooLate)])
@pytest.mark.parametrize("answer", [rules.decide_confirm, rules.decide_refuse])
def test_the_term_to_answer_ends_at_its_instant(answer: Any, late: bool, refusal: Any) -> None:
    end = NOW if late else NOW + timedelta(microseconds=1)
    application = an_application(state="offered", voucher_id="v", confirm_by=stamp(end))

    assert rules.overdue(application, now=NOW) is late
    if refusal is None:
        assert answer(application, now=NOW).ended_at == stamp(NOW)
    else:
        with pytest.raises(refusal):
            answer(application, now=NOW)


def test_an_unanswered_application_may_be_restored_for_28_days() -> None:
    application = an_application(state="offered", voucher_id="v", confirm_by=stamp(NOW))

    inactive = rules.decide_inactive(application, PACK, now=NOW)

    assert inactive.state == "inactive"
    assert at(inactive.restore_until) == PACK.calendar.deadline(NOW, calendar_days=28)
    assert shown_last_day(inactive.restore_until or "") == "30.03.2026"


def test_restoring_keeps_the_order_once_and_in_time() -> None:
    until = stamp(NOW + timedelta(microseconds=1))
    inactive = an_application(state="inactive", restore_until=until, batch_id="b")

    restored = rules.decide_restore(inactive, RULES, now=NOW)

    assert (restored.state, restored.restores, restored.batch_id) == ("queued", 1, None)
    assert restored.ordered_at == inactive.ordered_at
    for closed in (replace(inactive, restores=1), replace(inactive, restore_until=stamp(NOW))):
        with pytest.raises(rules.RestoreClosed):
            rules.decide_restore(closed, RULES, now=NOW)


def test_a_pack_may_send_the_restored_to_the_end() -> None:
    """Behind all who wait, and so out of the draw of the intake it came with."""
    inactive = an_application(state="inactive", restore_until=IN_TWO_DAYS, intake="win-1")
    strict = replace(RULES, terms=replace(RULES.terms, keep_order_on_restore=False))
    later = NOW + timedelta(hours=1)

    restored = rules.decide_restore(inactive, strict, now=later)
    queued = rules.entry_of(restored)

    assert (restored.ordered_at, restored.intake) == (stamp(later), None)
    assert (queued.ordered_at, queued.intake) == (stamp(later), None)
    assert rules.decide_restore(inactive, RULES, now=later).intake == "win-1"


# --- one per programme


@pytest.mark.parametrize("kind", ["application", "voucher", "enrolment"])
def test_one_thing_per_child_and_programme_in_the_whole_country(kind: Any) -> None:
    held = Holdings((Holding(kind=kind, id="secret", programme="preschool", area="astana"),))

    with pytest.raises(rules.AlreadyApplied) as refused:
        rules.check_free(held, "preschool")

    said = dict(refused.value.facts)
    assert {*said.pop("called")} == {"kk", "ru", "en"}, "in words, whatever the language"
    assert said == {"programme": "preschool", "area": "astana", "held": kind}
    rules.check_free(held, "clubs", beside={"preschool"})
    with pytest.raises(HeldElsewhere) as elsewhere:
        rules.check_free(held, "clubs")
    told = dict(elsewhere.value.facts)
    assert {*told.pop("called")} == {"kk", "ru", "en"}, "in words, whatever the language"
    assert told == {
        "kind": kind,
        "programme": "preschool",
        "area": "astana",
        "since": "",
        "beside": "clubs",
    }


# --- batches


def a_batch(**changes: Any) -> Batch:
    return Batch(
        **{
            "batch_id": "b",
            "person_id": "p",
            "born": "d",
            "programme": "preschool",
            "area": "astana",
            "language": "kk",
            "kind": "general",
            "size": 2,
            **changes,
        }
    )


def test_a_batch_takes_as_many_as_it_was_made_for() -> None:
    one = rules.join_batch(None, a_batch(), application_id="a")
    both = rules.join_batch(one, a_batch(), application_id="b")

    assert both.members == ("a", "b")
    with pytest.raises(rules.BatchFull):
        rules.join_batch(both, a_batch(), application_id="c")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"born": "other"}, "birth_date"),
        ({"area": "taldykorgan"}, "area"),
        ({"programme": "clubs"}, "programme"),
        ({"language": "ru"}, "language"),
        ({"kind": "correctional"}, "kind"),
        ({"size": 3}, "size"),
    ],
)
def test_members_of_a_batch_agree(changes: dict[str, Any], field: str) -> None:
    one = rules.join_batch(None, a_batch(), application_id="a")

    with pytest.raises(rules.BatchDiffers) as refused:
        rules.join_batch(one, a_batch(**changes), application_id="b")

    assert refused.value.facts == {"field": field}


def test_who_leaves_a_batch_is_waited_for_no_longer() -> None:
    batch = a_batch(members=("a", "b"))
    left = rules.leave_batch(batch, application_id="a")

    assert (left.members, left.size) == (("b",), 1)
    assert rules.leave_batch(left, application_id="a") == left
    alone = rules.entry_of(an_application(batch_id="b"), batch_size=left.size)
    assert (alone.batch_id, alone.batch_size) == (None, None)
    together = rules.entry_of(an_application(batch_id="b"), batch_size=2)
    assert (together.batch_id, together.batch_size) == ("b", 2)
    assert BatchAsked(id="b", size=2)


def test_the_queue_knows_no_status() -> None:
    entry = rules.entry_of(an_application(statuses=(a_status("proved", "orphan"),)))

    assert "orphan" not in repr(entry)
