"""How well signals find what is planted in the samples, and how much honest life they disturb.

The very rules that judge uploads and months are asked; only rows and calls are left out. A planted
fraud is found where a signal of its kind stands at its site, in its period, with all its children.
A signal is right where it names any child of such a fraud. A line is a child's day with a visit;
an honest one is flagged where a signal names it that is not planted there.
"""

from __future__ import annotations

import functools
import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chalicelib.attendance.rules import DayPlan
from chalicelib.attendance.rules.health import Place
from chalicelib.kernel.periods import DateRange, Month, stamp, start_of
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Pack
from chalicelib.signals import rules
from chalicelib.signals.actions.arriving import DAY_OF_RECORDS, terms
from chalicelib.signals.rules import (
    KINDS,
    Approval,
    ChildSeen,
    Finding,
    GroupSeen,
    MonthSeen,
    Ref,
    Row,
    Seen,
    Upload,
)
from samples import frauds
from samples.frauds import City, Fraud, Kindergarten

MONTHS = (Month(2026, 1), Month(2026, 2), Month(2026, 3))
HOLIDAY = date(2026, 3, 8)
PROGRAMME, AREA = "preschool", "taldykorgan"

# Uploads that a batch of the stream brings of one tablet; none is waited for.
BATCH = 5

Line = tuple[str, str, date]
Rows = dict[tuple[str, Month], Row]


@dataclass(frozen=True, slots=True)
class OfKind:
    """One kind's figures: planted, found of them, signals raised, right ones among them."""

    kind: str
    planted: int
    found: int
    raised: int
    right: int

    @property
    def recall_per_mille(self) -> int:
        return 1000 * self.found // self.planted if self.planted else 1000

    @property
    def precision_per_mille(self) -> int:
        return 1000 * self.right // self.raised if self.raised else 1000


@dataclass(frozen=True, slots=True)
class Measured:
    """All figures. missed: planted and not found; honest, flagged: lines."""

    kinds: tuple[OfKind, ...]
    missed: tuple[Fraud, ...]
    wrong: tuple[tuple[str, str, str], ...]
    honest: int
    flagged: int

    @property
    def flagged_per_million(self) -> int:
        return 1_000_000 * self.flagged // self.honest

    @property
    def good(self) -> bool:
        """Return whether all planted was found and under one per cent of honest lines flagged."""
        return not self.missed and self.flagged_per_million < 10_000


def measure(seed: int = 2026, *, pack: Pack | None = None) -> Measured:
    """Return how the thresholds of a pack do on the planted city of a seed."""
    pack = pack or load_pack(PROGRAMME, AREA)
    made = _city(
        seed, tuple(tuple(on for on in m.days() if pack.calendar.is_working(on)) for m in MONTHS)
    )
    raised: dict[tuple[str, str, str, str], Finding] = {}
    lines: set[Line] = set()
    for site in made.sites:
        # Uploads as batches of the stream bring them; what is found of one thing is one signal.
        of_pack = functools.partial(terms, pack)
        for _, sent in itertools.groupby(site.uploads, key=lambda upload: upload.device):
            uploads = [_upload(one) for one in sent]
            for start in range(0, len(uploads), BATCH):
                batch = uploads[start : start + BATCH]
                if not rules.worth_a_look(batch, of_pack):
                    continue
                first = batch[0].seen[0].counter - DAY_OF_RECORDS
                low = start
                while low and uploads[low - 1].seen[-1].counter >= first:
                    low -= 1
                for finding in rules.findings_of_uploads(uploads[low : start + BATCH], of_pack):
                    _join(raised, site.id, finding)
        rows = _rows(site, pack)
        seen = _month(site, pack, rows)
        rule = pack.at(MONTHS[-1].last).signals
        if rule is not None:
            for finding in rules.findings_of_month(seen, rule):
                _join(raised, site.id, finding)
        lines |= _lines(site, rows)
    return _figures(made, raised, lines)


@functools.lru_cache(maxsize=1)
def _city(seed: int, working: tuple[tuple[date, ...], ...]) -> City:
    months = [(month.year, month.month) for month in MONTHS]
    return frauds.city(seed, dict(zip(months, working, strict=True)), HOLIDAY)


def _join(raised: dict[tuple[str, str, str, str], Finding], site_id: str, finding: Finding) -> None:
    key = (finding.kind, site_id, finding.subject, finding.period)
    before = raised.get(key)
    if before is not None:
        refs = rules.joined(before.refs, finding.refs)
        finding = Finding(
            kind=finding.kind,
            subject=finding.subject,
            subject_of=finding.subject_of,
            period=finding.period,
            refs=refs,
            facts=finding.facts,
        )
    raised[key] = finding


def _figures(
    made: City, raised: Mapping[tuple[str, str, str, str], Finding], lines: set[Line]
) -> Measured:
    missed = [fraud for fraud in made.planted if not _found(fraud, raised)]
    wrong: list[tuple[str, str, str]] = []
    of_kind: dict[str, list[bool]] = defaultdict(list)
    flagged: set[Line] = set()
    of_site: dict[str, set[Line]] = defaultdict(set)
    for line in lines:
        of_site[line[0]].add(line)
    for (kind, site_id, _, period), finding in raised.items():
        there = [
            fraud
            for fraud in made.planted
            if (fraud.kind, fraud.site, fraud.period) == (kind, site_id, period)
        ]
        named = {ref.child_id for ref in finding.refs}
        right = any(named & set(fraud.children) for fraud in there)
        of_kind[kind].append(right)
        if not right:
            wrong.append((kind, site_id, period))
        flagged |= _named(finding, site_id, of_site[site_id])
    planted = _planted_lines(made.planted, lines)
    honest = lines - planted
    return Measured(
        kinds=tuple(
            OfKind(
                kind,
                planted=sum(fraud.kind == kind for fraud in made.planted),
                found=sum(fraud.kind == kind and fraud not in missed for fraud in made.planted),
                raised=len(of_kind[kind]),
                right=sum(of_kind[kind]),
            )
            for kind in KINDS
        ),
        missed=tuple(missed),
        wrong=tuple(sorted(wrong)),
        honest=len(honest),
        flagged=len(flagged & honest),
    )


def _found(fraud: Fraud, raised: Mapping[tuple[str, str, str, str], Finding]) -> bool:
    named: set[str] = set()
    for (kind, site_id, _, period), finding in raised.items():
        if (kind, site_id, period) == (fraud.kind, fraud.site, fraud.period):
            named |= {ref.child_id for ref in finding.refs}
    return set(fraud.children) <= named


def _named(finding: Finding, site_id: str, lines: Iterable[Line]) -> set[Line]:
    days: dict[str, set[str]] = defaultdict(set)
    whole: set[tuple[str, str]] = set()
    for ref in finding.refs:
        if ref.site_id:
            continue
        days[ref.child_id].update(ref.lines)
        if not ref.lines:
            whole.add((ref.child_id, ref.month))
    return {
        (site, child, on)
        for site, child, on in lines
        if child in days
        and site == site_id
        and (on.isoformat() in days[child] or (child, on.isoformat()[:7]) in whole)
    }


def _planted_lines(planted: Iterable[Fraud], lines: Iterable[Line]) -> set[Line]:
    of_site: dict[str, list[Fraud]] = defaultdict(list)
    for fraud in planted:
        of_site[fraud.site].append(fraud)
    return {
        (site, child, on)
        for site, child, on in lines
        for fraud in of_site[site]
        if child in fraud.children
        and (on in fraud.days or (not fraud.days and on.isoformat()[:7] == fraud.period))
    }


# --- from the samples to what the rules judge


def _upload(sent: frauds.Upload) -> Upload:
    before = sent.place_before
    first = sent.marks[0]
    return Upload(
        device_id=sent.device,
        seen=tuple(
            Seen(
                counter=mark.counter,
                child_id=mark.child,
                enrolment_id=mark.child,
                kind=mark.kind,
                happened_at=_at(mark.on, mark.second),
                on=mark.on,
                place=_place(mark),
            )
            for mark in sent.marks
        ),
        place_before=None
        if before is None
        else Place(before[0], before[1], int(_at(first.on, before[2]).timestamp())),
        skew_s=sent.skew_s,
        skew_before_s=sent.skew_before_s,
    )


def _place(mark: frauds.Mark) -> Place | None:
    if mark.place is None:
        return None
    return Place(*mark.place, int(_at(mark.on, mark.second).timestamp()))


def _at(on: date, second: int) -> datetime:
    return start_of(on) + timedelta(seconds=second)


def _marks(site: Kindergarten) -> dict[tuple[str, Month], set[int]]:
    """Return child and month → packed marks, as a tablet's records make them."""
    found: dict[tuple[str, Month], set[int]] = defaultdict(set)
    for upload in site.uploads:
        for mark in upload.marks:
            kind = {"in": 1, "out": 2}[mark.kind]
            packed = mark.on.day << 57 | kind << 53 | mark.second // 60 << 40 | mark.counter
            found[mark.child, Month.of(mark.on)].add(packed)
    return found


def _rows(site: Kindergarten, pack: Pack) -> Rows:
    marks = _marks(site)
    said = {(a.child, Month(*a.month)): a for a in site.approvals}
    found: dict[tuple[str, Month], Row] = {}
    for child in site.children:
        for month in MONTHS:
            if child.starts_on > month.last:
                continue
            enrolled = (DateRange(child.starts_on, child.ends_on),)
            own = marks.get((child.id, month), set())
            plan = DayPlan(month, enrolled, pack.calendar)
            approval = said.get((child.id, month))
            found[child.id, month] = rules.row_of(
                month,
                plan.fold(own, upto=None, standing="confirmed"),
                own,
                acted=approval is not None,
                approval=None
                if approval is None
                else Approval(
                    by=approval.person,
                    at=stamp(start_of(approval.at.date()) + _clock(approval.at)),
                    device=approval.device,
                ),
            )
    return found


def _clock(at: datetime) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute, seconds=at.second)


def _places(places: int, _: date) -> int:
    return places


def _lines(site: Kindergarten, rows: Rows) -> set[Line]:
    return {(site.id, child_id, on) for (child_id, _), row in rows.items() for _, on in row.came}


def _month(site: Kindergarten, pack: Pack, rows: Rows) -> MonthSeen:
    """Return a site's last month with those before it, when its families' window is over."""
    month = MONTHS[-1]
    children: list[ChildSeen] = []
    for child in sorted(site.children, key=lambda child: child.id):
        own = [rows[child.id, m] for m in reversed(MONTHS) if (child.id, m) in rows]
        came = {on.isoformat() for _, on in own[0].came}
        doubled = {
            other: sorted(on.isoformat() for on in days if on.isoformat() in came)
            for other, days in child.elsewhere.items()
        }
        children.append(
            ChildSeen(
                child_id=child.id,
                stays=((child.group, DateRange(child.starts_on, child.ends_on)),),
                rows=tuple(own),
                doubled=tuple(sorted({on for days in doubled.values() for on in days})),
                elsewhere=tuple(
                    Ref(child_id=child.id, month=str(month), site_id=other, lines=tuple(days))
                    for other, days in doubled.items()
                    if days
                ),
            )
        )
    return MonthSeen(
        month=month,
        children=tuple(children),
        groups=tuple(
            GroupSeen(group_id=group_id, capacity_on=functools.partial(_places, places))
            for group_id, places in site.places.items()
        ),
        working_days=tuple(on for on in month.days() if pack.calendar.is_working(on)),
        over=True,
        answered=True,
    )
