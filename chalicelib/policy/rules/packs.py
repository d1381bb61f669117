"""A pack: all rows of one programme in one area, and the rules they make on a given day.

A pack is cut into epochs, stretches of days in which nothing changes. `Pack.at` finds the epoch
of a day, so that a closed month keeps the rules of its time whatever is entered later.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

from chalicelib.kernel.money import PER_MILLE
from chalicelib.kernel.periods import DateRange
from chalicelib.kernel.refusals import Malformed, OutOfTurn
from chalicelib.kernel.workdays import Calendar
from chalicelib.policy.rules.cohorts import Cohorts
from chalicelib.policy.rules.earning import (
    AttendanceRule,
    BudgetRule,
    ConfirmationRule,
    Criterion,
    ExclusionRule,
    MonthCalendar,
    ParentsShare,
    Payable,
    Rate,
    RatingRule,
    Rounding,
    SenPart,
)
from chalicelib.policy.rules.paying import Approval, BankTerms, Step, persons_for
from chalicelib.policy.rules.places import (
    AcademicYear,
    Activity,
    Admission,
    AgeRule,
    ChecklistItem,
    GroupKind,
    IntakeRule,
    Interleave,
    IterationRule,
    PapersReason,
    ProgrammeRule,
    Release,
    SigningRule,
    Status,
    Term,
    Terms,
    Tier,
    VoucherKind,
)
from chalicelib.policy.rules.signalling import SignalRule
from chalicelib.policy.rules.texts import Act, Dated, Text

# The tables of a pack file, in the order a reader meets them: row type, and the fields that tell
# its series apart. A table without such fields holds one series.
TABLES: Mapping[str, tuple[type[Any], tuple[str, ...]]] = {
    "programme": (ProgrammeRule, ()),
    "voucher_kinds": (VoucherKind, ("code",)),
    "kinds": (GroupKind, ("code",)),
    "activities": (Activity, ("code",)),
    "academic_year": (AcademicYear, ()),
    "ages": (AgeRule, ()),
    "tiers": (Tier, ("code",)),
    "statuses": (Status, ("code",)),
    "interleave": (Interleave, ()),
    "intake": (IntakeRule, ()),
    "signing": (SigningRule, ()),
    "iteration": (IterationRule, ()),
    "release": (Release, ()),
    "terms": (Term, ("code",)),
    "papers_refusal_reasons": (PapersReason, ("code",)),
    "admission": (Admission, ()),
    "checklist": (ChecklistItem, ("code",)),
    "attendance": (AttendanceRule, ()),
    "absence": (Payable, ("reason",)),
    "confirmation": (ConfirmationRule, ()),
    "month_calendar": (MonthCalendar, ()),
    "rates": (Rate, ("kind", "hours", "locality")),
    "parents_share": (ParentsShare, ("kind", "hours", "locality")),
    "rounding": (Rounding, ()),
    "sen_parts": (SenPart, ("code",)),
    "approvals": (Approval, ("step", "direction", "from_tiyn")),
    "bank_terms": (BankTerms, ()),
    "budget": (BudgetRule, ()),
    "exclusion": (ExclusionRule, ()),
    "signals": (SignalRule, ()),
    "rating": (RatingRule, ()),
    "criteria": (Criterion, ("code",)),
}

# Tables whose rows may become known after the days that they judge.
LATE = ("rates", "parents_share")

Rows = Mapping[str, tuple[Any, ...]]  # by table, as TABLES names them


class NoRuleInForce(OutOfTurn):
    """The pack holds no rules for that day."""

    code = "policy/no-rule-in-force"


class NoRate(OutOfTurn):
    """No rate is adopted for that sort of group on that day."""

    code = "policy/no-rate"


class UnknownKind(Malformed):
    """The rules in force know no kind of group of that code."""

    code = "policy/unknown-kind"


class UnknownHours(Malformed):
    """A group of that kind has other hours, or lessons of another length."""

    code = "policy/unknown-hours"


class UnknownActivity(Malformed):
    """The rules in force know no activity of that code in that kind."""

    code = "policy/unknown-activity"


class UnknownForm(Malformed):
    """No voucher of the programme is for providers of that form."""

    code = "policy/unknown-form"


class UnknownStatus(Malformed):
    """The rules in force know no social status of that code."""

    code = "policy/unknown-status"


class UnknownReason(Malformed):
    """The rules in force know no absence reason of that code."""

    code = "policy/unknown-reason"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rows in force on one day; mappings keep the order of the file."""

    programme: ProgrammeRule
    voucher_kinds: Mapping[str, VoucherKind]
    kinds: Mapping[str, GroupKind]
    activities: Mapping[str, Activity]  # empty where groups have none
    tiers: tuple[Tier, ...]  # best first
    statuses: Mapping[str, Status]
    cohorts: Cohorts
    academic_year: AcademicYear
    interleave: Interleave | None
    intake: IntakeRule
    signing: SigningRule | None  # None: no signature is asked for
    iteration: IterationRule
    release: Release
    terms: Terms
    term_rows: Mapping[str, Term]  # the same terms with source and text
    papers_refusal_reasons: tuple[PapersReason, ...]
    admission: Admission
    attendance: AttendanceRule
    absence: tuple[Payable, ...]
    confirmation: ConfirmationRule
    month_calendar: MonthCalendar
    rates: tuple[Rate, ...]
    parents_share: tuple[ParentsShare, ...]  # empty where families pay nothing
    rounding_rule: Rounding
    sen_parts: tuple[SenPart, ...]  # empty where raised financing is one sum
    approvals: tuple[Approval, ...]  # empty where no amount takes more persons than the fewest
    bank_terms: BankTerms | None  # None: the defaults of payouts
    budget: BudgetRule
    exclusion: ExclusionRule
    signals: SignalRule | None  # None: no signal is raised
    rating: RatingRule

    @property
    def rounding(self) -> str:
        """Return the name of the rounding: "half-up-tenge"."""
        return self.rounding_rule.method

    @property
    def needs_signature(self) -> bool:
        """Return whether a voucher is confirmed only for a signed application."""
        return self.signing is not None and self.signing.required

    @property
    def queued_kind(self) -> VoucherKind:
        """Return the one kind of voucher that is waited for."""
        return next(kind for kind in self.voucher_kinds.values() if kind.queued)

    def kinds_for(self, form: str) -> tuple[VoucherKind, ...]:
        """Return the kinds of voucher that a provider of that form may take; none if unknown."""
        return tuple(kind for kind in self.voucher_kinds.values() if form in kind.forms)

    def check_form(self, form: str) -> None:
        """Raise UnknownForm unless some voucher is for providers of that form."""
        if not self.kinds_for(form):
            forms = {form: None for kind in self.voucher_kinds.values() for form in kind.forms}
            raise UnknownForm(form=form, known=", ".join(forms))

    def check_sort(self, kind: str, hours: str) -> None:
        """Raise UnknownKind, UnknownHours, in this order."""
        known = self.kinds.get(kind)
        if known is None:
            raise UnknownKind(kind=kind, known=", ".join(self.kinds))
        if hours not in known.hours:
            raise UnknownHours(kind=kind, hours=hours, known=", ".join(known.hours))

    def check_activity(self, activity: str, kind: str) -> Activity | None:
        """Return the activity of a group of that kind; None where the programme has none.

        Raises UnknownActivity.
        """
        if not self.activities and not activity:
            return None
        found = self.activities.get(activity)
        if found is None or found.kind != kind:
            known = [code for code, each in self.activities.items() if each.kind == kind]
            raise UnknownActivity(activity=activity, kind=kind, known=", ".join(known))
        return found

    def tier_for(self, statuses: Iterable[str], *, age: int | None = None) -> Tier:
        """Return the best tier whose condition a child meets; the last is open to all.

        age: completed years on the first day of the academic year. Raises UnknownStatus.
        """
        held = tuple(statuses)
        for code in held:
            if code not in self.statuses:
                raise UnknownStatus(status=code)
        return next((t for t in self.tiers[:-1] if t.admits(held, age)), self.tiers[-1])

    @property
    def protected(self) -> frozenset[str]:
        """Return the statuses that move the order and are not displayed."""
        return frozenset(code for code, status in self.statuses.items() if status.protected)

    @property
    def telling_tiers(self) -> frozenset[str]:
        """Return the tiers that would tell a protected status: no other leads into them."""
        return frozenset(
            tier.code
            for tier in self.tiers
            if tier.statuses and self.protected.issuperset(tier.statuses)
        )

    def has_sen(self, statuses: Iterable[str]) -> bool:
        """Return whether one of the statuses makes the child one with special needs."""
        return any(code in self.statuses and self.statuses[code].sen for code in statuses)

    def payable(self, reason: str) -> Payable:
        """Return what becomes of a day with this timesheet code. Raises UnknownReason."""
        for row in self.absence:
            if row.reason == reason:
                return row
        raise UnknownReason(reason=reason)

    def rate_for(self, kind: str, hours: str, locality: str, sen: bool) -> Rate:
        """Return the rate of one child in one sort of group. Raises NoRate.

        The coefficient for special educational needs is 1000 per mille when `sen` is False, so
        `rate_tiyn` times `coefficients` is right for this child without looking again.
        """
        for row in self.rates:
            if (row.kind, row.hours, row.locality) == (kind, hours, locality):
                return row if sen else replace(row, sen_per_mille=PER_MILLE)
        raise NoRate(kind=kind, hours=hours, locality=locality)

    def parents_share_for(self, kind: str, hours: str, locality: str) -> ParentsShare | None:
        """Return what a family pays for a child in one sort of group; None: it pays nothing."""
        for row in self.parents_share:
            if (row.kind, row.hours, row.locality) == (kind, hours, locality):
                return row
        return None

    def persons_for(self, step: Step, amount_tiyn: int, *, direction: str = "") -> int:
        """Return how many different persons of its office a step takes for an amount."""
        return persons_for(self.approvals, step, amount_tiyn, direction=direction)

    def month_max_tiyn(self, sen: bool) -> int:
        """Return the most any child can earn for a month: the dearest cap with its coefficients.

        So much a voucher reserves for each month, and any change of provider is covered. Raises
        NoRate when nothing limits a month; a pack whose vouchers are reserved is checked for it.
        """
        most = 0
        for row in self.rates:
            cap = (row if sen else replace(row, sen_per_mille=PER_MILLE)).month_max_tiyn
            if cap is None:
                raise NoRate(kind=row.kind, hours=row.hours, locality=row.locality)
            most = max(most, cap)
        return most


@dataclass(frozen=True, eq=False)  # two packs are the same when their versions are
class Pack:
    """One programme in one area: its acts, its calendar and all its dated rows.

    rows: as all that was entered makes them. entered: rows before those that apply backwards took
    their place; {} where there are none.
    version: the id with the first 12 hex digits of the digest; stored by every decision.
    digest: SHA-256 of the canonical content of pack and calendar; comments do not change it.
    valid_to: the last day of the programme, None while no end is set.
    """

    id: str
    programme: str
    area: str
    text: Text
    digest: str
    valid_from: date
    valid_to: date | None
    acts: tuple[Act, ...]
    calendar: Calendar
    rows: Rows
    entered: Rows = field(default_factory=dict)

    @property
    def version(self) -> str:
        return f"{self.id}@{self.digest[:12]}"

    def at(self, on: date) -> Rules:
        """Return the rules of a day. Raises NoRuleInForce before and after the programme."""
        if on < self.valid_from or (self.valid_to is not None and on > self.valid_to):
            raise NoRuleInForce(pack=self.id, on=on.isoformat())
        starts, rules = self._epochs
        return rules[bisect_right(starts, on) - 1]

    def within(self, on: date) -> date:
        """Return this day, or the first or the last of the programme where it lies outside."""
        day = max(on, self.valid_from)
        return day if self.valid_to is None else min(day, self.valid_to)

    def holds(self, on: date) -> bool:
        """Return whether a day lies within the programme."""
        return self.within(on) == on

    def nearest(self, on: date) -> Rules:
        """Return the rules of a day; of one before or after the programme, its first or last ones.

        What a programme that is over still owes is agreed, paid and answered by its last rules.
        """
        return self.at(self.within(on))

    def known_on(self, day: date) -> Pack:
        """Return the pack as it judged on a day, without rows that became known later.

        The same object for the same knowledge.
        """
        late = {
            row.known_from
            for table in LATE
            for row in self.entered.get(table, ())
            if row.known_from is not None
        }
        since = max((known for known in late if known <= day), default=None)
        if since == max(late, default=None):
            return self
        if since not in self._earlier:
            self._earlier[since] = replace(self, rows=as_known(self.entered, since or date.min))
        return self._earlier[since]

    @cached_property
    def _earlier(self) -> dict[date | None, Pack]:
        return {}

    def act(self, key: str) -> Act | None:
        """Return the act a row cites, None for "policy"."""
        return next((act for act in self.acts if act.key == key), None)

    def digest_of(self, on: date) -> str:
        """Return a SHA-256 of what the rows in force say on a day, apart from their dates.

        Entering a later row, or closing one at its end, leaves the digest of the past alone.
        """
        if on < self.valid_from or (self.valid_to is not None and on > self.valid_to):
            raise NoRuleInForce(pack=self.id, on=on.isoformat())
        said = {
            table: [_undated(row) for row in rows]
            for table, rows in in_force(self.rows, on).items()
        }
        return digest(said)

    @cached_property
    def _epochs(self) -> tuple[list[date], list[Rules]]:
        starts = epoch_starts(self.rows, self.valid_from, self.valid_to)
        return starts, [rules_of(in_force(self.rows, start)) for start in starts]


def as_known(rows: Rows, on: date | None = None) -> Rows:
    """Return rows as they judge once those that apply backwards have taken their place.

    on: without rows that became known after this day; None knows them all. A later known row cuts
    what it overlaps in its series.
    """
    return {
        table: _cut(found, TABLES[table][1], on) if table in LATE else found
        for table, found in rows.items()
    }


def _cut(rows: tuple[Any, ...], keys: tuple[str, ...], on: date | None) -> tuple[Any, ...]:
    known = [row for row in rows if row.known_from is None]
    late = sorted(
        (
            row
            for row in rows
            if row.known_from is not None and (on is None or row.known_from <= on)
        ),
        key=lambda row: (row.known_from, row.during.first),
    )
    for row in late:
        name = [getattr(row, key) for key in keys]
        known = [
            piece
            for old in known
            for piece in (
                _without(old, row.during) if [getattr(old, key) for key in keys] == name else [old]
            )
        ]
        known.append(row)
    return tuple(known)


def _without(row: Any, days: DateRange) -> list[Any]:
    """Return a row without some days: its part before them and its part after them."""
    if not row.during.overlaps(days):
        return [row]
    first, last = row.during.first, row.during.last
    pieces = []
    if first < days.first:
        until = date.fromordinal(days.first.toordinal() - 1)
        pieces.append(replace(row, during=DateRange(first, until)))
    if days.last is not None and (last is None or last > days.last):
        since = date.fromordinal(days.last.toordinal() + 1)
        pieces.append(replace(row, during=DateRange(since, last)))
    return pieces


def in_force(rows: Rows, on: date) -> Rows:
    """Return the rows of each table whose days of force hold this day."""
    return {
        table: tuple(row for row in all_rows if on in row.during)
        for table, all_rows in rows.items()
    }


def epoch_starts(rows: Rows, valid_from: date, valid_to: date | None) -> list[date]:
    """Return the days within a pack's validity on which any row begins, earliest first.

    Series have no gaps, so where a row ends another begins, or its series is over for good; the
    day after a last row counts too.
    """
    starts = {valid_from}
    for table in rows.values():
        for row in table:
            starts.add(row.during.first)
            if row.during.last is not None:
                starts.add(date.fromordinal(row.during.last.toordinal() + 1))
    return sorted(
        day for day in starts if day >= valid_from and (valid_to is None or day <= valid_to)
    )


def rules_of(rows: Rows) -> Rules:
    """Return the rules that the rows of one day make; the rows have passed all checks."""
    statuses = {status.code: status for status in rows["statuses"]}
    tiers = tuple(
        replace(tier, statuses=statuses_of(tier, statuses.values()))
        for tier in sorted(rows["tiers"], key=lambda tier: tier.order)
    )
    (academic_year,) = rows["academic_year"]
    (ages,) = rows["ages"]
    (admission,) = rows["admission"]
    (rating,) = rows["rating"]
    (interleave,) = rows["interleave"] or (None,)
    (signing,) = rows["signing"] or (None,)
    (signals,) = rows["signals"] or (None,)
    (bank_terms,) = rows["bank_terms"] or (None,)
    term_rows = {term.code: term for term in rows["terms"]}
    return Rules(
        programme=rows["programme"][0],
        voucher_kinds={kind.code: kind for kind in rows["voucher_kinds"]},
        kinds={kind.code: kind for kind in rows["kinds"]},
        activities={activity.code: activity for activity in rows["activities"]},
        tiers=tiers,
        statuses=statuses,
        cohorts=Cohorts(ages, academic_year, tiers, interleave),
        academic_year=academic_year,
        interleave=interleave,
        intake=rows["intake"][0],
        signing=signing,
        iteration=rows["iteration"][0],
        release=rows["release"][0],
        terms=Terms(**{code: term.value for code, term in term_rows.items()}),
        term_rows=term_rows,
        papers_refusal_reasons=rows["papers_refusal_reasons"],
        admission=replace(admission, items=rows["checklist"]),
        attendance=rows["attendance"][0],
        absence=rows["absence"],
        confirmation=rows["confirmation"][0],
        month_calendar=rows["month_calendar"][0],
        rates=rows["rates"],
        parents_share=rows["parents_share"],
        rounding_rule=rows["rounding"][0],
        sen_parts=rows["sen_parts"],
        approvals=rows["approvals"],
        bank_terms=bank_terms,
        budget=rows["budget"][0],
        exclusion=rows["exclusion"][0],
        signals=signals,
        rating=replace(rating, criteria=rows["criteria"]),
    )


def statuses_of(tier: Tier, statuses: Iterable[Status]) -> tuple[str, ...]:
    """Return the statuses that open a tier: those that name it, then those it names itself."""
    naming = tuple(status.code for status in statuses if status.tier == tier.code)
    return naming + tuple(code for code in tier.any_of if code not in naming)


def digest(content: object) -> str:
    """Return the SHA-256 of a content of plain values and dates, the same for the same content."""
    canonical = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def _undated(row: Dated) -> dict[str, Any]:
    return {name: value for name, value in asdict(row).items() if name != "during"}
