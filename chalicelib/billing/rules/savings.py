"""What was not paid, and why: sums that were blocked, sums that were taken back, by period.

Published savings of such programmes differ by method, so a sum stands here only with its formula:

    list_based - due = blocked + held
    saved            = blocked + beyond_list

`list_based` is what payment by list would cost. `blocked`: units that earn nothing, by reason, what
they would have brought. `held`: units that wait for somebody's decision; they may be paid yet and
are not counted as saved. `reversed`: what a later statement took back of an earlier one and no
still later one gave again, by its cause. A unit taken back is on the list, so its sum stands among
blocked or held under its own reason already; only what is on no list any more (the child was not
there at all, the rate was lowered) is added, as `beyond_list`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from chalicelib.billing.rules.figures import rows_of
from chalicelib.billing.rules.pricing import HELD, Line
from chalicelib.billing.rules.statements import SiteMonth, Statement


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What statements of a provider-month took back and did not give again, by cause.

    beyond_list_tiyn: of it, what is on no list any more.
    """

    reversed_tiyn: dict[str, int] = field(default_factory=dict)
    beyond_list_tiyn: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Savings:
    """Sums of one direction in one month; direction: "" in a programme that has none.

    providers, children, child_days: those whose month was billed; small providers that stand in no
    public row are in none of these numbers.
    """

    direction: str
    providers: int = 0
    children: int = 0
    child_days: int = 0
    list_based_tiyn: int = 0
    due_tiyn: int = 0
    blocked_tiyn: dict[str, int] = field(default_factory=dict)
    held_tiyn: dict[str, int] = field(default_factory=dict)
    reversed_tiyn: dict[str, int] = field(default_factory=dict)
    beyond_list_tiyn: dict[str, int] = field(default_factory=dict)

    @property
    def saved_tiyn(self) -> int:
        """Return what was saved: blocked, and taken back of what is on no list."""
        return sum(self.blocked_tiyn.values()) + sum(self.beyond_list_tiyn.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedMonth:
    """What an area's month saved, by direction. as_of: since when these sums stand."""

    programme: str
    area: str
    month: str
    as_of: str
    savings: tuple[Savings, ...] = field(default=())


@dataclass(slots=True)
class _Taken:
    """One taking back of a child's line, as far as it still stands."""

    cause: str
    listed_tiyn: int
    beyond_tiyn: int


def taken_back(statements: Iterable[Statement]) -> TakenBack:
    """Return what the statements of one provider-month took back and did not give again.

    What is given again fills the newest taking first, and of that the part that is on the list.
    """
    lines: dict[str, Line] = {}
    taken: dict[str, list[_Taken]] = {}
    for statement in sorted(statements, key=lambda s: s.number):
        for stated in statement.lines:
            child_id, movement = stated.line.child_id, stated.movement_tiyn
            before = lines.get(child_id)
            of_child = taken.setdefault(child_id, [])
            if movement < 0:
                withheld = sum(stated.line.withheld_tiyn.values())
                earlier = sum(before.withheld_tiyn.values()) if before else 0
                listed = min(-movement, max(0, withheld - earlier))
                of_child.append(_Taken(stated.cause, listed, -movement - listed))
            else:
                _give_again(of_child, movement)
            lines[child_id] = stated.line
    reversed_: Counter[str] = Counter()
    beyond: Counter[str] = Counter()
    for of_child in taken.values():
        for one in of_child:
            reversed_[one.cause] += one.listed_tiyn + one.beyond_tiyn
            beyond[one.cause] += one.beyond_tiyn
    return TakenBack(_sums(reversed_), _sums(beyond))


def _give_again(taken: list[_Taken], tiyn: int) -> None:
    for one in reversed(taken):
        listed = min(tiyn, one.listed_tiyn)
        beyond = min(tiyn - listed, one.beyond_tiyn)
        one.listed_tiyn -= listed
        one.beyond_tiyn -= beyond
        tiyn -= listed + beyond


def savings_of(heads: Iterable[SiteMonth], taken: Mapping[str, TakenBack]) -> tuple[Savings, ...]:
    """Return an area's month by direction, of the providers that stand in public rows.

    taken: by site, of those that took anything back.
    """
    known = {head.site_id: head for head in heads}
    by_direction: dict[str, list[SiteMonth]] = {}
    for row in rows_of(known.values()):
        by_direction.setdefault(row.direction, []).extend(known[s] for s in row.site_ids)
    return tuple(
        _sum_of(direction, of_direction, taken)
        for direction, of_direction in sorted(by_direction.items())
    )


def _sum_of(direction: str, heads: Iterable[SiteMonth], taken: Mapping[str, TakenBack]) -> Savings:
    every = list(heads)
    withheld: Counter[str] = Counter()
    reversed_: Counter[str] = Counter()
    beyond: Counter[str] = Counter()
    for head in every:
        withheld.update(head.withheld_tiyn)
        back = taken.get(head.site_id, TakenBack())
        reversed_.update(back.reversed_tiyn)
        beyond.update(back.beyond_list_tiyn)
    due = sum(head.due_tiyn for head in every)
    return Savings(
        direction=direction,
        providers=len(every),
        children=sum(head.children for head in every),
        child_days=sum(head.child_days for head in every),
        list_based_tiyn=due + sum(withheld.values()),
        due_tiyn=due,
        blocked_tiyn=_sums({r: t for r, t in withheld.items() if r not in HELD}),
        held_tiyn=_sums({r: t for r, t in withheld.items() if r in HELD}),
        reversed_tiyn=_sums(reversed_),
        beyond_list_tiyn=_sums(beyond),
    )


def together(savings: Iterable[Savings], direction: str = "") -> Savings:
    """Return the sum of several; the numbers of providers and children are of child-months then."""
    every = list(savings)
    sums: dict[str, Counter[str]] = {name: Counter() for name in _BY_REASON}
    for one in every:
        for name, counter in sums.items():
            counter.update(getattr(one, name))
    return Savings(
        direction=direction,
        providers=sum(one.providers for one in every),
        children=sum(one.children for one in every),
        child_days=sum(one.child_days for one in every),
        list_based_tiyn=sum(one.list_based_tiyn for one in every),
        due_tiyn=sum(one.due_tiyn for one in every),
        **{name: _sums(counter) for name, counter in sums.items()},
    )


_BY_REASON = ("blocked_tiyn", "held_tiyn", "reversed_tiyn", "beyond_list_tiyn")


def _sums(by_reason: Mapping[str, int]) -> dict[str, int]:
    return {reason: tiyn for reason, tiyn in sorted(by_reason.items()) if tiyn}
