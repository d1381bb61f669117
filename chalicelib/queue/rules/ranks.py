"""What a checkpoint publishes: each family its place and why, everybody the order without persons.

A rank is counted once, at the checkpoint, and read as of its instant; nothing counts it live.

In public a category with fewer than five tickets stands in one cell with its neighbours (`cells`).
Every public view uses the same cells of the same checkpoint: a sum or difference of two views never
isolates what a view alone hides.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.applications.rules import InLine, Moved, QueueEntry, draw_number, explain_moves
from chalicelib.kernel.periods import local, start_of
from chalicelib.queue.rules.cells import CELL_LEAST, Cell, Together
from chalicelib.queue.rules.engine import Outcome
from chalicelib.queue.rules.forecast import FirstForecast, Forecast
from chalicelib.queue.rules.funding import Shortage
from chalicelib.queue.rules.moves import Causes, Moves
from chalicelib.queue.rules.order import Lane, Order, Seeker, merge, undrawn
from chalicelib.queue.rules.whynot import NotThere

CHECKPOINT_HOUR = 19  # each evening, an hour after the iteration


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """How many stand ahead, by cause; they add up to the total.

    Where ages compete apart, those of the own cohort; else everybody who is served before.
    own_category: earlier in the same category; better_right: a better tier; alternation: the other
    tier of a merged line, by its turns; other_ages: other cohorts that are served before for no
    better tier.
    """

    own_category: int
    better_right: int
    alternation: int
    other_ages: int = 0

    @property
    def total(self) -> int:
        return self.own_category + self.better_right + self.alternation + self.other_ages


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """Where one application stands.

    place: in its category, 1 first, of `waiting`; older_cohorts: how many of older cohorts are
    served before, for groups that take several ages. direction, missing_tiyn: where vouchers come
    by budget, whose money it stands for and what that lacks until its turn; 0: the next run gives
    it one. intake: the one whose draw orders it; drawn: whether it is, else place is the first
    that it may become. moved: why the place is another than on the platform it was brought from.
    ordered_at: the instant that counts for order; leaf: which leaf of the published tree is its.

    step: the move since the checkpoint before, None for who did not stand there; sums: all moves
    since checkpoint number `entered`, the first of those at which it stood without a break.
    preferred: why not there, by the last run. forecast: of the month of its voucher, and the first
    that it was shown, which is held against what came.
    """

    application_id: str
    ticket: str
    tier: str
    cohort: int
    category: int
    place: int
    waiting: int
    ahead: Ahead
    older_cohorts: int
    direction: str | None = None
    missing_tiyn: int | None = None
    intake: str | None = None
    drawn: bool = True
    moved: Moved | None = None
    ordered_at: str = ""
    leaf: int = 0
    step: Moves | None = None
    sums: Causes = ()
    entered: int = 0
    preferred: tuple[NotThere, ...] = ()
    forecast: Forecast | None = None
    first_forecast: FirstForecast | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Of a rank, only where it stands: so a whole city's are put in order in little memory."""

    application_id: str
    ticket: str
    category: int
    place: int
    drawn: bool = True


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the public order: a cell's number, the place in the cell, the ticket.

    intake: whose draw orders the ticket, with the seed that is published under it; place is 0
    until it is drawn, and where categories stand together.
    """

    cell: int
    place: int
    ticket: str
    intake: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest checkpoint of a queue.

    series: under which its pages lie; pages of them by application, lists of the public order.
    cells: empty when fewer than five wait in the whole queue. told: applications whose families
    were told that their turn is near and that still stand so. shortages: what money is missing for
    everybody, as the public sees it.

    number: of the signed checkpoint in the queue's chain, 0 where it has none (older than the
    chain, or come late); then size and root of its tree, base64, the note, the run it came after.
    blind: keeps what is hidden of small queues from being tried out against the public record.
    reasons_of: the run whose reasons the ranks hold; unexplained: how many places moved without a
    known cause, an alarm. together: which categories have to stay in one cell.
    """

    checkpoint_id: str
    programme: str
    area: str
    as_of: str
    academic_year: int
    pack: str
    series: str
    pages: int
    lists: int
    waiting: int
    cells: tuple[Cell, ...] = ()
    told: tuple[str, ...] = ()
    shortages: tuple[Shortage, ...] = ()
    number: int = 0
    size: int = 0
    root: str = ""
    note: str = ""
    run_id: str | None = None
    blind: str = ""
    reasons_of: str | None = None
    unexplained: int = 0
    together: Together | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What was published under an id; asked: digest of what was asked."""

    checkpoint_id: str
    asked: str
    head: Head


def rank(
    seekers: Sequence[Seeker],
    order: Order,
    carry: Mapping[int, int],
    stands: Mapping[str, Outcome] | None = None,
) -> list[Rank]:
    """Return the rank of everybody in the merged order; children out of age have none.

    stands: where vouchers come by budget, what a run would decide now, by application.
    """
    line = merge(seekers, order, carry)
    waiting = waiting_by_category(seekers, order)
    open_draws = undrawn(seekers, order)
    lane_of = {(lane.cohort, tier): lane for lane in order.lanes for tier in lane.tiers}
    better = {tier: order.tiers[:place] for place, tier in enumerate(order.tiers)}
    in_category: dict[int, int] = {}
    in_lane: dict[Lane, int] = {}
    in_cohort: dict[int, int] = {}
    in_tier: dict[str, int] = {}
    blocks: dict[tuple[int, str], tuple[Ahead, int]] = {}
    ranks = []
    for at, index in enumerate(line.members):
        seeker = seekers[index]
        category = order.categories[seeker.tier, seeker.cohort]
        lane = lane_of[seeker.cohort, seeker.tier]
        own = in_category.get(category, 0)
        alternating = in_lane.get(lane, 0) - own
        total = in_cohort.get(seeker.cohort, 0) if order.ages_apart else at
        better_right = total - own - alternating
        if not order.ages_apart:
            # Those of a better tier who alternate with this one are counted there already.
            twins = sum(
                in_category.get(order.categories[tier, seeker.cohort], 0)
                for tier in lane.tiers
                if tier in better[seeker.tier]
            )
            better_right = sum(in_tier.get(tier, 0) for tier in better[seeker.tier]) - twins
        ahead = Ahead(
            own_category=own,
            better_right=better_right,
            alternation=alternating,
            other_ages=total - own - alternating - better_right,
        )
        older = at - total
        drawn = seeker.intake not in open_draws
        if not drawn:
            # Until the draw, whoever stands in it may become the first of them.
            block = (category, seeker.intake or "")
            ahead, older = blocks.setdefault(block, (ahead, older))
        stand = stands.get(seeker.application_id) if stands and drawn else None
        ranks.append(
            Rank(
                application_id=seeker.application_id,
                ticket=seeker.ticket,
                tier=seeker.tier,
                cohort=seeker.cohort,
                category=category,
                place=ahead.own_category + 1,
                waiting=waiting[category],
                ahead=ahead,
                older_cohorts=older,
                direction=stand.direction if stand else None,
                missing_tiyn=stand.missing_tiyn if stand else None,
                intake=seeker.intake,
                drawn=drawn,
                ordered_at=seeker.ordered_at,
            )
        )
        in_category[category] = own + 1
        in_lane[lane] = in_lane.get(lane, 0) + 1
        in_cohort[seeker.cohort] = in_cohort.get(seeker.cohort, 0) + 1
        in_tier[seeker.tier] = in_tier.get(seeker.tier, 0) + 1
    return ranks


def explained(ranks: Sequence[Rank], entries: Mapping[str, QueueEntry]) -> list[Rank]:
    """Return ranks with the reason of each change for those brought from another platform.

    ranks: in the order of serving; entries: the queue's, by application.
    """

    def stood(one: Rank) -> InLine:
        entry = entries[one.application_id]
        return InLine(
            application_id=one.application_id,
            category=one.category,
            platform=entry.platform,
            old_place=entry.old_place,
        )

    if all(entry.old_place is None for entry in entries.values()):
        return list(ranks)
    moved = explain_moves([stood(one) for one in ranks])
    return [
        replace(one, moved=moved.get(one.application_id)) if one.drawn else one for one in ranks
    ]


def waiting_by_category(seekers: Iterable[Seeker], order: Order) -> dict[int, int]:
    """Return how many wait in each category that has any."""
    counts: dict[int, int] = {}
    for seeker in seekers:
        if seeker.out_of_age is None:
            category = order.categories[seeker.tier, seeker.cohort]
            counts[category] = counts.get(category, 0) + 1
    return dict(sorted(counts.items()))


def telling_categories(order: Order, tiers: Container[str]) -> frozenset[int]:
    """Return the categories of tiers that would tell a protected status of whoever is in them."""
    return frozenset(n for (tier, _), n in order.categories.items() if tier in tiers)


def in_public_order(
    ranks: Iterable[Rank], cells: Sequence[Cell], seeds: Mapping[str, str] | None = None
) -> list[Rank]:
    """Return ranks in the public order: cell by cell, in each as it is served.

    Where categories stand together nothing may tell who is of which: neither where one ends nor who
    was served before an earlier one. There it goes by what anybody can count from a ticket alone:
    by the drawn number (seeds: of the intakes that were drawn), else by the ticket. Without cells
    it goes by category; then nobody sees it.
    """
    cell_of = _cell_of(cells)
    merged = _merged(cells)

    def stands(one: Rank) -> tuple[int, str, str, str]:
        cell = cell_of.get(one.category, 0)
        if cell in merged:
            seed = (seeds or {}).get(one.intake or "")
            number = draw_number(seed, one.ticket) if seed else ""
            return cell, one.intake or "~", number, one.ticket
        # Ranks come in the order of serving, and sorting keeps it within a category.
        return cell, "" if cell else f"{one.category:06d}", "", ""

    return sorted(ranks, key=stands)


def listed(
    ranks: Iterable[Rank], cells: Sequence[Cell], seeds: Mapping[str, str] | None = None
) -> list[Listed]:
    """Return the public order: a line for each ticket, its place where one category stands alone.

    Place is 0 where none is told: before the draw, and where categories stand together.
    """
    cell_of = _cell_of(cells)
    merged = _merged(cells)
    lines: list[Listed] = []
    places: dict[int, int] = {}
    for one in in_public_order(ranks, cells, seeds):
        cell = cell_of.get(one.category)
        if cell is None:
            continue
        places[cell] = places.get(cell, 0) + 1
        place = places[cell] if one.drawn and cell not in merged else 0
        lines.append(Listed(cell, place, one.ticket, one.intake))
    return lines


def in_exact_order(stands: Iterable[Stand]) -> list[Stand]:
    """Return everybody category by category, in each as it is served; never for the public.

    Those of an intake that is not drawn yet share a place, and go by ticket.
    """
    return sorted(stands, key=lambda one: (one.category, one.place, one.ticket))


def _cell_of(cells: Sequence[Cell]) -> dict[int, int]:
    """Return category → number of the cell that shows it."""
    return {category: n for n, cell in enumerate(cells, 1) for category in cell.categories}


def _merged(cells: Sequence[Cell]) -> set[int]:
    """Return the numbers of the cells in which several categories stand together."""
    return {n for n, cell in enumerate(cells, 1) if len(cell.categories) > 1}


def near(ranks: Iterable[Rank], *, ahead_max: int) -> list[str]:
    """Return the applications whose turn is near: at most so many ahead, and money for them.

    Nobody's turn is near before the draw that decides it.
    """
    return [
        one.application_id
        for one in ranks
        if one.drawn and not one.missing_tiyn and one.ahead.total <= ahead_max
    ]


def public_shortages(all_of_them: Sequence[Shortage]) -> tuple[Shortage, ...]:
    """Return what money is missing as the public sees it.

    A sum tells how many it is for: a direction for which 1 to 4 wait hides all of them, so that
    no difference of sums shows it.
    """
    if any(0 < (one.waiting or 0) < CELL_LEAST for one in all_of_them):
        return tuple(Shortage(one.direction, None, None) for one in all_of_them)
    return tuple(all_of_them)


def next_checkpoint(now: datetime) -> datetime:
    """Return the instant of the next evening's checkpoint, in UTC."""
    here = local(now)
    day = here.date()
    if here.hour >= CHECKPOINT_HOUR:
        day += timedelta(days=1)
    return start_of(day) + timedelta(hours=CHECKPOINT_HOUR)
