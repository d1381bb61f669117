"""B15: public tables never reveal a child: no group of 1 to 4 can be read from what is published.

The attacker here knows everything but the counts: the code, every rule of merging, which
categories, providers and topics there are. They try all counts: of those that would have published
the very same, does any group of 1 to 4 have one value only? Then it is told, and the rule is
broken. This covers every sum and difference of a table: all are made of what it publishes.

Over HTTP the tables of a played year are then searched for small numbers, across routes and days.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from chalicelib.access import actions as access
from chalicelib.billing.rules import figures as billing
from chalicelib.billing.rules.statements import SiteMonth
from chalicelib.complaints import rules as complaints
from chalicelib.complaints.rules import Counts
from chalicelib.edge.routes import operations
from chalicelib.kernel.periods import Month
from chalicelib.payouts.actions.clock import region_of
from chalicelib.payouts.rules.clock import Held, SiteClock
from chalicelib.policy.actions import load_pack
from chalicelib.queue.rules.cells import cells_of
from chalicelib.queue.rules.funding import Shortage
from chalicelib.queue.rules.ranks import public_shortages
from tests.promises.script import City

FEW = range(1, 5)
Reading = tuple[int, ...]


def told(
    readings: Iterable[Reading], publish: Callable[[Reading], Hashable]
) -> list[tuple[Hashable, int, int]]:
    """Return (published, position, count) of every small group that a publication gives away."""
    alike: dict[Hashable, list[Reading]] = defaultdict(list)
    for reading in readings:
        alike[publish(reading)].append(reading)
    found = []
    for published, possible in alike.items():
        for position in range(len(possible[0])):
            values = {reading[position] for reading in possible}
            if len(values) == 1 and next(iter(values)) in FEW:
                found.append((published, position, next(iter(values))))
    return found


def upto(groups: int, total: int) -> list[Reading]:
    """Return all counts of some groups that add up to a total at most."""
    return [
        reading
        for reading in itertools.product(range(total + 1), repeat=groups)
        if sum(reading) <= total
    ]


SIZES = [(1, 12), (2, 18), (3, 18), (4, 16), (5, 12)]


def test_the_attacker_finds_what_a_careless_table_tells() -> None:
    naked = told(upto(2, 8), lambda reading: reading)
    only_the_small_one_hidden = told(
        upto(3, 14), lambda r: (sum(r), tuple(n if n >= 5 or n == 0 else None for n in r))
    )

    assert naked
    assert only_the_small_one_hidden  # the total gives it back


@pytest.mark.parametrize(("groups", "total"), SIZES)
def test_b15_no_small_category_of_the_queue_is_told(groups: int, total: int) -> None:
    def publish(reading: Reading) -> Hashable:
        waiting = dict(enumerate(reading, start=1))
        return tuple((cell.categories, cell.waiting) for cell in cells_of(waiting))

    # What is hidden whole leaves the total open, so nothing bounds it here either.
    assert [one for one in told(upto(groups, total), publish) if one[0]] == []


@pytest.mark.parametrize(("groups", "total"), SIZES)
def test_b15_no_small_provider_is_told_by_billing_or_payouts(groups: int, total: int) -> None:
    def publish(reading: Reading) -> Hashable:
        heads = [head(f"site-{n}", count) for n, count in enumerate(reading)]
        return tuple((one.site_id, one.children, one.posted_tiyn) for one in billing.public(heads))

    assert [one for one in told(upto(groups, total), publish) if one[0]] == []


def test_b15_billing_and_payouts_show_the_same_rows_so_no_difference_isolates_one() -> None:
    for reading in upto(4, 14):
        heads = [head(f"site-{n}", count) for n, count in enumerate(reading)]
        shown = [one.site_id for one in billing.public(heads)]
        assert shown == [row.site_id for row in billing.rows_of(heads)]


@pytest.mark.parametrize(("groups", "total"), SIZES)
def test_b15_no_small_provider_is_told_by_the_clock(groups: int, total: int) -> None:
    def publish(reading: Reading) -> Hashable:
        sites = [
            SiteClock(
                site_id=f"site-{n}",
                organisation_id="organisation",
                programme="preschool",
                area="taldykorgan",
                month="2026-10",
                as_of="",
                children=count,
                earners=count,
                due_tiyn=count * 100,
                closed=True,
            )
            for n, count in enumerate(reading)
        ]
        return clock_told(sites, date(2026, 11, 12))

    assert [one for one in told(upto(groups, total), publish) if one[0]] == []


def test_b15_no_small_step_of_a_provider_is_told_by_the_clock() -> None:
    """Of one provider's children each stands at one of three steps; money tells how many."""

    def publish(reading: Reading) -> Hashable:
        unsaid, confirmed, disputed = reading
        site = SiteClock(
            site_id="site-0",
            organisation_id="organisation",
            programme="preschool",
            area="taldykorgan",
            month="2026-10",
            as_of="",
            children=sum(reading),
            earners=confirmed,
            due_tiyn=confirmed * 100,
            closed=True,
            held=tuple(
                Held(reason, count, count, count * 100)
                for reason, count in (("undecided", unsaid), ("disputed", disputed))
                if count
            ),
        )
        return clock_told([site], date(2026, 11, 5))

    # What a provider has in all is told from five on; so are three of them where all are at one
    # step. Of fewer, nothing is.
    readings = [reading for reading in upto(3, 16) if sum(reading) >= 5]
    assert [one for one in told(readings, publish) if one[0]] == []


def clock_told(sites: Sequence[SiteClock], today: date) -> Hashable:
    """Return what the clock publishes of an area, to its last day and sum."""
    pack = load_pack("preschool", "taldykorgan")
    region = region_of(pack, Month(2026, 10), sites, [], today=today)
    late = [(one.site_id, one.cell.step, one.cell.tiyn) for one in region.overdue]
    return tuple((cell.step, cell.tiyn) for cell in region.steps), tuple(late)


@pytest.mark.parametrize(("groups", "total"), SIZES)
def test_b15_no_small_topic_of_complaints_is_told(groups: int, total: int) -> None:
    def publish(reading: Reading) -> Hashable:
        counts = [
            Counts(topic=f"topic-{n}", received=count, late=count)
            for n, count in enumerate(reading)
        ]
        return tuple((one.topic, one.received) for one in complaints.public(counts))

    assert [one for one in told(upto(groups, total), publish) if one[0]] == []


def test_b15_no_small_outcome_of_complaints_is_told() -> None:
    def publish(reading: Reading) -> Hashable:
        in_time, late, withdrawn, more = reading
        counts = Counts(
            topic="queue",
            received=in_time + late + withdrawn,
            in_time=in_time,
            late=late,
            withdrawn=withdrawn,
            escalated=late + min(more, in_time),  # a late one always goes further
        )
        return complaints.public([counts])

    parts = [reading for reading in upto(3, 14) if sum(reading) >= 5]
    readings = [(*part, more) for part in parts for more in range(part[0] + 1)]

    assert [one for one in told(readings, publish) if one[1] < 3] == []


def test_b15_no_small_direction_is_told_by_the_money_it_lacks() -> None:
    def publish(reading: Reading) -> Hashable:
        every = [Shortage(f"direction-{n}", count, count * 100) for n, count in enumerate(reading)]
        return tuple(
            (one.direction, one.waiting, one.missing_tiyn) for one in public_shortages(every)
        )

    assert told(upto(3, 16), publish) == []


def test_b15_two_days_of_a_month_of_complaints_never_differ() -> None:
    """What happens after a month is shown changes nothing in it: no difference isolates anybody."""
    calendar = load_pack("preschool", "taldykorgan").calendar
    from chalicelib.complaints import store

    term = store.book().term(date(2026, 3, 31))
    shown_from = complaints.published_on(Month(2026, 3), term=term, calendar=calendar)
    last_end = calendar.add_working_days(date(2026, 3, 31), term.answer_working_days)

    assert shown_from > last_end + timedelta(days=1)


# --- over HTTP


# What may be read without a sign-in, and why it tells of no child. A new public route must be put
# here or be judged above.
PUBLIC = {
    "/clock": "a page without data",
    "/docs": "nobody's data",
    "/savings": "a page without data",
    "/v1/access/figures": "acts of officers, not of families",
    "/v1/applications/intakes": "windows: dates and a beacon",
    "/v1/applications/intakes/{intake_id}": "windows: dates and a beacon",
    "/v1/billing/calculation": "reckons with what the caller names, by rates alone; reads no child",
    "/v1/billing/figures": "judged",
    "/v1/billing/savings": "sums of the judged rows of figures (test_savings)",
    "/v1/billing/self-audit": "an area's sum of what differs; how many statements",
    "/v1/budgets/{programme}/{area}/{year}/figures": "judged",
    "/v1/complaints/figures": "judged",
    "/v1/complaints/tickets/{ticket}": "one's own ticket, random; state and dates only",
    "/v1/complaints/topics": "nobody's data",
    "/v1/lessons/groups/{group_id}/months/{month}": "timetables of groups",
    "/v1/openapi.json": "nobody's data",
    "/v1/payouts/clock": "judged",
    "/v1/payouts/figures": "judged",
    "/v1/policy/packs": "nobody's data",
    "/v1/policy/packs/{programme}/{area}": "nobody's data",
    "/v1/problems/{slice_name}/{name}": "nobody's data",
    "/v1/providers/catalogue": "places: how many are free is what families look for",
    "/v1/providers/figures": "places: how many are free is what families look for",
    "/v1/providers/sites/{site_id}": "a provider, its teachers by name as the acts ask",
    "/v1/queue/checkpoint": "roots and digests of the judged order",
    "/v1/queue/checkpoints": "roots and digests of the judged order",
    "/v1/queue/checkpoints/{checkpoint_id}": "roots and digests of the judged order",
    "/v1/queue/figures": "judged",
    "/v1/queue/files/{programme}/{area}/{name}": "numbers and instants of checkpoints and runs",
    "/v1/queue/files/{programme}/{area}/{of}/{name}": "the judged order (test_b15_queue)",
    "/v1/queue/files/{programme}/{area}/{of}/{run}/{name}": "judged (test_bundles_hide)",
    "/v1/queue/forecasts": "renewed when each figure grows by none or by five and more",
    "/v1/queue/order": "tickets, in the judged cells",
    "/v1/queue/runs": "runs of an area: how many vouchers, by instant",
    "/v1/queue/runs/{run_id}/bundle": "judged (test_bundles_hide)",
    "/v1/ratings/sites/{site_id}": "in whole steps of five, so that no two views differ by one",
    "/v1/record/checkpoint": "digests",
    "/v1/record/keys": "keys",
    "/v1/record/proofs/consistency": "digests",
    "/v1/record/proofs/inclusion": "digests",
    "/v1/record/tile/{level}/{n}": "digests",
    "/v1/record/tile/{level}/{n}/{m}": "digests",
    "/v1/record/tile/{level}/{n}/{m}/{o}": "digests",
    "/v1/record/tile/{level}/{n}/{m}/{o}/{width}": "digests",
    "/verify": "a page without data",
}


def test_b15_every_public_page_was_thought_of() -> None:
    public = {o.path for o in operations() if o.method == "GET" and access.may_be_anybody(o.action)}

    assert sorted(public - PUBLIC.keys()) == [], "judge it above, or say why it tells of no child"
    assert sorted(PUBLIC.keys() - public) == []


def test_b15_a_played_year_shows_no_small_group(city: City) -> None:
    """Whatever a small city did, its public tables name no group of 1 to 4 children."""
    city.play()
    cloud, here = city.cloud, city.here

    for name, path, query in pages(city):
        said = cloud.get(path, query=query)
        assert said.status in (200, 409), f"{path}: {said.text[:300]}"
        if said.status == 200:
            assert list(small(said.json)) == [], name
    order = cloud.get("/v1/queue/order", query=here)
    assert order.status == 200, order.text[:300]
    cells = Counter(line["cell"] for line in order.json["lines"])
    assert [cell for cell, count in cells.items() if count in FEW] == []


def pages(city: City) -> Sequence[tuple[str, str, dict[str, str]]]:
    """Return the public tables of children of the year that was played."""
    here = dict(city.here)
    found = [("queue", "/v1/queue/figures", here)]
    for month in ("2026-09", "2026-10"):
        for name in ("billing", "payouts", "complaints"):
            found.append((name, f"/v1/{name}/figures", {**here, "month": month}))
        found.append(("clock", "/v1/payouts/clock", {**here, "month": month}))
    return found


COUNTED = frozenset({"children", "waiting", "received", "child_days"})


def small(value: Any, name: str = "") -> Iterable[tuple[str, int]]:
    """Yield each number of children, or of what is theirs, that is 1 to 4."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from small(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from small(inner, name)
    elif isinstance(value, int) and name in COUNTED and value in FEW:
        yield name, value


def head(site_id: str, children: int) -> SiteMonth:
    """Return a provider's month with so many children, all alike."""
    return SiteMonth(
        site_id=site_id,
        organisation_id="organisation",
        programme="preschool",
        area="taldykorgan",
        month="2026-10",
        children=children,
        posted_tiyn=children * 100,
    )
