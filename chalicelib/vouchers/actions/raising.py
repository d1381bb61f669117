"""A department records that a child in its programme has special needs, after the voucher's issue.

Nobody else reads of it: the family and the provider are told that other financing applies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from chalicelib.access import actions as access
from chalicelib.budgets import actions as budgets
from chalicelib.children import store as people
from chalicelib.children.rules import swap
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.ids import new_id
from chalicelib.kernel.periods import Month, local_day, shown_day, stamp
from chalicelib.policy.rules import NoRuleInForce, Pack
from chalicelib.providers import store as providers
from chalicelib.storage.commit import Write, settles
from chalicelib.storage.secrets import fingerprint
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import rules, store
from chalicelib.vouchers.actions import change, enrolments
from chalicelib.vouchers.rules import Enrolment, Voucher


@dataclass(frozen=True, slots=True)
class Raise:
    """What a voucher was raised to: the voucher and the enrolment it pays, if it pays one."""

    voucher: Voucher
    enrolment: Enrolment | None


@settles
def raise_financing(
    voucher_id: str,
    act: str,
    from_on: date | None,
    *,
    by: Actor,
    now: datetime,
    name_enrolment: Callable[[], str] = new_id,
) -> Raise:
    """Record special needs of a child with a voucher; the same again gets the same answer.

    act: the conclusion's number and day. By the department that serves the area and the direction
    of the club, of the voucher where no club is chosen. Raises Unknown, AnotherContent,
    WrongState, NoRaise, BadStart, BudgetShort.
    """
    kept = store.load_voucher(voucher_id)
    voucher = kept.value
    _check_serves(voucher, by)
    asked = fingerprint([act, from_on])
    current = None
    if voucher.enrolment_id is not None:
        current = store.load_enrolment(voucher.site_id or "", voucher.enrolment_id)
    if rules.raised_already(voucher, asked):
        return Raise(voucher, current.value if current else None)
    rules.may(voucher, "raise")
    pack = change.pack_of(voucher)

    raised = rules.raise_financing(
        voucher,
        current.value if current else None,
        enrolment_id=name_enrolment(),
        from_on=from_on,
        month_tiyn=_month_tiyn(voucher, pack, local_day(now)),
        asked=asked,
        now=now,
    )

    mark = kept.version + 1
    own, rest = change.puts(change.writes(kept, raised.voucher, now=now))
    if raised.more:
        rest += budgets.reserving(f"raise#{voucher_id}#{mark}", raised.more, at=stamp(now))
    begins = raised.started.starts_on if raised.started else from_on
    shown = shown_day(begins or local_day(now) + rules.ONE_DAY)
    journal.commit(
        journal.entry(
            "vouchers/raised",
            f"voucher/{voucher_id}",
            by=by,
            now=now,
            pack=pack.version,
            act=act,
            enrolment_id=raised.started.enrolment_id if raised.started else None,
            reserved_tiyn=sum(each.total_tiyn for each in raised.more),
        ),
        own,
        *rest,
        *_continued(current, raised, now=now),
        *change.tell(raised.voucher, "raised", mark, now=now, from_on=shown),
        *_head_told(raised, mark, shown, now=now),
    )
    return Raise(raised.voucher, raised.started)


def _check_serves(voucher: Voucher, by: Actor) -> None:
    """Raise Unknown for a department of another area or direction."""
    direction = voucher.direction
    if voucher.site_id is not None:
        direction = providers.load_site(voucher.site_id).value.direction
    access.demand(by, area=voucher.area, direction=direction)


def _month_tiyn(voucher: Voucher, pack: Pack, today: date) -> int:
    """Return what a month of such a child may cost, by the rules of today and of the last month.

    0 where the voucher holds no money. Raises NoRaise where no rate is raised.
    """
    in_force = pack.at(today)
    if all(rate.sen_per_mille == 1000 for rate in in_force.rates):
        raise rules.NoRaise(programme=voucher.programme)
    if not rules.reserves_of(voucher):
        return 0
    most = in_force.month_max_tiyn(True)
    if voucher.reserved_to is not None:
        try:
            later = pack.at(Month.parse(voucher.reserved_to).first)
        except NoRuleInForce:
            return most
        most = max(most, later.month_max_tiyn(True))
    return most


def _continued(
    current: Kept[Enrolment] | None, raised: rules.Raised, *, now: datetime
) -> list[Write]:
    """Describe the enrolment that ends and the one that goes on in its seat."""
    if current is None or raised.ended is None or raised.started is None:
        return []
    ended, started = raised.ended, raised.started
    holdings = people.load_holdings(started.child_id)
    held = swap(holdings.value, ended.enrolment_id, enrolments.holding(started, now))
    return [
        store.keep_enrolment(current, ended),
        store.create_enrolment(started),
        *enrolments.rosters([started], [ended], now=now),
        enrolments.stays([started], [ended], began="transfer"),
        people.keep_holdings(holdings, held),
    ]


def _head_told(raised: rules.Raised, mark: int, shown: str, *, now: datetime) -> list[Write]:
    voucher = raised.voucher
    if voucher.organisation_id is None or voucher.group_id is None:
        return []
    names = change.named(providers.load_group(voucher.group_id).value)
    return [
        change.tell_head(
            voucher.organisation_id, voucher, "raised-here", mark, now=now, **names, from_on=shown
        )
    ]
