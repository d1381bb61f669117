"""Applications for clubs: asked for, drawn, with a voucher that needs no confirmation."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from chalicelib.applications import actions, rules, store
from chalicelib.applications.rules import Application, Intake, IntakeAsked
from chalicelib.budgets import actions as budgets
from chalicelib.budgets.rules.reserving import Reserve
from chalicelib.children import store as children
from chalicelib.children.rules import Holding, swap
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, Role, system
from chalicelib.kernel.periods import Month, stamp
from chalicelib.policy.actions import load_pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Group, SiteState
from chalicelib.storage.commit import Write, commit
from chalicelib.vouchers import actions as vouchers
from chalicelib.vouchers import rules as voucher_rules
from chalicelib.vouchers.rules import Voucher
from tests.applications.builders import silent
from tests.children.builders import NOW, TODAY, an_iin, details
from tests.providers.builders import a_group, a_site

CLUBS = load_pack("clubs", "karaganda")
CLUB_RULES = CLUBS.at(TODAY)
ORDINARY = CLUB_RULES.tiers[-1].code
BORN = date(2015, 5, 4)

OPENS = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
CLOSES = datetime(2026, 3, 13, 4, 0, tzinfo=UTC)
BEACON = datetime(2026, 3, 14, 5, 0, tzinfo=UTC)
SIGNATURE = "ab" * 48
SEED = hashlib.sha256(bytes.fromhex(SIGNATURE)).hexdigest()
INTAKE = "intake-2026-03"

OPERATOR = Actor("operator-karaganda", frozenset({Role.OPERATOR}), areas=frozenset({"karaganda"}))


def asked_club(n: int = 0, **changes: Any) -> rules.Asked:
    """Return an application for the n-th child, aged ten."""
    return rules.Asked(
        **{
            "programme": "clubs",
            "area": "karaganda",
            "language": "any",
            "kind": "",
            "child_id": None,
            "child": details(iin=an_iin(100 + n), birth_date=BORN),
            "statuses": (),
            "preferences": (),
            "batch": None,
            **changes,
        }
    )


def apply_club(
    by: Actor,
    application_id: str = "application-1",
    n: int = 0,
    *,
    now: datetime = NOW,
    ask: Any = silent,
    **changes: Any,
) -> Application:
    return actions.apply(application_id, asked_club(n, **changes), by=by, now=now, ask_registry=ask)


def a_window(**changes: Any) -> IntakeAsked:
    return IntakeAsked(
        **{
            "programme": "clubs",
            "area": "karaganda",
            "opens_at": OPENS,
            "closes_at": CLOSES,
            "beacon_at": BEACON,
            **changes,
        }
    )


def announce(intake_id: str = INTAKE, *, now: datetime = NOW, **changes: Any) -> Intake:
    return actions.announce(intake_id, a_window(**changes), by=OPERATOR, now=now)


def draw(intake: Intake, *, now: datetime = BEACON, signature: str = SIGNATURE) -> Intake:
    return actions.draw(
        intake.intake_id,
        round_=intake.round,
        randomness=hashlib.sha256(bytes.fromhex(signature)).hexdigest(),
        signature=signature,
        by=OPERATOR,
        now=now,
    )


def allot(direction: str = "sport", vouchers: int = 3) -> None:
    """Allot money for so many vouchers of a direction."""
    finance = Actor(
        "finance-1",
        frozenset({Role.FINANCE}),
        areas=frozenset({"karaganda"}),
        directions=frozenset({"*"}),
    )
    budgets.allot(
        programme="clubs",
        area="karaganda",
        year=2026,
        amount_tiyn=vouchers * _reserve(direction).month_tiyn * 10,
        act="act-1",
        direction=direction,
        by=finance,
        now=NOW,
    )


def free(direction: str = "sport") -> int:
    return budgets.free("clubs", "karaganda", 2026, [direction])[direction]


def _reserve(direction: str) -> Reserve:
    return Reserve(
        programme="clubs",
        area="karaganda",
        direction=direction,
        month_tiyn=CLUB_RULES.month_max_tiyn(sen=False),
        first=Month(2026, 3),
        last=Month(2026, 12),
    )


def a_club(**changes: Any) -> Group:
    """Keep a private club of football with four places; return its group."""
    commit(
        providers.create_site(
            a_site(
                site_id="site-club-1",
                organisation_id="org-club-1",
                programme="clubs",
                area="karaganda",
                name="Жұлдыз",
                direction="sport",
                state=SiteState.LISTED,
            )
        )
    )
    group = a_group(
        **{
            "group_id": "group-club-1",
            "site_id": "site-club-1",
            "organisation_id": "org-club-1",
            "programme": "clubs",
            "area": "karaganda",
            "age_from": 8,
            "age_to": 12,
            "kind": "sport",
            "hours": "60",
            "activity": "football",
            **changes,
        }
    )
    commit(providers.create_group(group))
    return group


def give(
    application_id: str, *, now: datetime = NOW, number: int = 1, reserved: bool = False
) -> Voucher:
    """Issue a voucher as a run by budget does: confirmed at once, to be used in ten days.

    reserved: with money of sport, from now to the end of the year.
    """
    kept = store.load_application(application_id)
    application = kept.value
    contract_by = CLUBS.calendar.deadline(now, working_days=CLUB_RULES.terms.contract_working_days)
    voucher = replace(
        voucher_rules.issue(
            voucher_id=f"voucher-{application_id}-{number}",
            application_id=application_id,
            child_id=application.child_id,
            person_id=application.person_id,
            programme=application.programme,
            area=application.area,
            age=application.age,
            academic_year=application.academic_year,
            language=application.language,
            kind=application.kind,
            order="000001",
            preferences=(),
            group=None,
            waiting=(),
            issued_at=now,
            confirm_by=now,
            run_id="run-one-1",
            pack=application.pack,
        ),
        state="confirmed",
        contract_by=stamp(contract_by),
        voucher_kind="universal",
    )
    money: list[Write] = []
    if reserved:
        reserve = _reserve("sport")
        voucher = replace(
            voucher,
            direction="sport",
            reserve_tiyn=reserve.month_tiyn,
            reserved_from=str(reserve.first),
            reserved_to=str(reserve.last),
        )
        money = budgets.reserving(f"reserve#{voucher.voucher_id}", [reserve], at=stamp(now))
    offered = rules.decide_offer(
        application, voucher.voucher_id, stamp(now), needs_confirmation=False
    )
    put, rest = store.offer(kept, store.load_entry(application), offered)
    holdings = children.load_holdings(application.child_id)
    holding = Holding(
        kind="voucher", id=voucher.voucher_id, programme=voucher.programme, area=voucher.area
    )
    journal.commit(
        journal.entry("test/given", "run/run-one-1", by=system("queue/iteration"), now=now),
        put,
        *rest,
        *money,
        *vouchers.issuing(voucher),
        children.keep_holdings(holdings, swap(holdings.value, application_id, holding)),
    )
    return voucher


A_DAY = timedelta(days=1)
