"""P11: billing is linear in providers: twenty are twenty times one, and so are 5,600, by a sample.

What the work of a provider-month takes (gather, judge, price, claim, post, the claim after it), in
calls and units, which are counts and need no control; and in processor time, twenty providers
against one of them twenty times over, with its A/A control. Then the same work where 10, 100, 1,000
and 5,600 providers stand in one area, more than any has: the sample's own work must not notice.
What grows is the schedule that lists them; it is stated per provider.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bench import cities, played
from bench.gates import Gate
from bench.measure import compare
from chalicelib.kernel.periods import Month
from infra.local import faults

CHILDREN = 25
MANY = 20
AREAS = (10, 100, 1_000, 5_600)
SAMPLE = 6
OFF = 0.10
FIGURES = ("calls", "read", "written")
MONTH = Month(2026, 3)
CHECK_DAY = datetime(2026, 4, 13, 4, 0, tzinfo=UTC)


def run() -> list[Gate]:
    """Return the gates of P11."""
    one = _night(1)
    many = _night(MANY)
    gates = [
        _within(
            f"P11 {MANY} providers / {MANY} times one, {name}",
            getattr(many, name) / (MANY * getattr(one, name)),
            f"{getattr(many, name):,.0f} of {getattr(one, name):,.0f}",
        )
        for name in FIGURES
    ]
    gates.append(_cpu())
    by_size = [_area(size) for size in AREAS]
    first, last = by_size[0], by_size[-1]
    gates += [
        _within(
            f"P11 a provider among {AREAS[-1]:,} / among {AREAS[0]}, {name}",
            getattr(last[0], name) / getattr(first[0], name),
            " ".join(f"{getattr(own, name) / SAMPLE:.1f}" for own, _ in by_size),
        )
        for name in FIGURES
    ]
    listed = [
        (schedule.read + 5 * schedule.written) / size
        for size, (_, schedule) in zip(AREAS, by_size, strict=True)
    ]
    gates.append(
        Gate(
            "P11 schedules, units a provider",
            " ".join(f"{one:.2f}" for one in listed),
            "falling",
            listed == sorted(listed, reverse=True),
        )
    )
    return gates


def _within(name: str, ratio: float, shown: str) -> Gate:
    return Gate(name, f"{ratio:.3f}  ({shown})", f"1 +- {OFF:g}", abs(ratio - 1) <= OFF)


def _night(providers: int) -> played.Use:
    """Return what the work queue's function takes to bill and claim so many provider-months."""
    with played.a_cloud() as cloud:
        month = city_of(cloud, [CHILDREN] * providers)
        meter = played.Meter()
        with meter.on():
            cloud.advance(CHECK_DAY, only=["run_billing", "run_claims"])
        _demand_posted(month)
        return meter.of(function="on_work")


def _cpu() -> Gate:
    from chalicelib.billing import actions
    from chalicelib.kernel.actors import system

    with played.a_cloud() as cloud:
        month = city_of(cloud, [CHILDREN] * MANY)
        sites = [provider.site_id for provider in month]
        by = system("billing")

        def bill(every: Sequence[str]) -> None:
            for site_id in every:
                actions.bill(site_id, MONTH, by=by, now=CHECK_DAY)

        bill(sites)
        _demand_posted(month)
        # Posted once, a month is gathered, judged, priced and compared again, and nothing written.
        found = compare(lambda: bill(sites), lambda: bill(sites[:1] * MANY), calls=1, blocks=7)
    return Gate(
        f"P11 {MANY} providers / {MANY} times one, CPU",
        f"{found.ratio:.2f}  ({found.ours_s * 1e3:.0f} / {found.anchor_s * 1e3:.0f} ms)",
        f"1 +- {OFF:g}",
        abs(found.ratio - 1) <= OFF,
        found.control,
    )


def _area(size: int) -> tuple[played.Use, played.Use]:
    """Return what a sample of an area's providers takes, and what its schedule takes."""
    from chalicelib.billing import actions
    from chalicelib.kernel.actors import system
    from chalicelib.payouts import actions as payouts

    with played.a_cloud() as cloud:
        sample = city_of(cloud, [CHILDREN] * SAMPLE)
        others = played.providers_of([1] * (size - SAMPLE), first=SAMPLE)
        played.settle(cloud, others, families=False)
        own, by = played.Use(), system("billing")
        with faults.watch() as seen:
            for provider in sample:
                actions.bill(provider.site_id, MONTH, by=by, now=CHECK_DAY)
                payouts.calculate(provider.site_id, MONTH, by=by, now=CHECK_DAY)
        own.add(played.Use(0, 0, len(seen.calls), 0, *seen.units))
        _demand_posted(sample)
        meter = played.Meter()
        with meter.on():
            cloud.triggers.fire("run_billing", CHECK_DAY)
        return own, meter.of(function="run_billing")


def city_of(cloud: Any, sizes: Sequence[int]) -> list[played.Provider]:
    """Settle providers with a month that was attended, closed and approved, and money for it."""
    from chalicelib.attendance import actions as attendance
    from chalicelib.budgets import actions as budgets
    from chalicelib.kernel.actors import Actor, Role
    from chalicelib.policy.actions import load_pack

    days = load_pack(played.PROGRAMME, played.AREA).calendar.working_days_in(MONTH)
    providers = played.providers_of(sizes)
    played.settle(cloud, providers, families=False)
    database = cloud.tables.engine.engine.database
    cities._put(database, (w for p in providers for w in played.filled(p, MONTH, days)))
    cloud.set_clock(datetime(2026, 4, 1, 6, 0, tzinfo=UTC))
    for provider in providers:
        attendance.close_month(
            provider.site_id, MONTH, by=played.head_of(provider), now=cloud.clock()
        )
    finance = Actor("finance-1", frozenset({Role.FINANCE}), areas=frozenset({played.AREA}))
    budgets.allot(
        programme=played.PROGRAMME,
        area=played.AREA,
        year=MONTH.year,
        amount_tiyn=10**15,
        act="No. 1",
        by=finance,
        now=cloud.clock(),
    )
    cloud.drain()
    cloud.set_clock(datetime(2026, 4, 11, 0, 0, tzinfo=UTC))
    return providers


def _demand_posted(providers: Sequence[played.Provider]) -> None:
    """Demand that each month was posted whole: what took little because it failed is no result."""
    from chalicelib.billing.store import statements

    for provider in providers:
        head, _ = statements.load_site_month(provider.site_id, MONTH)
        if head is None or not head.value.posted_tiyn:
            raise RuntimeError(f"nothing was posted for provider {provider.number}")
