"""The writes that a change of a voucher means, worked out from its before and after.

No action moves a seat, a waiting-list row or a clock by itself: it changes the voucher, and what
follows is written here, in one commit with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from chalicelib.budgets import actions as budgets
from chalicelib.children import actions as children
from chalicelib.children.rules import Power
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import from_stamp, local, local_day, stamp, start_of
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Group, Site
from chalicelib.storage import agenda, outbox
from chalicelib.storage.commit import Put, Write
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import rules, store
from chalicelib.vouchers.rules import Voucher

OFFER_TOPIC = "vouchers/offer"
CONTRACT_TOPIC = "vouchers/contract"
CONTRACT_SOON_TOPIC = "vouchers/contract-soon"
OFFER_LAPSE_TOPIC = "vouchers/offer-lapse"
FIRST_VISIT_TOPIC = "vouchers/first-visit"
SEATS_TOPIC = "vouchers/seat-ends"
ONE_DAY = timedelta(days=1)


def pack_of(voucher: Voucher) -> Pack:
    """Return the pack that judges a voucher now."""
    return load_pack(voucher.programme, voucher.area)


def represented(voucher_id: str, *, by: Actor, power: Power | None, now: datetime) -> Kept[Voucher]:
    """Return a voucher whose child the caller may act for. Raises Unknown, PowerMissing."""
    kept = store.load_voucher(voucher_id)
    children.acting_for(kept.value.child_id, by, power, local_day(now))
    return kept


def writes(
    kept: Kept[Voucher],
    after: Voucher,
    *,
    now: datetime,
    groups: Mapping[str, Kept[Group]] | None = None,
    starts_on: date | None = None,
) -> list[Write]:
    """Describe a voucher's next version and all that follows; the voucher's own row comes first.

    groups: those read already, so that the decision and the writes see the same rows.
    Raises NoPlace or GroupClosed when a new seat cannot be had.
    """
    before = kept.value
    known = dict(groups or {})
    today = local_day(now)
    missing = rules.touched(before, after) - known.keys()
    known |= providers.find_groups(sorted(missing)) if missing else {}
    seating = rules.seat(
        before,
        after,
        {group_id: k.value for group_id, k in known.items()},
        today=today,
        starts_on=starts_on,
    )
    described: list[Write] = [store.keep_voucher(kept, after)]
    for group_id, group in seating.groups.items():
        if group is not known[group_id].value:
            described.append(providers.keep_group(known[group_id], group))
    for group_id in sorted(seating.freed):
        described.append(offer_work(group_id, known[group_id].version + 1, now=now))
    return [*described, *follows(kept, after, now=now)]


def follows(kept: Kept[Voucher], after: Voucher, *, now: datetime) -> list[Write]:
    """Describe what follows from a voucher's next version beside its row and its seats."""
    return [
        *waiting_rows(kept.value, after, version=kept.version + 1),
        *money(kept, after, now=now),
        *clocks(kept.value, after),
    ]


def money(kept: Kept[Voucher], after: Voucher, *, now: datetime) -> list[Write]:
    """Describe how the money a voucher holds follows it: to another direction, or back.

    Each posting is named by the voucher's version that books it, so it is booked once.
    """
    before, version, today = kept.value, kept.version + 1, local_day(now)
    described = reserved_rows(before, after, version=version)
    back = rules.released(before, after, today)
    if back:
        described += budgets.releasing(f"release#{after.voucher_id}#{version}", back, at=stamp(now))
    if before.direction != after.direction:
        stays = store.find_stays(after.child_id, after.programme).value.stays
        for n, reserve in enumerate(rules.moved(before, after, stays, today), start=1):
            name = f"move#{after.voucher_id}#{version}#{n}"
            described += budgets.moving(name, reserve, after.direction, at=stamp(now))
    return described


def reserved_rows(before: Voucher | None, after: Voucher, *, version: int) -> list[Write]:
    """Describe how the area's list of vouchers that hold money follows the voucher."""
    old = rules.reserved(before) if before else None
    new = rules.reserved(after)
    if old == new:
        return []
    described: list[Write] = []
    if old is not None and (new is None or new.reserved_to != old.reserved_to):
        described.append(store.remove_reserved(after.programme, after.area, old, version=version))
    if new is not None:
        described.append(store.put_reserved(after.programme, after.area, new, version=version))
    return described


def offer_work(group_id: str, version: int, *, now: datetime) -> Put:
    """Describe the work of offering a freed seat; version: of the group's row that freed it."""
    key = f"vouchers-offer#{group_id}#{version}"
    return outbox.work(key, OFFER_TOPIC, now=now, group_id=group_id)


def waiting_rows(before: Voucher | None, after: Voucher, *, version: int) -> list[Write]:
    """Describe how the waiting lists follow the voucher."""
    old = rules.waiters(before) if before else {}
    new = rules.waiters(after)
    gone = [store.remove_waiting(old[g], version=version) for g in sorted(old.keys() - new.keys())]
    put = [store.put_waiting(new[g], version=version) for g in new if new[g] != old.get(g)]
    return [*gone, *put, *_standing_row(before, after, version=version)]


def _standing_row(before: Voucher | None, after: Voucher, *, version: int) -> list[Write]:
    """Describe how the area's list of those to be moved follows the voucher."""
    was = before is not None and any(w.standing for w in before.waiting)
    stands = any(w.standing for w in after.waiting)
    if was == stands:
        return []
    change = store.put_standing if stands else store.remove_standing
    return [change(after, version=version)]


def clocks(before: Voucher | None, after: Voucher) -> list[Write]:
    """Describe the reminders of every term that is new or was moved."""
    due: dict[tuple[str, str, datetime], Put] = {}

    def remind(at: datetime, topic: str, subject: str) -> None:
        due[topic, subject, at] = agenda.due(at, topic, subject)

    voucher_id = after.voucher_id
    term = after.contract_by
    if term is not None and after.state == "confirmed" and after.paused_since is None:
        was = before.contract_by if before and before.paused_since is None else None
        if term != was:
            remind(from_stamp(term), CONTRACT_TOPIC, voucher_id)
            remind(from_stamp(term) - ONE_DAY, CONTRACT_SOON_TOPIC, voucher_id)
    for entry in {*after.waiting} - {*(before.waiting if before else ())}:
        if entry.offered_until is not None:
            until = from_stamp(entry.offered_until)
            remind(until, OFFER_LAPSE_TOPIC, f"{voucher_id}/{entry.group_id}")
            # A term that ends while the offer is open is looked at again when the offer is over.
            if after.state == "confirmed" and term is not None and term < entry.offered_until:
                remind(until, CONTRACT_TOPIC, voucher_id)
    visit = after.first_visit_by
    if visit is not None and visit != (before.first_visit_by if before else None):
        remind(from_stamp(visit), FIRST_VISIT_TOPIC, voucher_id)
    for leaving in {*after.leaving} - {*(before.leaving if before else ())}:
        remind(start_of(leaving.until + ONE_DAY), SEATS_TOPIC, voucher_id)
    return list(due.values())


def tell(voucher: Voucher, what: str, mark: object, *, now: datetime, **facts: object) -> list[Put]:
    """Describe a notice to everybody who represents the child today.

    what: the template's last word; mark: tells this event from others of its kind.
    """
    people = children.representatives_of(voucher.child_id, local_day(now)) or (voucher.person_id,)
    return [
        outbox.notice(
            f"vouchers-{what}#{voucher.voucher_id}#{mark}",
            to=f"person:{person_id}",
            template=f"notice:vouchers/{what}",
            now=now,
            voucher_id=voucher.voucher_id,
            **facts,
        )
        for person_id in people
    ]


def tell_head(
    organisation_id: str,
    voucher: Voucher,
    what: str,
    mark: object,
    *,
    now: datetime,
    **facts: object,
) -> Put:
    """Describe a notice to a provider."""
    return outbox.notice(
        f"vouchers-{what}#{voucher.voucher_id}#{mark}",
        to=f"organisation:{organisation_id}",
        template=f"notice:vouchers/{what}",
        now=now,
        voucher_id=voucher.voucher_id,
        child_id=voucher.child_id,
        **facts,
    )


def named(group: Group, site: Site | None = None) -> dict[str, str]:
    """Return what people call a group: its provider's name and its own. One read without a site."""
    of = site or providers.load_site(group.site_id).value
    return {"site": of.name, "group": group.name}


def shown_at(instant: str) -> str:
    """Return an instant as Kazakhstan's clock shows it."""
    return f"{local(from_stamp(instant)):%d.%m.%Y %H:%M}"


def puts(described: Iterable[Write]) -> tuple[Put, list[Write]]:
    """Return the voucher's own row and the rest."""
    first, *rest = described
    if not isinstance(first, Put):
        raise TypeError("the voucher's row comes first")
    return first, rest
