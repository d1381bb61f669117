"""What the public sees of billing: child-days and sums per provider and month, and savings.

Savings are the difference to payment by list, and always shown with the formula: list-based is the
full monthly rate of every child enrolled on any day of the month, or, where a unit has its price,
the price of every unit planned for a child; savings are the sum, over units that were not paid, of
what they would have brought, by reason. Directions are shown apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chalicelib.billing.rules.judging import BY_THE_MONTH
from chalicelib.billing.rules.pricing import Line
from chalicelib.billing.rules.statements import SiteMonth

FEWEST_SHOWN = 5
FORMULA = (
    "list_based = sum of the full monthly rate of each enrolled child; "
    "savings = list_based - due = sum over unpaid and held working days of rate / working days, "
    "by reason"
)
FORMULA_PER_UNIT = (
    "list_based = sum of rate x coefficients over each unit planned for an enrolled child; "
    "savings = list_based - due = sum over unpaid and held units of rate x coefficients, "
    "by reason; over-month-cap is what lies above the child's month cap"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One provider's public figures of a month; site_id is None for several small ones together.

    child_days: units that earned, days or lessons. direction: "" in a programme that has none.
    """

    site_id: str | None
    children: int
    child_days: int
    posted_tiyn: int
    due_tiyn: int
    list_based_tiyn: int
    savings_tiyn: dict[str, int] = field(default_factory=dict)
    direction: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """Providers of one direction in one public row; site_id names one that stands alone."""

    direction: str
    site_id: str | None
    site_ids: tuple[str, ...]


def formula_of(pays: str) -> str:
    """Return how savings are reckoned, by what the programme pays."""
    return FORMULA if pays == BY_THE_MONTH else FORMULA_PER_UNIT


def with_due(head: SiteMonth, lines: Iterable[Line]) -> SiteMonth:
    """Return the head with the figures of what is due now."""
    children = child_days = due_tiyn = 0
    unpaid: Counter[str] = Counter()
    withheld: Counter[str] = Counter()
    for line in lines:
        children += 1
        child_days += sum(line.payable.values())
        due_tiyn += line.accrual_tiyn
        unpaid.update(line.unpaid)
        withheld.update(line.withheld_tiyn)
    return replace(
        head,
        children=children,
        child_days=child_days,
        due_tiyn=due_tiyn,
        unpaid=dict(sorted(unpaid.items())),
        withheld_tiyn=dict(sorted(withheld.items())),
    )


def figure_of(head: SiteMonth) -> Figure:
    """Return one provider's figures."""
    return Figure(
        site_id=head.site_id,
        children=head.children,
        child_days=head.child_days,
        posted_tiyn=head.posted_tiyn,
        due_tiyn=head.due_tiyn,
        list_based_tiyn=head.due_tiyn + sum(head.withheld_tiyn.values()),
        savings_tiyn=dict(head.withheld_tiyn),
        direction=head.direction,
    )


def public(heads: Iterable[SiteMonth]) -> tuple[Figure, ...]:
    """Return what may be shown: providers with fewer than five children stand together."""
    known = {head.site_id: head for head in heads}
    return tuple(
        figure_of(known[row.site_id])
        if row.site_id
        else together([figure_of(known[site_id]) for site_id in row.site_ids], row.direction)
        for row in rows_of(known.values())
    )


def rows_of(heads: Iterable[SiteMonth]) -> list[Shown]:
    """Return the public rows of a month, direction by direction: totals of one are public too."""
    by_direction: dict[str, dict[str, int]] = {}
    for head in heads:
        by_direction.setdefault(head.direction, {})[head.site_id] = head.children
    return [
        Shown(direction, name, site_ids)
        for direction, children in sorted(by_direction.items())
        for name, site_ids in groups(children)
    ]


def groups(children: Mapping[str, int]) -> list[tuple[str | None, tuple[str, ...]]]:
    """Return which providers are shown alone (by id) and which together (None), last.

    The row of small ones takes in the next smallest provider until it speaks of five children, so
    that no difference of totals reveals a small one; if even all do not reach five, none is shown.
    Nor may it have one reading: four in each, or a provider of five known to be the one taken in.
    """
    by_size = sorted((count, site_id) for site_id, count in children.items() if count)
    small = [(count, site_id) for count, site_id in by_size if count < FEWEST_SHOWN]
    large = [(count, site_id) for count, site_id in by_size if count >= FEWEST_SHOWN]
    if _is_plain(small):
        while large and (_is_plain(small) or small[-1][0] == large[0][0]):
            small.append(large.pop(0))
    if _is_plain(small):
        small = []
    alone: list[tuple[str | None, tuple[str, ...]]] = [
        (site_id, (site_id,)) for site_id in sorted(site_id for _, site_id in large)
    ]
    return [*alone, *([(None, tuple(site_id for _, site_id in small))] if small else [])]


def _is_plain(small: Sequence[tuple[int, str]]) -> bool:
    """Return whether a row of small providers says what one of them has."""
    whole = sum(count for count, _ in small)
    return bool(small) and (whole < FEWEST_SHOWN or whole == (FEWEST_SHOWN - 1) * len(small))


def together(figures: Sequence[Figure], direction: str) -> Figure:
    """Return the sum of a direction's figures, without a site."""
    savings: Counter[str] = Counter()
    for figure in figures:
        savings.update(figure.savings_tiyn)
    return Figure(
        site_id=None,
        children=sum(f.children for f in figures),
        child_days=sum(f.child_days for f in figures),
        posted_tiyn=sum(f.posted_tiyn for f in figures),
        due_tiyn=sum(f.due_tiyn for f in figures),
        list_based_tiyn=sum(f.list_based_tiyn for f in figures),
        savings_tiyn=dict(sorted(savings.items())),
        direction=direction,
    )
