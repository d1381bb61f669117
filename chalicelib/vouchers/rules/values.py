"""What a voucher, an enrolment and a roster are, as they are stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from chalicelib.children.rules import Provenance

VoucherState = Literal[
    "issued", "confirmed", "used", "lapsed", "refused", "returned", "closed", "cancelled"
]
PapersResult = Literal["brought", "accepted", "refused"]
Began = Literal["contract", "transfer"]
# The first three are asked for by people; the others happen by themselves or by an officer's act.
Closing = Literal[
    "withdrawal",
    "graduation",
    "exclusion",
    "no-first-visit",
    "no-visits",
    "not-renewed",
    "fraud",
]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A waiting list this voucher stands on; while an offer is open its seat is reserved.

    standing: its holder is to be moved there when it is its turn, without being asked again.
    """

    group_id: str
    state: Literal["waiting", "offered"] = "waiting"
    offered_until: str | None = None
    standing: bool = False


@dataclass(frozen=True, slots=True)
class Leaving:
    """A seat that is still used until its last day, included, and is freed after it."""

    group_id: str
    until: date
    enrolment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """One child's entitlement in one programme.

    order: the place in the merged queue at issue, text that sorts as places do.
    age: completed years on the first day of `academic_year`.
    group_id, site_id, organisation_id: the seat this voucher holds; seat says how.
    paused_since: papers were refused then, and the contract clock stands still since.
    transfers: the months, YYYY-MM, in which a counted transfer took effect.
    closed_as: why a used voucher was closed.
    voucher_kind: one of the pack's. direction: whose budget holds the reserve, "" where budgets
    have none; reserve_tiyn: so much in each month from reserved_from to reserved_to, "YYYY-MM".
    first_visit_by: when the first visit is due. used_from: the first month that may hold days
    at a provider, None before the first contract. sen: paid for as a child with special needs.
    renewed_from, renewed_tiyn: the sum of the months from the last renewal on.
    warned_of: the last reserved month, told of because no money is there for those after it.
    raised: digest of the request that made it one for special needs after its issue.
    asked: digest of the request that a voucher without a run was issued for. source: the row of
    the platform it was taken over from. cancelled: digest of the decision that ended it for fraud.
    waiting: as its holder wishes, the dearest first. moved_in: the last run that moved it there by
    a standing wish.
    """

    voucher_id: str
    application_id: str
    child_id: str
    person_id: str
    programme: str
    area: str
    age: int
    academic_year: int
    language: str
    kind: str
    order: str
    state: VoucherState
    issued_at: str
    confirm_by: str
    run_id: str
    pack: str
    preferences: tuple[str, ...] = ()
    contract_by: str | None = None
    group_id: str | None = None
    site_id: str | None = None
    organisation_id: str | None = None
    seat: Literal["reserved", "used"] | None = None
    waiting: tuple[Waiting, ...] = ()
    papers: Literal["none", "accepted", "refused"] = "none"
    papers_reason: str | None = None
    paused_since: str | None = None
    enrolment_id: str | None = None
    transfers: tuple[str, ...] = ()
    leaving: tuple[Leaving, ...] = ()
    closed_as: Closing | None = None
    voucher_kind: str = ""
    direction: str = ""
    sen: bool = False
    reserve_tiyn: int = 0
    reserved_from: str | None = None
    reserved_to: str | None = None
    first_visit_by: str | None = None
    used_from: str | None = None
    renewed_from: str | None = None
    renewed_tiyn: int = 0
    warned_of: str | None = None
    asked: str = ""
    raised: str = ""
    source: Provenance | None = None
    cancelled: str = ""
    moved_in: str = ""


@dataclass(frozen=True, slots=True)
class Used:
    """What a platform that closed has paid of a month, "YYYY-MM", and its limit of that month."""

    month: str
    used_tiyn: int
    limit_tiyn: int


@dataclass(frozen=True, slots=True)
class Reserved:
    """A live voucher in its area's list of those that hold money, in the order of the vouchers.

    reserved_to: the last month it holds money in; the list is asked by it.
    """

    voucher_id: str
    order: str
    direction: str
    reserved_to: str
    warned: bool = False


@dataclass(frozen=True, slots=True)
class Waiter:
    """A row of a group's waiting list; its key sorts by the voucher's order.

    standing: to be moved without being asked. Then own is the group it holds a seat in, and wishes
    are all groups it is to be moved to, best first; a chain of moves is planned from these rows.
    """

    group_id: str
    voucher_id: str
    order: str
    state: Literal["waiting", "offered"] = "waiting"
    standing: bool = False
    own: str | None = None
    wishes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """A voucher in its area's list of those to be moved when it is their turn."""

    voucher_id: str
    order: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """A child's days at one group, paid by one voucher; both ends are included.

    state "ended": the end is settled, though its day may still lie ahead. An enrolment cancelled
    before it began ends on the day before its start and has no days.
    kind, hours: the group's; for a club its direction and the minutes of a lesson. sen: financed
    as a child with special needs. used_month, used_tiyn: what a platform that closed has paid of
    that month already; it follows the child through the month.
    """

    enrolment_id: str
    voucher_id: str
    child_id: str
    person_id: str
    programme: str
    area: str
    organisation_id: str
    site_id: str
    group_id: str
    kind: str
    hours: str
    locality: str
    starts_on: date
    ends_on: date | None = None
    state: Literal["active", "ended"] = "active"
    reason: str | None = None
    application_id: str = ""
    activity: str = ""
    sen: bool = False
    used_month: str | None = None
    used_tiyn: int = 0

    @property
    def held(self) -> bool:
        """Return whether it has any day."""
        return self.ends_on is None or self.ends_on >= self.starts_on

    @property
    def sort(self) -> str:
        """Return the sort of group that sets the rate, as a roster carries it."""
        return f"{self.kind}/{self.hours}/{self.locality}"


@dataclass(frozen=True, slots=True)
class Stay:
    """One enrolment in the life of a child; began: by a contract or by a transfer."""

    enrolment_id: str
    voucher_id: str
    site_id: str
    group_id: str
    starts_on: date
    ends_on: date | None
    began: Began = "contract"


@dataclass(frozen=True, slots=True)
class Stays:
    """All enrolments a child ever had in a programme, oldest first."""

    stays: tuple[Stay, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """A child who may be marked in a group, and on which days; both ends are included.

    sort: the enrolment's kind, hours and locality, "general/10.5/urban": a month is priced from
    the rosters, without a read per enrolment. None in rosters written before it was kept.
    sen: financed as a child with special educational needs. used_month, used_tiyn: what a platform
    that closed has paid of that month, "YYYY-MM", already.
    """

    enrolment_id: str
    child_id: str
    starts_on: date
    ends_on: date | None = None
    sort: str | None = None
    sen: bool = False
    used_month: str | None = None
    used_tiyn: int = 0


@dataclass(frozen=True, slots=True)
class Roster:
    """Who may be marked in one group. Members who left long ago are dropped."""

    site_id: str
    group_id: str
    members: tuple[Member, ...] = ()
