"""Applications for tests: asked, kept, and with a voucher offered."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from chalicelib.applications import actions, rules, store
from chalicelib.applications.rules import Application, Asked, Checked, ClaimedStatus
from chalicelib.children import store as children
from chalicelib.children.rules import Holding, hold
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, system
from chalicelib.kernel.periods import from_stamp, stamp
from chalicelib.policy.actions import load_pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import DatedCapacity, Group, take_seat
from chalicelib.storage.commit import commit
from chalicelib.vouchers import actions as vouchers
from chalicelib.vouchers import rules as voucher_rules
from tests.children.builders import NOW, TODAY, an_iin, details

PACK = load_pack("preschool", "taldykorgan")
RULES = PACK.at(TODAY)


def silent(digests: Sequence[str], status: str, now: datetime) -> Checked:
    return Checked("unavailable", stamp(now))


def proves(*statuses: str) -> Callable[[Sequence[str], str, datetime], Checked]:
    def check(digests: Sequence[str], status: str, now: datetime) -> Checked:
        assert digests and all(re.fullmatch(r"\d+-[0-9a-f]{64}", d) for d in digests)
        return Checked("proved" if status in statuses else "not-found")

    return check


def asked(n: int = 0, **changes: Any) -> Asked:
    """Return an application for the n-th child."""
    return Asked(
        **{
            "programme": "preschool",
            "area": "taldykorgan",
            "language": "kk",
            "kind": "general",
            "child_id": None,
            "child": details(iin=an_iin(100 + n)),
            "statuses": (),
            "preferences": (),
            "batch": None,
            **changes,
        }
    )


def an_application(**changes: Any) -> Application:
    """Return an application that was never stored."""
    standing = rules.stand(date(2022, 5, 4), TODAY, RULES)
    application = rules.decide_application(
        asked(),
        application_id="application-1",
        child_id="child-1",
        person_id="person-1",
        ticket="aaaa-bbbb-cccc",
        statuses=(),
        standing=standing,
        batch_id=None,
        fingerprint="f",
        pack=PACK,
        now=NOW,
    )
    return replace(application, **changes)


def a_status(state: rules.StatusState, code: str = "teacher", **changes: Any) -> ClaimedStatus:
    fields: dict[str, Any] = {"proof": "paper", "prove_by": None, **changes}
    return ClaimedStatus(status=code, state=state, **fields)


def apply(
    by: Actor,
    application_id: str = "application-1",
    n: int = 0,
    *,
    now: datetime = NOW,
    ask: Any = silent,
    **changes: Any,
) -> Application:
    return actions.apply(application_id, asked(n, **changes), by=by, now=now, ask_registry=ask)


def a_group(group_id: str = "group-one-1", **changes: Any) -> Group:
    return Group(
        **{
            "group_id": group_id,
            "site_id": "site-one-1",
            "organisation_id": "org-one-1",
            "programme": "preschool",
            "area": "taldykorgan",
            "name": "Балапан",
            "academic_year": 2025,
            "age_from": 3,
            "age_to": 3,
            "language": "kk",
            "kind": "general",
            "hours": "10.5",
            "locality": "urban",
            "capacity": 20,
            "capacities": (DatedCapacity(date(2025, 9, 1), 20),),
            "open": True,
            **changes,
        }
    )


def keep_group(group: Group) -> Group:
    commit(providers.create_group(group))
    return group


def offer(
    application_id: str, group: Group | None = None, *, now: datetime = NOW
) -> voucher_rules.Voucher:
    """Issue a voucher as an iteration does, with a seat in a group when one is given."""
    kept = store.load_application(application_id)
    application = kept.value
    confirm_by = PACK.calendar.deadline(now, working_days=RULES.terms.confirm_working_days)
    voucher = voucher_rules.issue(
        voucher_id=f"voucher-{application_id}-{application.restores}",
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
        preferences=application.preferences,
        group=group,
        waiting=(),
        issued_at=now,
        confirm_by=confirm_by,
        run_id="run-one-1",
        pack=application.pack,
    )
    offered = rules.decide_offer(application, voucher.voucher_id, stamp(confirm_by))
    put, rest = store.offer(kept, store.load_entry(application), offered)
    holdings = children.load_holdings(application.child_id)
    holding = Holding(
        kind="voucher", id=voucher.voucher_id, programme=voucher.programme, area=voucher.area
    )
    writes = [*rest, *vouchers.issuing(voucher)]
    writes.append(children.keep_holdings(holdings, hold(holdings.value, holding)))
    if group is not None:
        kept_group = providers.load_group(group.group_id)
        seated = take_seat(kept_group.value, voucher.voucher_id, "reserved", TODAY)
        writes.append(providers.keep_group(kept_group, seated))
    by = system("queue/iteration")
    journal.commit(journal.entry("test/offered", "run/run-one-1", by=by, now=now), put, *writes)
    return voucher


def just_before(instant: str | None) -> datetime:
    assert instant is not None
    return from_stamp(instant) - timedelta(microseconds=1)


def at(instant: str | None) -> datetime:
    assert instant is not None
    return from_stamp(instant)
