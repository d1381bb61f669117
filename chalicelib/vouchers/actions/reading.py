"""What representatives, heads and officers see of vouchers and enrolments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from chalicelib.access import actions as access
from chalicelib.children import actions as children
from chalicelib.children import store as people
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import local_day
from chalicelib.kernel.refusals import Unknown
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Site
from chalicelib.vouchers import store
from chalicelib.vouchers.actions import change
from chalicelib.vouchers.rules import Enrolment, Voucher

_NAMES = ("surname", "given_name", "patronymic")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A voucher whose seat is in a group of the site; names only once it is confirmed."""

    voucher: Voucher
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """An enrolment of the site, with the child's names for the site's own people."""

    enrolment: Enrolment
    names: Mapping[str, str]


def load_own(voucher_id: str, *, by: Actor, now: datetime) -> tuple[Voucher, Enrolment | None]:
    """Return a voucher of the caller's child and the enrolment it pays. Raises Unknown."""
    voucher = change.represented(voucher_id, by=by, power=None, now=now).value
    return voucher, _enrolment_of(voucher)


def papers_text(voucher: Voucher, language: str, *, now: datetime) -> str | None:
    """Return in the reader's language why papers were refused; None when they were not."""
    if voucher.papers_reason is None:
        return None
    rows = change.pack_of(voucher).at(local_day(now)).papers_refusal_reasons
    texts = (row.text for row in rows if row.code == voucher.papers_reason)
    return next((text.in_(language) for text in texts), None)


def list_own(*, by: Actor, now: datetime) -> list[Voucher]:
    """Return the live vouchers of all children the caller represents, newest first."""
    person = children.person_of(by)
    ids = []
    for child_id in children.children_of(person.person_id, local_day(now)):
        held = people.load_holdings(child_id).value.held
        ids += [h.id for h in held if h.kind == "voucher"]
    found = store.find_vouchers(ids)
    vouchers = [kept.value for kept in found.values()]
    return sorted(vouchers, key=lambda v: (v.issued_at, v.voucher_id), reverse=True)


def site_expected(
    site_id: str, *, by: Actor, after: str, limit: int
) -> tuple[list[Expected], str | None]:
    """Return vouchers with a reserved seat at a site, by id, and where the next page begins.

    The groups' own rows say who holds a seat, so no index is asked. Raises Unknown.
    """
    site = _seen_site(site_id, by)
    holders = sorted(
        voucher_id
        for kept in providers.list_site_groups(site_id)
        for voucher_id, seat in kept.value.holders.items()
        if seat.state == "reserved" and voucher_id > after
    )
    page = holders[:limit]
    found = store.find_vouchers(page)
    vouchers = [found[v].value for v in page if v in found]
    # Whoever has not confirmed yet may still go elsewhere: no names before.
    known = [v.child_id for v in vouchers if v.state == "confirmed" and v.site_id == site_id]
    names = _names(known, site, by)
    expected = [
        Expected(voucher=v, names=names.get(v.child_id, {}))
        for v in vouchers
        if v.site_id == site_id and v.seat == "reserved"
    ]
    return expected, page[-1] if len(holders) > limit else None


def site_enrolments(
    site_id: str, *, on: date | None, by: Actor, after: str | None, limit: int
) -> tuple[list[Enrolled], str | None]:
    """Return a site's enrolments by id, and where the next page begins; on: only those of a day.

    Raises Unknown for people of other sites, alike.
    """
    site = _seen_site(site_id, by)
    page: list[Enrolment] = []
    more = False
    for kept in store.each_enrolment(site_id, after=after):
        enrolment = kept.value
        if on is not None and not _holds(enrolment, on):
            continue
        if len(page) == limit:
            more = True
            break
        page.append(enrolment)
    names = _names([e.child_id for e in page], site, by)
    enrolled = [Enrolled(enrolment=e, names=names.get(e.child_id, {})) for e in page]
    return enrolled, page[-1].enrolment_id if more else None


def enrolment_of_child(child_id: str, programme: str) -> Enrolment | None:
    """Return the enrolment a child holds in a programme now, None without one. Two reads."""
    holding = people.load_holdings(child_id).value.of(programme, "enrolment")
    if holding is None or holding.site_id is None:
        return None
    kept = store.find_enrolment(holding.site_id, holding.id)
    return kept.value if kept else None


def enrolments_of_child(
    child_id: str, programme: str, *, first: date, last: date
) -> list[Enrolment]:
    """Return a child's enrolments that have a day from `first` to `last`, oldest first.

    Ended ones and those of closed vouchers too: a month is approved after its end. Two reads.
    """
    stays = store.find_stays(child_id, programme).value.stays
    places = [
        (stay.site_id, stay.enrolment_id)
        for stay in stays
        if stay.starts_on <= last
        and (stay.ends_on is None or stay.ends_on >= max(first, stay.starts_on))
    ]
    found = [kept.value for kept in store.find_enrolments(places)]
    return sorted(found, key=lambda e: (e.starts_on, e.enrolment_id))


def _enrolment_of(voucher: Voucher) -> Enrolment | None:
    if voucher.site_id is None or voucher.enrolment_id is None:
        return None
    return store.load_enrolment(voucher.site_id, voucher.enrolment_id).value


def _seen_site(site_id: str, by: Actor) -> Site:
    """Return a site whose people the caller may see. Raises Unknown."""
    kept = providers.find_site(site_id)
    if kept is None:
        raise Unknown()
    site = kept.value
    access.demand(by, organisation=site.organisation_id, area=site.area, direction=site.direction)
    return site


def _own(site: Site, by: Actor) -> bool:
    found = access.reaching(by, organisation=site.organisation_id)
    return not found.isdisjoint({Role.HEAD, Role.EDUCATOR})


def _names(child_ids: Sequence[str], site: Site, by: Actor) -> dict[str, dict[str, str]]:
    """Return names by child for the site's own people; officers and auditors see ids alone."""
    if not _own(site, by) or not child_ids:
        return {}
    opened = people.children_fields(child_ids)
    return {
        child_id: {name: fields.get(name, "") for name in _NAMES}
        for child_id, fields in opened.items()
    }


def _holds(enrolment: Enrolment, on: date) -> bool:
    return enrolment.starts_on <= on and (enrolment.ends_on is None or on <= enrolment.ends_on)
