"""What a provider's month shows as a whole, beside the months before it.

A row is a child's month as it stands: which lines count a visit, when the child came and left, and
what its family said. Everything here is judged by group or by child, never by a name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from chalicelib.attendance.rules.days import visits
from chalicelib.attendance.rules.lines import Line
from chalicelib.kernel.money import PER_MILLE
from chalicelib.kernel.periods import DateRange, Month, from_stamp
from chalicelib.policy.rules import SignalRule
from chalicelib.signals.rules.values import Finding, Kind, Ref

Times = Mapping[int, tuple[int | None, int | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Who approved a month, when, and the digest of the device it was done on, where it said so."""

    by: str
    at: str
    device: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A child's month at a site.

    came: names of the lines that count a visit, with their days. missed: how many of those in
    question count none. times: day → minutes of coming and leaving. acted: somebody spoke for the
    child: approved, disputed or confirmed.
    """

    month: Month
    came: tuple[tuple[str, date], ...] = ()
    missed: int = 0
    times: Times = field(default_factory=dict)
    acted: bool = False
    approval: Approval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSeen:
    """A child of a site in a month. rows: the month and those before it, newest first.

    days: of its enrolments, by group, oldest first. doubled: lines that another provider claims
    too; elsewhere: the same at the others.
    """

    child_id: str
    stays: tuple[tuple[str, DateRange], ...]
    rows: tuple[Row, ...]
    doubled: tuple[str, ...] = ()
    elsewhere: tuple[Ref, ...] = ()

    @property
    def group_id(self) -> str:
        return self.stays[-1][0]

    def whole(self, month: Month) -> bool:
        """Return whether the child was enrolled here on each day of a month."""
        return all(any(on in days for _, days in self.stays) for on in (month.first, month.last))


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSeen:
    """A group's places. capacity_on: how many it has on a day, 0 where that is not said."""

    group_id: str
    capacity_on: Callable[[date], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthSeen:
    """A provider's month. over: it has ended; answered: so has the family's window after it."""

    month: Month
    children: tuple[ChildSeen, ...]
    groups: tuple[GroupSeen, ...]
    working_days: tuple[date, ...]
    over: bool
    answered: bool


def row_of(
    month: Month,
    lines: Iterable[Line],
    marks: Collection[int],
    *,
    acted: bool,
    approval: Approval | None,
) -> Row:
    """Return a child's month of its lines, its marks and what its family said."""
    counted = [line for line in lines if line.counted]
    return Row(
        month=month,
        came=tuple((line.key, line.on) for line in counted if line.code == "P"),
        missed=sum(line.code != "P" for line in counted),
        times={
            day: (there[0].came, there[-1].left)
            for day, (there, _) in visits(marks).items()
            if there
        },
        acted=acted,
        approval=approval,
    )


def findings_of_month(seen: MonthSeen, rule: SignalRule) -> list[Finding]:
    """Return what is odd in a provider's month."""
    found = [*_two_providers(seen, rule), *_over_capacity(seen, rule)]
    if seen.over:
        found += [*_identical(seen, rule), *_full(seen, rule)]
    if seen.answered:
        found += [*_one_device(seen, rule), *_no_act(seen, rule)]
    return found


def _two_providers(seen: MonthSeen, rule: SignalRule) -> Iterable[Finding]:
    for child in seen.children:
        if 0 < rule.doubled_lines <= len(child.doubled):
            own = Ref(
                child_id=child.child_id, month=str(seen.month), lines=tuple(sorted(child.doubled))
            )
            yield Finding(
                kind="two-providers",
                subject=child.child_id,
                subject_of="child",
                period=str(seen.month),
                refs=(own, *child.elsewhere),
                facts={"lines": len(child.doubled), "month": str(seen.month)},
            )


def _over_capacity(seen: MonthSeen, rule: SignalRule) -> Iterable[Finding]:
    if not rule.over_capacity:
        return
    for group in seen.groups:
        over: dict[str, list[str]] = {}
        worst = 0
        for on in seen.working_days:
            places = group.capacity_on(on)
            if not places:
                continue
            here = sorted(
                (days.first, child.child_id)
                for child in seen.children
                for group_id, days in child.stays
                if group_id == group.group_id and on in days
            )
            excess = here[places:]
            if len(excess) < rule.over_capacity:
                continue
            worst = max(worst, len(excess))
            for _, child_id in excess:
                over.setdefault(child_id, []).append(on.isoformat())
        if over:
            refs = tuple(
                Ref(child_id=child_id, month=str(seen.month), lines=tuple(days))
                for child_id, days in sorted(over.items())
            )
            yield _of_group("over-capacity", seen.month, group.group_id, refs, {"over": worst})


def _identical(seen: MonthSeen, rule: SignalRule) -> Iterable[Finding]:
    if not rule.same_days:
        return
    copied: dict[str, dict[str, int]] = {}
    for child in seen.children:
        if len(child.rows) > 1:
            same = repeated(child.rows[0].times, child.rows[1].times, rule)
            if same >= rule.same_days:
                copied.setdefault(child.group_id, {})[child.child_id] = same
    rows: dict[tuple[tuple[int, tuple[int | None, int | None]], ...], list[ChildSeen]] = {}
    for child in seen.children:
        times = child.rows[0].times
        if len(times) >= rule.same_days and _varied(times.values(), rule):
            rows.setdefault(tuple(sorted(times.items())), []).append(child)
    for alike in rows.values():
        groups = {child.group_id for child in alike}
        if len(alike) >= rule.same_children and len(groups) > 1:
            for child in alike:
                days = len(child.rows[0].times)
                copied.setdefault(child.group_id, {})[child.child_id] = days
    for group_id, children in sorted(copied.items()):
        refs = tuple(Ref(child_id=one, month=str(seen.month)) for one in sorted(children))
        facts = {"days": max(children.values())}
        yield _of_group("identical-rows", seen.month, group_id, refs, facts)


def repeated(times: Times, before: Times, rule: SignalRule) -> int:
    """Return how many days of a row repeat an earlier one, minute by minute; 0 where too few do.

    Only days with both times count. They are laid side by side in two ways: by their number in the
    month, and first to first. Rows whose days are all alike repeat nothing: so a site that writes
    the same hour each day may.
    """
    best = 0
    now, then = _whole(times), _whole(before)
    by_order = list(zip(now.values(), then.values(), strict=False))
    by_day = [(now[day], then[day]) for day in sorted(now.keys() & then.keys())]
    for pairs in (by_order, by_day):
        same = [one for one, other in pairs if one == other]
        if _varied(same, rule) and len(same) * PER_MILLE >= rule.same_per_mille * len(pairs):
            best = max(best, len(same))
    return best


def _whole(times: Times) -> dict[int, tuple[int | None, int | None]]:
    """Return the days with both times, in order."""
    return {day: times[day] for day in sorted(times) if None not in times[day]}


def _varied(values: Iterable[tuple[int | None, int | None]], rule: SignalRule) -> bool:
    return len(set(values)) >= rule.same_distinct


def _full(seen: MonthSeen, rule: SignalRule) -> Iterable[Finding]:
    months = rule.full_months
    if not months:
        return
    groups: dict[str, list[bool]] = {}
    never_missed: dict[str, list[str]] = {}
    for child in seen.children:
        term = child.rows[:months]
        if len(term) < months or not all(child.whole(row.month) for row in term):
            continue
        perfect = all(row.came and not row.missed for row in term)
        groups.setdefault(child.group_id, []).append(perfect)
        if perfect:
            never_missed.setdefault(child.group_id, []).append(child.child_id)
    for group_id, children in sorted(never_missed.items()):
        of = len(groups[group_id])
        if len(children) >= rule.full_children and (
            len(children) * PER_MILLE >= rule.full_per_mille * of
        ):
            refs = tuple(Ref(child_id=one, month=str(seen.month)) for one in sorted(children))
            facts = {"of": of, "months": months}
            yield _of_group("full-attendance", seen.month, group_id, refs, facts)


def _one_device(seen: MonthSeen, rule: SignalRule) -> Iterable[Finding]:
    if not rule.approvals_persons:
        return
    devices: dict[str, list[tuple[datetime, str, str]]] = {}
    for child in seen.children:
        said = child.rows[0].approval
        if said is not None and said.device is not None:
            one = (from_stamp(said.at), said.by, child.child_id)
            devices.setdefault(said.device, []).append(one)
    for device, said_there in sorted(devices.items()):
        odd = _within(sorted(said_there), rule)
        if odd:
            refs = tuple(
                Ref(child_id=child_id, month=str(seen.month))
                for child_id in sorted({child_id for _, _, child_id in odd})
            )
            yield Finding(
                kind="one-device-approvals",
                subject=device,
                subject_of="device",
                period=str(seen.month),
                refs=refs,
                facts={"persons": len({by for _, by, _ in odd}), "month": str(seen.month)},
            )


def _within(
    said: Sequence[tuple[datetime, str, str]], rule: SignalRule
) -> list[tuple[datetime, str, str]]:
    """Return the approvals that lie among enough others within the minutes; in order of time."""
    span = timedelta(minutes=rule.approvals_minutes)
    odd: set[int] = set()
    first = 0
    for last in range(len(said)):
        while said[last][0] - said[first][0] > span:
            first += 1
        if len({by for _, by, _ in said[first : last + 1]}) >= rule.approvals_persons:
            odd.update(range(first, last + 1))
    return [said[n] for n in sorted(odd)]


def _no_act(seen: MonthSeen, rule: SignalRule) -> Iterable[Finding]:
    months = rule.silent_months
    if not months:
        return
    silent: dict[str, list[str]] = {}
    for child in seen.children:
        rows = child.rows[:months]
        if len(rows) < months or not all(child.whole(row.month) for row in rows):
            continue
        if all(row.came and not row.acted for row in rows):
            silent.setdefault(child.group_id, []).append(child.child_id)
    for group_id, children in sorted(silent.items()):
        refs = tuple(Ref(child_id=one, month=str(seen.month)) for one in sorted(children))
        yield _of_group("no-act", seen.month, group_id, refs, {"months": months})


def _of_group(
    kind: Kind,
    month: Month,
    group_id: str,
    refs: tuple[Ref, ...],
    facts: Mapping[str, int | str],
) -> Finding:
    return Finding(
        kind=kind,
        subject=group_id,
        subject_of="group",
        period=str(month),
        refs=refs,
        facts={"children": len(refs), "month": str(month), **facts},
    )
