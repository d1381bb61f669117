"""How a commission counts, when papers end, how far a club is, and what a family looks for."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.policy.actions import load_pack
from chalicelib.providers import rules
from chalicelib.providers.rules import Location, Reason, Shown, Vote, WeeklyLesson, showing, votes
from chalicelib.providers.rules import admission as steps
from chalicelib.providers.rules import documents as papers
from chalicelib.providers.rules.places import distance_m, located
from chalicelib.providers.rules.showing import Offer, Wanted
from chalicelib.providers.rules.sites import SiteState, Step
from tests.providers.builders import TODAY, a_group, a_site
from tests.providers.clubs import RULES

ADMISSION = RULES.admission
NOW = "2026-03-02T04:00:00.000000Z"


def voted(results: str) -> list[Vote]:
    """Return votes from letters: a admits, r refuses."""
    return [
        Vote(
            f"m{n}",
            "admit" if letter == "a" else "refuse",
            () if letter == "a" else (Reason("cameras", f"seen by {n}"),),
            NOW,
        )
        for n, letter in enumerate(results, start=1)
    ]


# --- votes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("results", "quorum", "members", "decides"),
    [
        ("", 1, 1, None),
        ("a", 1, 1, "admit"),  # a quorum of one: the first vote is the decision
        ("r", 1, 1, "refuse"),
        ("a", 1, 5, "admit"),
        ("aa", 3, 5, None),
        ("rr", 3, 5, None),
        ("aar", 3, 5, "admit"),
        ("arr", 3, 5, "refuse"),
        ("ar", 2, 5, None),  # a tie: the next member decides
        ("ara", 2, 5, "admit"),
        ("arar", 4, 5, None),
        ("ararr", 4, 5, "refuse"),
        ("arar", 4, 4, "refuse"),  # all have voted and are divided
        ("ar", 2, 2, "refuse"),
    ],
)
def test_a_majority_of_a_quorum_decides_and_a_divided_commission_admits_nobody(
    results: str, quorum: int, members: int, decides: str | None
) -> None:
    assert votes.outcome(voted(results), quorum=quorum, members=members) == decides


@given(st.integers(1, 7).flatmap(lambda m: st.tuples(st.just(m), st.integers(1, m))), st.data())
def test_every_commission_decides_once_all_have_voted(
    size: tuple[int, int], data: st.DataObject
) -> None:
    members, quorum = size
    results = data.draw(st.text("ar", min_size=members, max_size=members))

    assert votes.outcome(voted(results), quorum=quorum, members=members) is not None


@given(st.integers(1, 6), st.text("ar", min_size=1, max_size=6))
def test_the_order_of_the_same_votes_does_not_matter(quorum: int, results: str) -> None:
    outcomes = {
        votes.outcome(voted("".join(order)), quorum=quorum, members=6)
        for order in itertools.islice(itertools.permutations(results), 24)
    }

    assert len(outcomes) == 1


def before_the_commission(results: str) -> Any:
    return a_site(state=SiteState.IN_CHECK, direction="sport", votes=tuple(voted(results)))


def test_no_more_votes_are_taken_than_the_commission_has_members() -> None:
    asked: dict[str, Any] = {"pack": "p", "object_by": NOW}
    three = replace(ADMISSION, members=3, quorum=3)
    given_vote = Vote("m9", "admit", (Reason("cameras", "seen"),), NOW)
    # Four of five were divided when the rules made the commission one of three.
    divided = before_the_commission("arar")

    with pytest.raises(rules.CommissionFull) as refused:
        steps.vote(divided, Step.DECIDE, given_vote, admission=three, **asked)

    assert refused.value.facts == {"most": 3}
    fifth = steps.vote(divided, Step.DECIDE, given_vote, admission=ADMISSION, **asked)
    assert fifth.decision is not None


def test_a_vote_to_admit_has_a_reason_where_several_decide_and_needs_none_where_one_does() -> None:
    asked: dict[str, Any] = {"pack": "p", "object_by": NOW}
    bare = Vote("m1", "admit", (), NOW)
    alone = load_pack("preschool", "taldykorgan").at(TODAY).admission

    with pytest.raises(rules.ReasonNeeded):
        steps.vote(before_the_commission(""), Step.DECIDE, bare, admission=ADMISSION, **asked)
    decided = steps.vote(before_the_commission(""), Step.DECIDE, bare, admission=alone, **asked)
    assert decided.decision is not None
    assert decided.decision.result == "admit"


def test_a_decision_carries_the_reasons_of_its_own_side_each_once() -> None:
    same = Reason("cameras", "none")
    given_votes = [
        Vote("m1", "refuse", (same,), NOW),
        Vote("m2", "admit", (Reason("note", "fine"),), NOW),
        Vote("m3", "refuse", (Reason("first-aid", "old"), same), NOW),
    ]

    assert votes.carried_by(given_votes, "refuse") == (same, Reason("first-aid", "old"))
    assert votes.carried_by(given_votes, "admit") == (Reason("note", "fine"),)


# --- papers -------------------------------------------------------------------------------------


def paper(item: str, valid_to: date | None, **said: Any) -> Shown:
    return Shown(item, said.pop("state", "ready"), "KZ-7", None, valid_to)


def ends(*days: int) -> list[Shown]:
    """Return papers that end so many days from today."""
    codes = [i.code for i in ADMISSION.items_for("sport") if i.validity_days]
    return [paper(code, TODAY + timedelta(days=n)) for code, n in zip(codes, days, strict=False)]


@pytest.mark.parametrize(
    ("in_days", "soon", "over", "look_in"),
    [
        (31, False, False, 1),
        (30, True, False, 31),
        (0, True, False, 1),
        (-1, False, True, None),
        (400, False, False, 370),
    ],
)
def test_a_papers_end_is_told_thirty_days_ahead_and_is_over_after_its_last_day(
    in_days: int, soon: bool, over: bool, look_in: int | None
) -> None:
    shown = ends(in_days)
    asked: dict[str, Any] = {"admission": ADMISSION, "today": TODAY, "direction": "sport"}

    assert bool(papers.ending_soon(shown, **asked)) is soon
    assert bool(papers.expired(shown, **asked)) is over
    look_on = papers.next_look(shown, **asked)
    assert look_on == (None if look_in is None else TODAY + timedelta(days=look_in))


def test_the_next_look_is_at_the_first_of_all_papers() -> None:
    look_on = papers.next_look(
        ends(90, 40, 300), admission=ADMISSION, today=TODAY, direction="sport"
    )

    assert look_on == TODAY + timedelta(days=10)


@given(st.lists(st.integers(-5, 80), max_size=6))
def test_looking_whenever_it_is_due_tells_every_end_and_misses_no_expiry(days: list[int]) -> None:
    shown = ends(*days)
    day: date | None = TODAY
    told: set[str] = set()
    over_on: date | None = None
    while day is not None:
        asked: dict[str, Any] = {"admission": ADMISSION, "today": day, "direction": "sport"}
        if papers.expired(shown, **asked):
            over_on = day
            break
        told |= {one.item for one in papers.ending_soon(shown, **asked)}
        day = papers.next_look(shown, **asked)

    if shown:
        first = min(one.valid_to for one in shown if one.valid_to)
        assert over_on == max(TODAY, first + timedelta(days=1))
        if over_on > TODAY:
            assert {one.item for one in shown if one.valid_to == first} <= told


def test_where_the_pack_gives_no_notice_papers_are_not_watched() -> None:
    quiet = load_pack("preschool", "taldykorgan").at(TODAY).admission
    shown = [paper("fire-safety", TODAY - timedelta(days=1))]
    asked: dict[str, Any] = {"admission": quiet, "today": TODAY, "direction": ""}

    assert papers.expired(shown, **asked) == papers.ending_soon(shown, **asked) == []
    assert papers.next_look(shown, **asked) is None


def test_a_paper_of_another_direction_or_without_an_end_is_not_watched() -> None:
    shown = [paper("first-aid", TODAY), paper("notice", None), paper("fire-safety", None)]

    watched = papers.watched(shown, ADMISSION, "creative")

    assert watched == []
    assert [one.item for one in papers.watched(shown, ADMISSION, "sport")] == ["first-aid"]


def test_a_paper_whose_length_the_rules_leave_open_is_watched_by_the_end_it_names() -> None:
    licence = paper("coach-licence", TODAY + timedelta(days=10))
    asked: dict[str, Any] = {"admission": ADMISSION, "direction": "sport"}
    item = next(one for one in ADMISSION.items if one.code == "coach-licence")

    assert item.validity_days is None
    assert papers.ending_soon([licence], today=TODAY, **asked) == [licence]
    assert papers.expired([licence], today=TODAY + timedelta(days=11), **asked) == [licence]
    with pytest.raises(rules.ChecklistUnmet) as refused:
        papers.check_one(
            replace(licence, valid_to=TODAY - timedelta(days=1)), None, today=TODAY, **asked
        )
    assert refused.value.facts["expired"] == ["coach-licence"]


def test_a_renewed_paper_takes_its_place() -> None:
    old = (paper("cameras", None), paper("first-aid", TODAY))

    renewed = papers.renewed(old, paper("first-aid", date(2028, 1, 1)))
    added = papers.renewed(renewed, paper("equipment", None))

    assert [(one.item, one.valid_to) for one in renewed] == [
        ("cameras", None),
        ("first-aid", date(2028, 1, 1)),
    ]
    assert [one.item for one in added] == ["cameras", "equipment", "first-aid"]


# --- the map ------------------------------------------------------------------------------------

KARAGANDA, ASTANA = located(49.806, 73.085), located(51.1282, 71.4307)
_POINTS = st.builds(
    Location, st.integers(40_000_000, 56_000_000), st.integers(46_000_000, 88_000_000)
)


@pytest.mark.parametrize(
    ("one", "other", "metres", "within"),
    [
        (KARAGANDA, KARAGANDA, 0, 0),
        (KARAGANDA, ASTANA, 188_000, 1_000),  # as the crow flies
        (located(49.8, 73.1), located(49.801, 73.1), 111, 1),
        (located(49.8, 73.1), located(49.8, 73.101), 72, 1),  # a degree is shorter up here
    ],
)
def test_distances_are_those_of_the_map(
    one: Location, other: Location, metres: int, within: int
) -> None:
    assert abs(distance_m(one, other) - metres) <= within


@given(_POINTS, _POINTS, _POINTS)
def test_a_distance_is_the_same_both_ways_and_never_longer_by_a_detour_less(
    one: Location, other: Location, third: Location
) -> None:
    assert distance_m(one, other) == distance_m(other, one) >= 0
    assert distance_m(one, other) <= distance_m(one, third) + distance_m(third, other) + 2


@pytest.mark.parametrize(
    ("lat", "lon"), [(39.99, 73), (56.01, 73), (49.8, 45.99), (49.8, 88.01), (-49.8, 73.1)]
)
def test_a_point_outside_kazakhstan_is_refused(lat: float, lon: float) -> None:
    with pytest.raises(rules.BadLocation):
        located(lat, lon)


@given(_POINTS)
def test_a_point_written_in_degrees_comes_back_to_the_digit(point: Location) -> None:
    assert located(point.lat_e6 / 1e6, point.lon_e6 / 1e6) == point


# --- what a family looks for --------------------------------------------------------------------

MONDAY_AT_FOUR = WeeklyLesson(1, "16:00", 60)


def club(site_id: str = "site-0001", **said: Any) -> rules.Site:
    """Return a listed sport club."""
    sport = {"programme": "clubs", "area": "karaganda", "direction": "sport"}
    return a_site(site_id=site_id, state=SiteState.LISTED, **{**sport, **said})


def judo(**said: Any) -> rules.Group:
    return a_group(
        **{"kind": "sport", "hours": "60", "activity": "judo", "times": (MONDAY_AT_FOUR,), **said}
    )


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(direction="sport"), True),
        (Wanted(direction="creative"), False),
        (Wanted(activity="judo"), True),
        (Wanted(activity="boxing"), False),
        (Wanted(weekday=1), True),
        (Wanted(weekday=2), False),
        (Wanted(starts=16 * 60), True),
        (Wanted(starts=16 * 60 + 1), False),
        (Wanted(ends=17 * 60), True),  # the end of the lesson counts
        (Wanted(ends=17 * 60 - 1), False),
        (Wanted(weekday=1, starts=15 * 60, ends=18 * 60), True),
        (Wanted(weekday=2, starts=15 * 60, ends=18 * 60), False),
        (Wanted(sen=True), False),
    ],
)
def test_a_club_is_found_by_direction_activity_and_hour(wanted: Wanted, found: bool) -> None:
    shown = showing.catalogue([club()], {"site-0001": [judo()]}, wanted)

    assert bool(shown) is found


@pytest.mark.parametrize(
    ("conditions", "group", "found"),
    [(True, False, 1), (False, True, 1), (False, False, 0), (True, True, 1)],
)
def test_sen_is_met_by_a_clubs_conditions_or_by_a_group_of_its_own(
    conditions: bool, group: bool, found: int
) -> None:
    site = club(sen_conditions=conditions)

    shown = showing.catalogue([site], {"site-0001": [judo(sen=group)]}, Wanted(sen=True))

    assert len(shown) == found


def test_a_club_without_a_timetable_answers_no_question_of_hours() -> None:
    groups = {"site-0001": [judo(times=())]}

    assert showing.catalogue([club()], groups, Wanted()) != []
    assert showing.catalogue([club()], groups, Wanted(weekday=1)) == []
    assert showing.catalogue([club()], {}, Wanted()) != []
    assert showing.catalogue([club()], {}, Wanted(activity="judo")) == []
    assert showing.catalogue([club()], {}, Wanted(sen=True)) == []
    assert showing.catalogue([club(sen_conditions=True)], {}, Wanted(sen=True)) != []


def test_the_nearest_come_first_and_those_on_no_map_are_left_out() -> None:
    sites = [
        club("site-far", name="Алатау", location=located(49.83, 73.1)),
        club("site-near", name="Ястреб", location=located(49.801, 73.1)),
        club("site-same", name="Барыс", location=located(49.801, 73.1)),
        club("site-nowhere", name="Арлан", location=None),
    ]
    here = located(49.8, 73.1)

    by_name = showing.catalogue(sites, {}, Wanted())
    near = showing.catalogue(sites, {}, Wanted(near=here))
    within = showing.catalogue(sites, {}, Wanted(near=here, within_m=200))

    assert [o.site.site_id for o in by_name] == [
        "site-far",
        "site-nowhere",
        "site-same",
        "site-near",
    ]
    assert [(o.site.site_id, o.distance_m) for o in near] == [
        ("site-same", 111),
        ("site-near", 111),
        ("site-far", 3336),
    ]
    assert [o.site.site_id for o in within] == ["site-same", "site-near"]


@given(st.lists(st.integers(0, 9_999_999), unique=True))
def test_places_in_the_catalogue_sort_as_their_distances(distances: list[int]) -> None:
    offers = [Offer(club(f"site-{n:04d}"), [], d) for n, d in enumerate(distances)]

    ordered = sorted(offers, key=showing.place)

    assert [offer.distance_m for offer in ordered] == sorted(distances)


def test_a_group_for_sen_takes_no_other_children() -> None:
    small = judo(sen=True)

    assert rules.fits(small, age=3, language="any", kind="any", sen=True)
    assert not rules.fits(small, age=3, language="any", kind="any")
    assert rules.fits(judo(), age=3, language="any", kind="sport", sen=True)
    assert not rules.fits(judo(), age=3, language="ru", kind="any")


def test_the_timetable_is_shown_as_it_was_written() -> None:
    group = judo()

    assert rules.set_times(group, (MONDAY_AT_FOUR,)) is group
    assert rules.set_times(group, ()).times == ()


def test_figures_are_summed_by_direction() -> None:
    sites = [club(), club("site-0002", direction="creative"), club("site-0003")]
    groups = {
        "site-0001": [judo(), judo(group_id="group-0002", age_to=6)],
        "site-0002": [judo(kind="creative", capacity=7)],
        "site-0003": [judo(capacity=2, open=False)],
    }

    totals = showing.by_direction(showing.figures(sites, groups))

    assert [(t.direction, t.sites, t.groups, t.places, t.free) for t in totals] == [
        ("creative", 1, 1, 7, 7),
        ("sport", 2, 3, 10, 8),
    ]


def test_a_site_counts_its_voters_of_both_rounds() -> None:
    decided = rules.Decision("refuse", (), "m3", NOW, "pack@1")
    first = rules.sites.Objection((), NOW, decided, tuple(voted("arr")))
    site = replace(club(), votes=tuple(voted("a")), objection=first, decision=decided)

    assert site.voters == {"m1", "m2", "m3"}
