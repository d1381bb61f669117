"""A voucher that was not used in time: no contract, or nobody came.

Where the pack says "end-of-category" the application goes back, as often as the pack allows, to
the end of its own category, and is withdrawn after that. Voucher, seat, waiting lists, reserved
money, the child's holdings and the place in the queue change in one commit, so a child never
stands in the queue beside a live voucher and never loses both.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from chalicelib.applications import rules, store
from chalicelib.applications.actions.common import entry, holding_of, tell
from chalicelib.applications.rules import Application
from chalicelib.children import actions as children
from chalicelib.children import rules as children_rules
from chalicelib.children import store as children_store
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import local_day
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import NoRuleInForce, Terms
from chalicelib.storage import outbox
from chalicelib.storage.commit import Put, Write, settles
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import actions as vouchers
from chalicelib.vouchers import rules as voucher_rules
from chalicelib.vouchers import store as vouchers_store
from chalicelib.vouchers.actions.parts import releasing
from chalicelib.vouchers.rules import Voucher

Missed = Literal["contract", "visit", "visits"]


def missed_contract(voucher_id: str, *, by: Actor, now: datetime) -> bool:
    """End a voucher whose contract was not signed in time; return whether it was so.

    The pack says what follows: the voucher goes back to the pool, or the application with it to
    the end of its category. Topic "vouchers/contract".
    """
    kept = vouchers_store.find_voucher(voucher_id)
    if kept is None or not voucher_rules.overdue_contract(kept.value, now):
        return False
    if kept.value.application_id and _sends_back(kept.value, now):
        return _end_unsigned(voucher_id, by=by, now=now)
    return vouchers.lapse_contract(voucher_id, by=by, now=now)


@settles
def _end_unsigned(voucher_id: str, *, by: Actor, now: datetime) -> bool:
    kept = vouchers_store.load_voucher(voucher_id)
    if not voucher_rules.overdue_contract(kept.value, now):
        return False
    _, writes = vouchers.ending(kept, "return", now=now)
    _send_back(kept.value, writes, (voucher_id,), missed="contract", by=by, now=now)
    return True


@settles
def missed_first_visit(voucher_id: str, *, by: Actor, now: datetime) -> bool:
    """End a voucher whose holder never came in the term for it; return whether it was so.

    Whether anybody came is for attendance to say: it asks for this only when nobody did. The
    enrolment ends yesterday, its seat is free and offered on at once. A voucher that needed no
    queue ends for good; with any other the application goes back to the end of its category.
    Topic "vouchers/first-visit", after attendance has looked.
    """
    kept = vouchers_store.find_voucher(voucher_id)
    if kept is None or not voucher_rules.overdue_visit(kept.value, now):
        return False
    ended, writes, gone = releasing(kept, "no-first-visit", now=now)
    if kept.value.application_id and _sends_back(kept.value, now):
        _send_back(kept.value, writes, gone, missed="visit", by=by, now=now)
        return True
    _end(ended, writes, gone, "visit", by=by, now=now)
    return True


@settles
def no_longer_comes(voucher_id: str, *, by: Actor, now: datetime) -> bool:
    """End a voucher whose holder came no more, for good; return whether it was still in use.

    Attendance asks for this after a warning and its term. The application was fulfilled and stays
    so; a new one stands at the end.
    """
    kept = vouchers_store.find_voucher(voucher_id)
    if kept is None or kept.value.state != "used":
        return False
    ended, writes, gone = releasing(kept, "no-visits", now=now)
    _end(ended, writes, gone, "visits", by=by, now=now)
    return True


def _end(
    ended: Voucher,
    writes: list[Write],
    gone: tuple[str, ...],
    missed: Missed,
    *,
    by: Actor,
    now: datetime,
) -> None:
    """Commit the end of a voucher that takes no application with it."""
    own, rest = writes[0], writes[1:]
    if not isinstance(own, Put):
        raise TypeError("the voucher's row comes first")
    journal.commit(
        journal.entry(
            "vouchers/ended-unused",
            f"voucher/{ended.voucher_id}",
            by=by,
            now=now,
            pack=ended.pack,
            missed=missed,
        ),
        own,
        *rest,
        _released(ended.child_id, gone),
        *_told(ended, missed, now=now),
    )


def _send_back(
    voucher: Voucher,
    writes: list[Write],
    gone: tuple[str, ...],
    *,
    missed: Missed,
    by: Actor,
    now: datetime,
) -> None:
    """Commit the end of a voucher with what it means for its application and its child."""
    kept = store.load_application(voucher.application_id)
    terms = _terms(voucher, now)
    application = rules.decide_send_back(kept.value, voucher.voucher_id, terms=terms, now=now)
    queued = application.state == "queued"
    told = f"sent-back-{missed}" if queued else "ended-unused"
    journal.commit(
        entry(
            "sent-back" if queued else "ended-unused",
            application,
            by=by,
            now=now,
            missed=missed,
            voucher=voucher.voucher_id,
            returns=application.returns,
            ordered_at=application.ordered_at,
        ),
        store.keep_application(kept, application),
        *writes,
        *_places(kept, application),
        *tell(
            application,
            told,
            f"{told}#{voucher.voucher_id}",
            now=now,
            category=application.category,
            left=max(terms.returns_max - application.returns, 0),
        ),
        _holdings(application, gone),
    )


def _places(kept: Kept[Application], application: Application) -> list[Write]:
    """Describe the queue and the officers' list following the application."""
    writes = store.verification(kept.value, application)
    if application.state == "queued":
        writes.append(store.enter_queue(application, rules.entry_of(application)))
    return writes


def _holdings(application: Application, gone: tuple[str, ...]) -> Put:
    """Describe the child without what ended, and with the application when it waits again."""
    kept = children_store.load_holdings(application.child_id)
    held = kept.value
    for gone_id in gone:
        held = children_rules.swap(held, gone_id)
    if application.state == "queued":
        # It never left the programme, so other programmes are not asked anew.
        beside = {holding.programme for holding in held.held}
        held = children_rules.hold(held, holding_of(application), beside=beside)
    return children_store.keep_holdings(kept, held)


def _released(child_id: str, gone: tuple[str, ...]) -> Put:
    kept = children_store.load_holdings(child_id)
    held = kept.value
    for gone_id in gone:
        held = children_rules.swap(held, gone_id)
    return children_store.keep_holdings(kept, held)


def _told(voucher: Voucher, missed: Missed, *, now: datetime) -> list[Write]:
    """Describe the notice about a voucher that ended for good."""
    what = "no-longer-comes" if missed == "visits" else "target-unused"
    people = children.representatives_of(voucher.child_id, local_day(now)) or (voucher.person_id,)
    return [
        outbox.notice(
            f"{what}#{voucher.voucher_id}",
            to=f"person:{person_id}",
            template=f"notice:applications/{what}",
            now=now,
            voucher_id=voucher.voucher_id,
        )
        for person_id in people
    ]


def _sends_back(voucher: Voucher, now: datetime) -> bool:
    """Return whether the rules of today send back; those of a programme that is over do not."""
    try:
        return _terms(voucher, now).contract_missed == rules.SENT_BACK
    except NoRuleInForce:
        return False


def _terms(voucher: Voucher, now: datetime) -> Terms:
    return load_pack(voucher.programme, voucher.area).at(local_day(now)).terms
