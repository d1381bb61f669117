"""Three months of a city's kindergartens, with fraud planted among honest life; ids only.

Honest life is not tidy: roll calls in one minute, a parent late at the door, a child marked on a
Saturday by mistake, a tablet on an excursion, a clock mended by ten minutes, families that never
look at a timesheet, three mothers at one phone, children who are never ill. None of it is planted,
so whatever is raised about it counts as wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from samples.draws import Draws

SITES, GROUPS, CHILDREN = 24, 4, 18
_DAY = 24 * 60
_HERE = (45_015, 78_374)  # thousandths of a degree

Month = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Mark:
    """A record of a tablet. second: of the day, in Kazakhstan."""

    child: str
    on: date
    kind: str
    second: int
    counter: int = 0
    place: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """What a tablet sent at once. skew_s, skew_before_s: its clock against ours, now and before."""

    device: str
    marks: tuple[Mark, ...]
    skew_s: int = 0
    skew_before_s: int = 0
    place_before: tuple[int, int, int] | None = None  # and the second of the day


@dataclass(frozen=True, slots=True)
class Approval:
    """A family's word. at: wall-clock time in Kazakhstan; device: as its portal names it."""

    child: str
    month: Month
    person: str
    at: datetime
    device: str


@dataclass(slots=True)
class Child:
    """A child of a group. family: who may approve; elsewhere: days also claimed at another site."""

    id: str
    group: str
    family: str
    starts_on: date
    ends_on: date | None = None
    elsewhere: dict[str, list[date]] = field(default_factory=dict)


@dataclass(slots=True)
class Kindergarten:
    """A site with its groups' places, its children, what it sent and what families said."""

    id: str
    places: dict[str, int] = field(default_factory=dict)
    children: list[Child] = field(default_factory=list)
    uploads: list[Upload] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fraud:
    """What was planted, and where: its kind, site and period; days: none are the month's."""

    kind: str
    site: str
    period: str
    children: tuple[str, ...]
    days: tuple[date, ...] = ()


@dataclass(slots=True)
class City:
    sites: list[Kindergarten] = field(default_factory=list)
    planted: list[Fraud] = field(default_factory=list)


def city(seed: int, working: Mapping[Month, Sequence[date]], holiday: date) -> City:
    """Return a city. working: each month's working days, three months; holiday: a day off."""
    made = City()
    for number in range(SITES):
        made.sites.append(_Site(Draws(f"{seed}/frauds/{number}"), number, working).live())
    _Planter(Draws(f"{seed}/frauds"), made, working, holiday).plant()
    for site in made.sites:
        _number(site)
    return made


class _Site:
    """Honest life at one kindergarten."""

    def __init__(
        self, draws: Draws, number: int, working: Mapping[Month, Sequence[date]]
    ) -> None:
        self.draws = draws
        self.site = Kindergarten(f"site-{number:03d}")
        self.working = working
        self.silent: set[str] = set()
        self.roll_call = number % 3 == 0  # the educator marks the group at nine, one by one

    def live(self) -> Kindergarten:
        first = next(iter(self.working.values()))[0]
        for group in range(GROUPS):
            group_id = f"{self.site.id}-group-{group}"
            self.site.places[group_id] = CHILDREN
            for place in range(CHILDREN):
                started = first - timedelta(days=120)
                if self.draws.chance(20):  # came in the middle of the second month
                    started = first + timedelta(days=40)
                child_id = f"{group_id}-child-{place:02d}"
                # Now and then two children of one family: they come together.
                family = child_id
                if place and self.draws.chance(30):
                    family = f"{group_id}-child-{place - 1:02d}"
                self.site.children.append(Child(child_id, group_id, family, started))
        families = sorted({one.family for one in self.site.children})
        habits = {family: self._habit() for family in families}
        self.silent = {family for family in families if self.draws.chance(5)}
        away = {one.id: self._away() for one in self.site.children}
        device = f"{self.site.id}-tablet"
        for month, days in self.working.items():
            for on in days:
                self._day(device, on, habits, away)
            self._mistakes(device, days)
            self._approve(month)
        return self.site

    def _habit(self) -> tuple[int, int]:
        return self.draws.number(7 * 60 + 40, 8 * 60 + 50), self.draws.number(16 * 60 + 30, 18 * 60)

    def _away(self) -> set[date]:
        days = [on for month in self.working.values() for on in month]
        if self.draws.chance(60):
            return set()  # never ill, never tired
        found: set[date] = set()
        for _ in range(self.draws.number(1, 4)):
            first = self.draws.number(0, len(days) - 1)
            found.update(days[first : first + self.draws.number(1, 5)])
        return found

    def _day(
        self,
        device: str,
        on: date,
        habits: Mapping[str, tuple[int, int]],
        away: Mapping[str, set[date]],
    ) -> None:
        draws, came, left = self.draws, [], []
        together: dict[str, tuple[int, int]] = {}
        second = 9 * 3600 + draws.number(0, 600)
        for child in self.site.children:
            if on < child.starts_on or on in away[child.id]:
                continue
            if child.family not in together:
                arrives, leaves = habits[child.family]
                late = draws.number(5, 75) if draws.chance(10) else 0
                together[child.family] = (
                    (arrives + draws.number(-15, 15)) * 60 + draws.number(0, 59),
                    (leaves + draws.number(-20, 25) + late) * 60 + draws.number(0, 59),
                )
            arrived, leaving = together[child.family]
            if self.roll_call:
                arrived = second  # a tap a second or two, sometimes two in one
                second += 0 if draws.chance(80) else draws.number(1, 3)
            came.append(Mark(child.id, on, "in", arrived))
            left.append(Mark(child.id, on, "out", min(leaving, _DAY * 60 - 1)))
        excursion = draws.chance(15)
        for marks in (came, left):
            marks.sort(key=lambda mark: mark.second)
        if excursion:
            came = [
                Mark(m.child, m.on, m.kind, m.second, place=_moved(0 if n % 2 else n // 9))
                for n, m in enumerate(came)
            ]
        # A dead spot in the network: one upload, in order of the records; else two.
        skew = draws.number(-40, 40)
        before = 600 if draws.chance(8) else skew + draws.number(-5, 5)
        for marks in (came, left):
            if marks:
                self.site.uploads.append(Upload(device, tuple(marks), skew, before))
            before = skew

    def _mistakes(self, device: str, days: Sequence[date]) -> None:
        if not self.draws.chance(500):
            return
        saturday = next(on for on in days if on.weekday() == 4) + timedelta(days=1)
        for child in self.draws.some(self.site.children, self.draws.number(1, 2)):
            mark = Mark(child.id, saturday, "in", 10 * 3600)
            self.site.uploads.append(Upload(f"{device}-of-saturdays", (mark,)))

    def _approve(self, month: Month) -> None:
        year, number = (month[0] + 1, 1) if month[1] == 12 else (month[0], month[1] + 1)
        opens = datetime(year, number, 1, 8)
        lent: dict[str, str] = {}
        for child in self.site.children:
            # One family in two hundred never speaks; others forget a month now and then.
            if child.family in self.silent or self.draws.chance(25):
                continue
            device = f"{child.family}-phone"
            if self.draws.chance(20):  # a neighbour's phone
                device = lent.setdefault(child.group, device)
            at = opens + timedelta(minutes=self.draws.number(0, 6 * _DAY))
            self.site.approvals.append(Approval(child.id, month, child.family, at, device))


class _Planter:
    """Fraud, each on a site of its own where it can be, so that it is told apart."""

    def __init__(
        self, draws: Draws, made: City, working: Mapping[Month, Sequence[date]], holiday: date
    ) -> None:
        self.draws, self.made, self.holiday = draws, made, holiday
        self.months = list(working)
        self.days = {month: list(days) for month, days in working.items()}
        self.last = self.months[-1]

    def plant(self) -> None:
        self._one_second()
        self._outside_hours()
        self._identical_rows()
        self._full_attendance()
        self._approvals()
        self._far_apart()
        self._clock_jump()
        self._no_act()
        self._over_capacity()
        self._two_providers()

    def _note(
        self, kind: str, site: Kindergarten, period: str, children: Sequence[Child], *days: date
    ) -> None:
        ids = tuple(sorted(child.id for child in children))
        self.made.planted.append(Fraud(kind, site.id, period, ids, days))

    def _group(self, site: Kindergarten, number: int = 0) -> list[Child]:
        """Return the children of a group who were there all the time."""
        first = self.days[self.months[0]][0]
        group_id = f"{site.id}-group-{number}"
        return [c for c in site.children if c.group == group_id and c.starts_on < first]

    def _one_second(self) -> None:
        for site, count in ((self.made.sites[0], 16), (self.made.sites[1], 8)):
            on = self.days[self.last][4 + count % 5]
            children = self._group(site)[:count]
            self._instead(site, on, children, lambda n: 8 * 3600 + 11 * 60 + 7)
            self._note("one-second", site, on.isoformat(), children, on)
        # The same by a tablet that sends each record by itself.
        site, on = self.made.sites[22], self.days[self.last][6]
        children = self._group(site)[:10]
        self._forget(site, on, {child.id for child in children})
        for child in children:
            self._add(site, child, on, "in", 8 * 3600 + 12 * 60 + 9)
        self._note("one-second", site, on.isoformat(), children, on)

    def _outside_hours(self) -> None:
        night, evening = self.made.sites[2], self.made.sites[3]
        on = self.days[self.last][7]
        children = self._group(night)
        self._instead(night, on, children, lambda n: 3 * 3600 + n * 41)
        self._note("outside-hours", night, on.isoformat(), children, on)
        (child,) = self._group(evening)[:1]
        self._add(evening, child, on, "in", 20 * 3600 + 1800)
        self._note("outside-hours", evening, on.isoformat(), [child], on)
        feast = self.made.sites[4]
        for child in self._group(feast)[:5]:
            self._add(feast, child, self.holiday, "in", 9 * 3600 + self.draws.number(0, 900))
        self._note(
            "outside-hours", feast, self.holiday.isoformat(), self._group(feast)[:5], self.holiday
        )

    def _identical_rows(self) -> None:
        before, now = self.months[-2:]
        period = f"{now[0]}-{now[1]:02d}"
        for site, count, changed in ((self.made.sites[5], 15, 0), (self.made.sites[6], 4, 2)):
            there = [c for c in self._group(site) if len(self._times(site, c, before)) >= 12]
            children = there[:count]
            for child in children:
                times = self._times(site, child, before)
                self._rewrite(site, child, now, times, changed)
            self._note("identical-rows", site, period, children)
        site = self.made.sites[7]
        twins = [group[0] for group in (self._group(site, 0), self._group(site, 1))]
        twins.append(self._group(site, 2)[0])
        pattern = [
            (8 * 3600 + self.draws.number(0, 59) * 60, 17 * 3600 + self.draws.number(0, 59) * 60)
            for _ in self.days[now]
        ]
        for child in twins:
            self._rewrite(site, child, now, pattern, 0)
        for child in twins:
            self._note("identical-rows", site, period, [child])

    def _full_attendance(self) -> None:
        period = f"{self.last[0]}-{self.last[1]:02d}"
        for site, count in ((self.made.sites[8], 18), (self.made.sites[9], 11)):
            children = self._group(site)[:count]
            for child in children:
                for month in self.months:
                    times = [
                        (8 * 3600 + self.draws.number(0, 3000), 17 * 3600 + self.draws.number(0, 4000))
                        for _ in self.days[month]
                    ]
                    self._rewrite(site, child, month, times, 0)
            self._note("full-attendance", site, period, children)

    def _approvals(self) -> None:
        period = f"{self.last[0]}-{self.last[1]:02d}"
        for site, count, minutes in ((self.made.sites[10], 12, 1), (self.made.sites[11], 7, 4)):
            families: dict[str, Child] = {}
            for child in self._group(site, 1):
                families.setdefault(child.family, child)
            children = list(families.values())[:count]
            chosen = {child.id for child in children}
            held = [
                a for a in site.approvals if not (a.month == self.last and a.child in chosen)
            ]
            opens = max(a.at for a in held).replace(hour=21, minute=10)
            site.approvals = held + [
                Approval(
                    child.id,
                    self.last,
                    child.family,
                    opens + timedelta(minutes=minutes * n),
                    "one-phone",
                )
                for n, child in enumerate(children)
            ]
            self._note("one-device-approvals", site, period, children)

    def _far_apart(self) -> None:
        on = self.days[self.last][9]
        site = self.made.sites[12]
        here, there = self._group(site, 1)[:2]
        marks = (
            Mark(here.id, on, "in", 8 * 3600, place=_HERE),
            Mark(there.id, on, "in", 8 * 3600 + 90, place=_moved(120)),
        )
        self._forget(site, on, {here.id, there.id})
        site.uploads.append(Upload(f"{site.id}-second-tablet", marks))
        self._note("far-apart", site, on.isoformat(), [there], on)
        site = self.made.sites[13]
        (child,) = self._group(site, 1)[:1]
        self._forget(site, on, {child.id})
        mark = Mark(child.id, on, "in", 8 * 3600 + 300, place=_moved(90))
        site.uploads.append(
            Upload(f"{site.id}-second-tablet", (mark,), place_before=(*_HERE, 8 * 3600 + 200))
        )
        self._note("far-apart", site, on.isoformat(), [child], on)

    def _clock_jump(self) -> None:
        on = self.days[self.last][11]
        back, step = self.made.sites[14], self.made.sites[15]
        one, other = self._group(back)[:2]
        self._forget(back, on, {one.id, other.id})
        marks = (
            Mark(one.id, on, "in", 11 * 3600),
            Mark(other.id, on, "in", 8 * 3600 + 240),
        )
        back.uploads.append(Upload(f"{back.id}-second-tablet", marks))
        self._note("clock-jump", back, on.isoformat(), [other], on)
        (child,) = self._group(step)[:1]
        self._forget(step, on, {child.id})
        mark = Mark(child.id, on, "in", 8 * 3600)
        step.uploads.append(Upload(f"{step.id}-second-tablet", (mark,), -9_000, 20))
        self._note("clock-jump", step, on.isoformat(), [child], on)

    def _no_act(self) -> None:
        period = f"{self.last[0]}-{self.last[1]:02d}"
        for site, count in ((self.made.sites[16], 5), (self.made.sites[17], 1)):
            children = self._group(site, 2)[:count]
            ids = {child.id for child in children}
            site.approvals = [a for a in site.approvals if a.child not in ids]
            self._note("no-act", site, period, children)

    def _over_capacity(self) -> None:
        period = f"{self.last[0]}-{self.last[1]:02d}"
        for site, count in ((self.made.sites[18], 3), (self.made.sites[19], 1)):
            group_id = f"{site.id}-group-3"
            days = self.days[self.last][5:]
            extra = [
                Child(f"{group_id}-extra-{n}", group_id, f"{group_id}-extra-{n}", days[0])
                for n in range(count)
            ]
            for child in extra:
                site.children.append(child)
                for on in days:
                    self._add(site, child, on, "in", 8 * 3600 + self.draws.number(0, 2400))
                    self._add(site, child, on, "out", 17 * 3600 + self.draws.number(0, 2400))
            self._note("over-capacity", site, period, extra, *days)

    def _two_providers(self) -> None:
        period = f"{self.last[0]}-{self.last[1]:02d}"
        for site, count in ((self.made.sites[20], 3), (self.made.sites[21], 1)):
            for child in self._group(site)[:count]:
                here = [
                    mark.on
                    for upload in site.uploads
                    for mark in upload.marks
                    if mark.child == child.id and mark.kind == "in"
                    and (mark.on.year, mark.on.month) == self.last
                ]
                days = sorted(set(here))[:6]
                child.elsewhere["site-of-another-city"] = days
                self._note("two-providers", site, period, [child], *days)

    # --- hands

    def _add(self, site: Kindergarten, child: Child, on: date, kind: str, second: int) -> None:
        mark = Mark(child.id, on, kind, second)
        site.uploads.append(Upload(f"{site.id}-second-tablet", (mark,)))

    def _instead(
        self, site: Kindergarten, on: date, children: Sequence[Child], second: object
    ) -> None:
        """Mark children in by one upload in place of what they did that day."""
        self._forget(site, on, {child.id for child in children})
        marks = tuple(
            Mark(child.id, on, "in", second(n))  # type: ignore[operator]
            for n, child in enumerate(children)
        )
        site.uploads.append(Upload(f"{site.id}-second-tablet", marks))

    def _forget(self, site: Kindergarten, on: date | set[date], children: set[str]) -> None:
        days = {on} if isinstance(on, date) else on
        for n, upload in enumerate(site.uploads):
            if upload.marks and upload.marks[0].on in days:
                marks = tuple(m for m in upload.marks if m.child not in children)
                if len(marks) != len(upload.marks):
                    site.uploads[n] = replace(upload, marks=marks)

    def _times(
        self, site: Kindergarten, child: Child, month: Month
    ) -> list[tuple[int, int]]:
        """Return when a child came and left, on its days of a month."""
        found: dict[date, dict[str, int]] = {}
        for upload in site.uploads:
            for mark in upload.marks:
                if mark.child == child.id and (mark.on.year, mark.on.month) == month:
                    found.setdefault(mark.on, {})[mark.kind] = mark.second
        return [
            (of["in"], of["out"]) for _, of in sorted(found.items()) if {"in", "out"} <= of.keys()
        ]

    def _rewrite(
        self,
        site: Kindergarten,
        child: Child,
        month: Month,
        times: Sequence[tuple[int, int]],
        changed: int,
    ) -> None:
        """Let a child have come at these times, on as many working days; a few are changed."""
        days = self.days[month][: len(times)]
        self._forget(site, set(self.days[month]), {child.id})
        for n, (on, (came, left)) in enumerate(zip(days, times, strict=False)):
            shift = 60 * 17 if n < changed else 0
            self._add(site, child, on, "in", came + shift)
            self._add(site, child, on, "out", left)


def _moved(east: int) -> tuple[int, int]:
    return _HERE[0], _HERE[1] + east


def _number(site: Kindergarten) -> None:
    """Put each tablet's uploads in order of time and give its records their counters."""
    counters: dict[str, int] = {}
    sent = sorted(
        (upload for upload in site.uploads if upload.marks),
        key=lambda upload: (upload.device, upload.marks[0].on, upload.marks[0].second),
    )
    for n, upload in enumerate(sent):
        counter = counters.get(upload.device, 0)
        marks = tuple(replace(m, counter=counter + k) for k, m in enumerate(upload.marks, start=1))
        counters[upload.device] = counter + len(marks)
        sent[n] = replace(upload, marks=marks)
    site.uploads = sent
