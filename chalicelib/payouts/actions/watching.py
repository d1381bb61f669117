"""The watch over the calendar: which runs did not start, which steps are not complete.

Every schedule leaves a mark for its day (`storage.ran`), and every site's clock says what should
have been done there and was not. What is missing is told to the operator's desk, once a day, and
asked for again; whose turn it is, is told on the first and the last day of the step, the day
after it, and weekly from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from chalicelib.access import actions as access
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, local_day, shown_day
from chalicelib.payouts import store
from chalicelib.payouts.actions.clock import (
    CLOCK,
    dates_of,
    day_of,
    months_watched,
    standing_of,
)
from chalicelib.payouts.rules import clock
from chalicelib.payouts.rules.claims import Claim
from chalicelib.payouts.rules.clock import SiteClock, Step
from chalicelib.policy.actions import list_packs, load_pack
from chalicelib.policy.rules import Pack
from chalicelib.providers import store as sites
from chalicelib.storage import outbox, ran
from chalicelib.storage.commit import Put

# What the month's calendar cannot do without, in the order of a day; app.py fires them before the
# watch.
RUNS = ("run_billing", "run_claims", "run_payday", "run_attendance", "run_clock")
WATCH = "run_watch"
# After a longer silence of the watch itself, what the calendar still asks for is done by the runs
# of today.
DAYS_BACK = 3
# Whose desk is told of which step.
DESKS: dict[Step, str] = {
    "decide": "department",
    "agree": "department",
    "fund": "finance",
    "release": "finance",
    "send": "finance",
    "settle": "finance",
    "case": "finance",
}
# What to ask for again where a step is not complete, by topic.
_AGAIN = {
    "close": "attendance/daily",
    "remind": "attendance/daily",
    "hand-over": "attendance/daily",
    "bill": "billing/bill",
    "claim": "payouts/calculate",
    "clock": CLOCK,
}


@dataclass(frozen=True, slots=True)
class MissingRun:
    """A schedule that left no mark for a day."""

    job: str
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Incomplete:
    """A step that the schedules did not finish at some sites of an area's month."""

    programme: str
    area: str
    month: Month
    step: str
    site_ids: tuple[str, ...]

    def again(self, on: date) -> list[tuple[str, dict[str, str]]]:
        """Return the work that makes up for it: (topic, facts), one per site.

        A day's work at a site looks at the month before that day's, so an older one is asked for by
        the last day that did.
        """
        facts = {"month": str(self.month)}
        if self.step in ("close", "remind", "hand-over"):
            facts = {"on": min(on, self.month.next().last).isoformat()}
        return [(_AGAIN[self.step], {"site_id": one, **facts}) for one in self.site_ids]

    def looks(self) -> list[tuple[str, dict[str, str]]]:
        """Return the work that sees whether it was made up for."""
        return [(CLOCK, {"site_id": one, "month": str(self.month)}) for one in self.site_ids]


def missing_runs(at: datetime) -> list[MissingRun]:
    """Return the runs without a mark, oldest day first: of the day of an event and of the days
    before it on which the watch did not look either."""
    today = local_day(at)
    earlier: list[tuple[date, Mapping[str, ran.Ran]]] = []
    watched_before = False
    for back in range(1, DAYS_BACK + 1):
        day = today - timedelta(days=back)
        marks = ran.of_day(day)
        watched_before = WATCH in marks
        if watched_before:
            break
        earlier.insert(0, (day, marks))
    if not watched_before and not any(marks for _, marks in earlier):
        earlier = []  # nothing ran before: the installation began today, or was silent for long
    return [
        MissingRun(job, day)
        for day, marks in (*earlier, (today, ran.of_day(today)))
        for job in RUNS
        if job not in marks
    ]


def incomplete(at: datetime, *, of: Pack | None = None) -> list[Incomplete]:
    """Return the steps that sites should have passed by themselves by now and did not.

    of: in one area's programme alone.
    """
    today = local_day(at)
    found: list[Incomplete] = []
    for pack, month in months_watched(at):
        if of is not None and (pack.programme, pack.area) != (of.programme, of.area):
            continue
        looked = store.list_clocks(pack.programme, pack.area, month)
        by_step: dict[str, list[str]] = {}
        for one in looked:
            for step in one.undone:
                by_step.setdefault(step, []).append(one.site_id)
        unseen = _unseen(pack, looked, today=today)
        if unseen:
            by_step["clock"] = unseen
        found += [
            Incomplete(
                programme=pack.programme,
                area=pack.area,
                month=month,
                step=step,
                site_ids=tuple(sorted(site_ids)),
            )
            for step, site_ids in sorted(by_step.items())
        ]
    return found


def _unseen(pack: Pack, looked: Sequence[SiteClock], *, today: date) -> list[str]:
    """Return the sites on the List since yesterday or longer that nobody looked at today."""
    fresh = {one.site_id for one in looked if day_of(one.as_of) >= today}
    return [
        kept.value.site_id
        for kept in sites.list_sites(pack.programme, pack.area)
        if kept.value.listed_from is not None
        and kept.value.listed_from < today
        and kept.value.site_id not in fresh
    ]


def tell_operators(
    missing: Iterable[MissingRun], unfinished: Iterable[Incomplete], *, now: datetime
) -> int:
    """Tell the operators' desks what did not run and what is not complete; each once a day."""
    notices: list[Put] = []
    for run in missing:
        for area in sorted({pack.area for pack in list_packs()}):
            notices.append(
                outbox.notice(
                    f"run-missing#{run.job}#{run.on}#{area}",
                    to=f"desk:operator:{area}",
                    template="notice:payouts/run-missing",
                    now=now,
                    job=run.job,
                    on=shown_day(run.on),
                )
            )
    for one in unfinished:
        name = f"{one.programme}#{one.area}#{one.month}#{one.step}"
        notices.append(
            outbox.notice(
                f"step-incomplete#{name}#{local_day(now)}",
                to=f"desk:operator:{one.area}",
                template="notice:payouts/step-incomplete",
                now=now,
                programme=asdict(load_pack(one.programme, one.area).text),
                month=str(one.month),
                step=one.step,
                sites=len(one.site_ids),
            )
        )
    return outbox.write_each(notices)


def tell_desks(at: datetime, *, now: datetime) -> int:
    """Tell departments, finance and providers whose turn it is; return how many were told.

    On the first and the last day of a step, on the day after it where it is overdue, and weekly
    from then on: what a bank gave back on the 20th has its last day behind it and waits, too.
    """
    today = local_day(at)
    notices: list[Put] = []
    for pack, month in months_watched(at):
        if today <= month.last:
            continue
        dates = dates_of(pack, month)
        looked = store.list_clocks(pack.programme, pack.area, month)
        claims = [k.value for k in store.list_area_claims(pack.programme, pack.area, month)]
        cells = clock.added(standing_of(pack, looked, claims, today=today).values())
        for cell in cells:
            term = clock.term_of(cell.step, month, dates)
            if cell.step not in DESKS or not clock.is_told(term, today):
                continue
            turn = f"turn-{cell.step}-late" if today > term.last else f"turn-{cell.step}"
            notices.append(
                outbox.notice(
                    f"turn#{pack.programme}#{pack.area}#{month}#{cell.step}#{today}",
                    to=f"desk:{DESKS[cell.step]}:{pack.area}",
                    template=f"notice:payouts/{turn}",
                    now=now,
                    programme=asdict(pack.text),
                    month=str(month),
                    tenge=cell.tiyn // 100,
                    until=shown_day(term.last),
                )
            )
        notices += _to_sign(pack, month, claims, today=today, now=now)
    return outbox.write_each(notices)


def _to_sign(
    pack: Pack, month: Month, claims: Iterable[Claim], *, today: date, now: datetime
) -> list[Put]:
    """Describe reminders to the providers whose claim waits for their signature on a last day, and
    weekly from the day after it."""
    term = clock.term_of("sign", month, dates_of(pack, month))
    if today != term.last and not clock.is_told_late(term, today):
        return []
    return [
        outbox.notice(
            f"to-sign#{claim.claim_id}#{today}",
            to=f"organisation:{claim.organisation_id}",
            template="notice:payouts/claim-still-to-sign",
            now=now,
            month=str(month),
            tenge=claim.amount_tiyn // 100,
            until=shown_day(term.last),
        )
        for claim in claims
        if claim.state == "calculated" and claim.amount_tiyn > 0
    ]


# --- the desk that looks after it ---------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSeen:
    """A schedule on a day: when its work was handed out, None while it was not."""

    job: str
    at: str | None
    asked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What ran on a day, and what an area's months lack."""

    on: date
    runs: tuple[RunSeen, ...]
    incomplete: tuple[Incomplete, ...]


def watched(programme: str, area: str, *, on: date, by: Actor, now: datetime) -> Watched:
    """Return what ran on a day and what is incomplete in an area by the newest looks.

    Raises Unknown, NoPack.
    """
    access.demand(by, area=area)
    pack = load_pack(programme, area)
    marks = ran.of_day(on)
    runs = tuple(
        RunSeen(
            job=job,
            at=marks[job].at if job in marks else None,
            asked=marks[job].asked if job in marks else 0,
        )
        for job in (*RUNS, WATCH)
    )
    return Watched(on=on, runs=runs, incomplete=tuple(incomplete(now, of=pack)))
