"""A kindergarten with children, families and a tablet, written straight into the tables."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from chalicelib.attendance import actions, store
from chalicelib.attendance.rules import Device
from chalicelib.children import store as children
from chalicelib.children.rules import Alias, Person, Relation
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import Month, stamp
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Site, SiteState
from chalicelib.storage import keys
from chalicelib.storage.commit import Put, commit
from chalicelib.vouchers import store as vouchers
from chalicelib.vouchers.rules import Enrolment, Member, Roster
from chalicelib.vouchers.rules.values import Stay, Stays
from tests.attendance.tablets import Tablet, b64

SITE, OTHER_SITE = "site-balapan", "site-another"
ORGANISATION = "organisation-1"
GROUP = "group-senior"
AREA = "taldykorgan"
MARCH = Month(2026, 3)
# Monday 2 March 2026, 09:00 in Almaty.
MORNING = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
STARTED = date(2025, 9, 1)

HEAD = Actor("head-1", frozenset({Role.HEAD}), organisations=frozenset({ORGANISATION}))
STRANGER = Actor("head-2", frozenset({Role.HEAD}), organisations=frozenset({"organisation-2"}))
OFFICER = Actor("officer-1", frozenset({Role.DEPARTMENT}), areas=frozenset({AREA}))
FAR_OFFICER = Actor("officer-2", frozenset({Role.DEPARTMENT}), areas=frozenset({"astana"}))


def enrolment(n: int = 1) -> str:
    return f"enrolment-{n:02d}"


def child(n: int = 1) -> str:
    return f"child-{n:06d}"


def person(n: int = 1) -> str:
    return f"person-{n:06d}"


def parent(n: int = 1, subject: str | None = None) -> Actor:
    return Actor(subject or f"sign-in-{n:06d}", frozenset({Role.REPRESENTATIVE}))


def at(text: str) -> datetime:
    """Return a wall-clock time of Almaty, "2026-03-02 09:00"."""
    return datetime.fromisoformat(f"{text}+05:00")


def open_site(
    *,
    children_count: int = 2,
    site_id: str = SITE,
    organisation_id: str = ORGANISATION,
    starts_on: date = STARTED,
    ends_on: date | None = None,
    first: int = 1,
) -> None:
    """Open a kindergarten with children 1 to n on the roster."""
    site = Site(
        site_id=site_id,
        organisation_id=organisation_id,
        programme="preschool",
        area=AREA,
        name="Балапан",
        address="Абай 1",
        locality="urban",
        form="private",
        state=SiteState.LISTED,
        listed_from=date(2025, 1, 1),
        valid_to=date(2026, 12, 31),
    )
    for put in providers.create_site(site):
        commit([put])
    numbers = range(first, first + children_count)
    members = tuple(Member(enrolment(n), child(n), starts_on, ends_on) for n in numbers)
    roster = vouchers.find_roster(site_id, GROUP)
    commit([vouchers.keep_roster(roster, Roster(site_id, GROUP, members))])
    for n in numbers:
        _enrol(n, site_id, organisation_id, starts_on, ends_on)


def _enrol(
    n: int, site_id: str, organisation_id: str, starts_on: date, ends_on: date | None
) -> None:
    enrolled = Enrolment(
        enrolment_id=enrolment(n),
        voucher_id=f"voucher-{n:06d}",
        child_id=child(n),
        person_id=person(n),
        programme="preschool",
        area=AREA,
        organisation_id=organisation_id,
        site_id=site_id,
        group_id=GROUP,
        kind="general",
        hours="10.5",
        locality="urban",
        starts_on=starts_on,
        ends_on=ends_on,
    )
    stays = vouchers.find_stays(child(n), "preschool")
    stay = Stay(enrolment(n), f"voucher-{n:06d}", site_id, GROUP, starts_on, ends_on)
    commit([vouchers.create_enrolment(enrolled)])
    commit([vouchers.keep_stays(stays, Stays((*stays.value.stays, stay)))])


def a_family(n: int = 1, *, subject: str | None = None) -> Actor:
    """Register the representative of a child and return it."""
    actor = parent(n, subject)
    writes: list[Put] = [
        children.ALIASES.create(keys.alias(actor.subject), Alias(person_id=person(n))),
        children.PERSONS.create(
            keys.person(person(n)),
            Person(
                person_id=person(n),
                subject=actor.subject,
                language="kk",
                created_at=stamp(MORNING),
                asked="",
                identity="",
            ),
        ),
        *children.create_relation(
            Relation(
                child_id=child(n),
                person_id=person(n),
                powers=("apply", "choose", "confirm", "withdraw"),
                valid_from=STARTED,
                valid_to=None,
                basis="birth-record",
            )
        ),
        *children.seal_child(child(n), {"surname": f"Жұмабаев{n}", "given_name": "Ерасыл"}),
    ]
    for write in writes:
        commit([write])
    return actor


def pair(
    tablet: Tablet, *, site_id: str = SITE, head: Actor = HEAD, now: datetime = MORNING
) -> Device:
    """Pair a tablet the way people do."""
    code = actions.invite(
        f"pairing-{tablet.seed:04d}", site_id=site_id, label="Кіреберіс", by=head, now=now
    ).code
    return actions.pair(
        tablet.device_id,
        code=code,
        public_key=tablet.public,
        label="Планшет",
        proof=_bytes(tablet.proof(code)),
        by=Actor("public", frozenset({Role.PUBLIC})),
        now=now,
    )


def device_actor(tablet: Tablet) -> Actor:
    return Actor(tablet.device_id, frozenset({Role.DEVICE}), key=tablet.public)


def send(tablet: Tablet, records: Iterable[object], *, now: datetime = MORNING) -> actions.Receipt:
    return actions.receive(list(records), by=device_actor(tablet), now=now)


def marks_of(n: int = 1, month: Month = MARCH, *, site_id: str = SITE) -> frozenset[int]:
    return store.find_sheet(site_id, month, child(n)).marks


def _bytes(text: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


__all__ = [name for name in globals() if not name.startswith("_")] + ["b64"]
