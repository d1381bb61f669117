"""Erase a child: ask, carry out, take back, and repeat after a copy was restored.

What is destroyed: the child's data key and sealed fields, its claim on its IIN, the texts of its
complaints; the same of each representative who has no other child. What stays says nothing of a
person any more: rows by pseudonymous id, totals, statements, proofs and the journal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from chalicelib.access import actions as access
from chalicelib.applications import store as applications
from chalicelib.children import actions as children
from chalicelib.children import rules as children_rules
from chalicelib.children import store as people
from chalicelib.children.rules import Child, Person, Relation
from chalicelib.complaints import store as complaints
from chalicelib.complaints.rules import OPEN
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, from_stamp, local_day, stamp
from chalicelib.payouts import store as payouts
from chalicelib.rights import rules, store
from chalicelib.rights.rules import Asking, Erased, Erasure, Stands
from chalicelib.storage import agenda, outbox, vault
from chalicelib.storage.commit import Write, commit, settles
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import store as vouchers

TOPIC = "rights/erase"
FINISH = "rights/finish-erasure"
_AT_ONCE = 90
# Claims of older months are settled or have an open case of their own, which names no child.
_MONTHS_BACK = 36
_SETTLED = frozenset({"settled", "refused"})


@settles
def ask(erasure_id: str, child_id: str, *, by: Actor, now: datetime) -> Erasure:
    """Have a child's data erased after a delay; the same again gets the same answer.

    Checks in order: who asks, the id, another erasure under way, what stands in the way.
    Raises Unknown, PowerMissing, AnotherContent, AskedAlready, StillNeeded.
    """
    earlier = store.find_erasure(erasure_id)
    if earlier is not None:
        _check_own(earlier.value, child_id, by)
        return earlier.value
    person = children.acting_for(child_id, by, "withdraw", local_day(now))
    child = people.load_child(child_id)
    under_way = store.find_asking(child_id)
    asked = rules.decide_ask(
        erasure_id,
        child_id=child_id,
        person_id=person.person_id,
        earlier=None,
        under_way=under_way.value,
        stands=stands_in_the_way(child_id, now=now),
        now=now,
    )
    journal.commit(
        journal.entry(
            "rights/erasure-asked", f"erasure/{erasure_id}", by=by, now=now, child=child_id
        ),
        store.create_erasure(asked),
        store.keep_asking(under_way, Asking(erasure_id)),
        agenda.due(from_stamp(asked.due_at), TOPIC, erasure_id),
        *_tell(asked, "erasure-asked", child.value, now=now),
    )
    return asked


def see(erasure_id: str, *, by: Actor, now: datetime) -> Erasure:
    """Return an erasure to those who act for the child, who asked, or serve its area.

    Raises Unknown.
    """
    erasure = store.load_erasure(erasure_id).value
    child = people.load_child(erasure.child_id).value
    access.demand(by, area=child.area, child=_is_family(erasure, by, now))
    return erasure


@settles
def stop(erasure_id: str, *, by: Actor, now: datetime) -> Erasure:
    """Take an erasure back: any representative of the child may. Raises Unknown, ErasureOver."""
    kept = store.load_erasure(erasure_id)
    access.demand(by, child=_is_family(kept.value, by, now))
    return _stopped(kept, (), by=by, now=now)


@settles
def carry_out(erasure_id: str, *, by: Actor, now: datetime) -> Erasure:
    """Erase a child now; done before stays as it is. An officer of the area, before the term.

    Raises Unknown, ErasureOver, StillNeeded.
    """
    kept = store.load_erasure(erasure_id)
    access.demand(by, area=people.load_child(kept.value.child_id).value.area)
    access.concerns(kept.value.child_id)
    if kept.value.state == "done":
        return kept.value
    rules.refuse(stands_in_the_way(kept.value.child_id, now=now))
    return _carried_out(kept, by=by, now=now)


@settles
def fall_due(erasure_id: str, *, by: Actor, now: datetime) -> bool:
    """Erase a child whose term is over; where something stands in the way, stop and tell."""
    kept = store.find_erasure(erasure_id)
    if kept is None or not rules.is_due(kept.value, now):
        return False
    stands = stands_in_the_way(kept.value.child_id, now=now)
    if stands:
        _stopped(kept, stands, by=by, now=now)
    else:
        _carried_out(kept, by=by, now=now)
    return True


def erase_ended(child_id: str, *, by: Actor, now: datetime) -> bool:
    """Erase a child whose term of keeping is over; False where something stands in the way."""
    kept = people.find_child(child_id)
    if kept is None or kept.value.erased_at or stands_in_the_way(child_id, now=now):
        return False
    _erase(kept, None, by=by, now=now)
    return True


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many entries of the list were looked at, and how many had come back."""

    listed: int
    erased: int


def replay(entries: Iterable[Erased], *, by: Actor, now: datetime) -> Replayed:
    """Erase again what a restored copy brought back. Safe to repeat and to interrupt."""
    listed = again = 0
    for entry in entries:
        listed += 1
        subjects = [f"CHILD#{entry.child_id}", *(f"PERSON#{p}" for p in entry.persons)]
        kept = people.find_child(entry.child_id)
        back = vault.open_many(subjects)
        if kept is not None and (kept.value.erased_at is None or back):
            _erase(kept, None, by=by, now=now, also=entry.persons)
            again += 1
        forget_texts(entry.child_id)
        for person_id in entry.persons:
            forget_person(person_id, by=by, now=now)
        commit([store.put_on_list(entry)])
    return Replayed(listed, again)


def erased_list(now: datetime) -> list[Erased]:
    """Return the whole erasure list as it is kept beside the keys."""
    return list(store.each_on_list(now.year))


def stands_in_the_way(child_id: str, *, now: datetime) -> tuple[Stands, ...]:
    """Return what has to end before a child may be forgotten."""
    about = complaints.find_complaints(list(complaints.each_about(child_id)))
    return rules.stands_of(
        people.load_holdings(child_id).value,
        unpaid=_unpaid(child_id, now=now),
        complaints=any(complaint.state in OPEN for complaint in about.values()),
    )


# --- steps --------------------------------------------------------------------------------------


def _carried_out(kept: Kept[Erasure], *, by: Actor, now: datetime) -> Erasure:
    child = people.load_child(kept.value.child_id)
    return _erase(child, kept, by=by, now=now)


def _erase(
    kept: Kept[Child],
    asked: Kept[Erasure] | None,
    *,
    by: Actor,
    now: datetime,
    also: Sequence[str] = (),
) -> Erasure:
    child = kept.value
    relations = people.list_relations(child.child_id)
    persons = sorted({*_left_alone(child.child_id, relations), *also})
    erasure = asked.value if asked else _by_itself(child.child_id, now)
    done = rules.decide_done(erasure, persons=persons, now=now)
    subject = f"CHILD#{child.child_id}"
    holdings, under_way = people.load_holdings(child.child_id), store.find_asking(child.child_id)
    yesterday = local_day(now) - timedelta(days=1)
    writes: list[Write] = [
        # Whoever applies for the child meanwhile is told to try again, and finds it erased.
        people.keep_holdings(holdings, holdings.value),
        store.keep_asking(under_way, Asking()),
        store.put_on_list(Erased(child.child_id, tuple(persons), stamp(now))),
        outbox.work(
            f"erased#{child.child_id}#{kept.version}",
            FINISH,
            now=now,
            child_id=child.child_id,
            persons=persons,
            at=stamp(now),
        ),
        *(people.keep_relation(r, _ended(r.value, yesterday)) for r in relations),
        *_numbers_of_child(child.child_id, relations),
        *vault.erase(subject),
    ]
    if asked is not None:
        writes.append(store.keep_erasure(asked, done))
        writes += _tell(done, "erased", child, now=now, but=persons)
    journal.commit(
        journal.entry(
            "rights/erased",
            f"child/{child.child_id}",
            by=by,
            now=now,
            erasure=erasure.erasure_id,
            persons=persons,
        ),
        people.keep_child(kept, replace(child, erased_at=stamp(now), has_iin=False)),
        *writes,
    )
    vault.forget([subject])
    return done


def forget_texts(child_id: str) -> None:
    """Destroy what people wrote or signed about an erased child; safe to repeat.

    After the child itself, by the work that its commit hands on: until then nothing is lost, and
    from then on the work is repeated until all of it is done.
    """
    subjects = [f"COMPLAINT#{complaint_id}" for complaint_id in complaints.each_about(child_id)]
    for application_id in applications.each_application_of(child_id):
        subjects += [
            applications.signing_subject(application_id, signing.signing_id)
            for signing in applications.list_signings(application_id)
        ]
    writes: list[Write] = [write for subject in subjects for write in vault.erase(subject)]
    for start in range(0, len(writes), _AT_ONCE):
        commit(writes[start : start + _AT_ONCE])
    vault.forget(subjects)


def _by_itself(child_id: str, now: datetime) -> Erasure:
    """Return the erasure nobody asked for: the term of keeping is over, or a copy was restored."""
    return Erasure(
        erasure_id="",
        child_id=child_id,
        person_id="",
        asked_at=stamp(now),
        due_at=stamp(now),
    )


def _numbers_of_child(child_id: str, relations: Sequence[Kept[Relation]]) -> list[Write]:
    """Describe the child's claims on its number, or on what it was known by, being given up."""
    fields = people.child_fields(child_id)
    writes: list[Write] = []
    if fields.get("iin"):
        digests = people.iin_digests(fields["iin"])
        held = people.find_alias(digests)
        if held is not None and held.value.child_id == child_id:
            writes += people.release_from_child(digests, held)
    elif fields:
        for kept in relations:
            name = children_rules.provisional_of(fields, person_id=kept.value.person_id)
            alias = people.find_name(people.provisional_digest(name))
            if alias is not None and alias.value.child_id == child_id:
                writes.append(people.forget_name(alias))
    return writes


@settles
def forget_person(person_id: str, *, by: Actor, now: datetime) -> bool:
    """Erase a representative who has no child left: number, sign-ins, names, contacts.

    False where a child is left, or nothing to erase. The same again changes nothing.
    """
    kept = people.find_person(person_id)
    if kept is None or not (kept.value.subject or kept.value.identity):
        return False
    ids = list(people.each_child_of(person_id))
    rows = people.find_children(ids)
    if any(row.value.erased_at is None for row in rows.values()):
        return False
    subject = f"PERSON#{person_id}"
    writes: list[Write] = [*vault.erase(subject)]
    fields = people.person_fields(person_id)
    if fields.get("iin"):
        digests = people.iin_digests(fields["iin"])
        held = people.find_alias(digests)
        if held is not None and held.value.person_id == person_id:
            writes += people.release_from_person(digests, held)
    for sign_in in _sign_ins(kept.value):
        alias = people.find_name(sign_in)
        if alias is not None and alias.value.person_id == person_id:
            writes.append(people.forget_name(alias))
    journal.commit(
        journal.entry("rights/person-erased", f"person/{person_id}", by=by, now=now),
        people.keep_person(
            kept, replace(kept.value, subject="", asked="", identity="", contact_marks=())
        ),
        *writes,
    )
    vault.forget([subject])
    return True


def _sign_ins(person: Person) -> list[str]:
    """Return the sign-ins that ever were a person's: their first, and those officers linked."""
    linked = {
        image.pk.removeprefix("ALIAS#")
        for image in journal.images_in(f"person/{person.person_id}")
        if image.pk.startswith("ALIAS#")
    }
    return sorted(linked | ({person.subject} - {""}))


def _left_alone(child_id: str, relations: Sequence[Kept[Relation]]) -> tuple[str, ...]:
    """Return those representatives who have no child left when this one is erased."""
    own: dict[str, list[Relation]] = {}
    gone = {child_id}
    for kept in relations:
        person_id = kept.value.person_id
        ids = list(people.each_child_of(person_id))
        own[person_id] = list(people.find_relations(ids, person_id).values())
        found = people.find_children(ids)
        gone |= {c for c, row in found.items() if row.value.erased_at is not None}
    return rules.persons_left_alone(own, gone)


def _ended(relation: Relation, last: date) -> Relation:
    if relation.valid_to is not None and relation.valid_to <= last:
        return relation
    return replace(relation, valid_to=last)


def _stopped(kept: Kept[Erasure], stands: Sequence[Stands], *, by: Actor, now: datetime) -> Erasure:
    stopped = rules.decide_stopped(kept.value, stands=stands, now=now)
    if stopped == kept.value:
        return stopped
    under_way = store.find_asking(stopped.child_id)
    child = people.load_child(stopped.child_id).value
    journal.commit(
        journal.entry(
            "rights/erasure-stopped",
            f"erasure/{stopped.erasure_id}",
            by=by,
            now=now,
            child=stopped.child_id,
            stands=list(stands),
        ),
        store.keep_erasure(kept, stopped),
        store.keep_asking(under_way, Asking()),
        *_tell(stopped, "erasure-stopped", child, now=now),
    )
    return stopped


def _tell(
    erasure: Erasure, template: str, child: Child, *, now: datetime, but: Sequence[str] = ()
) -> list[Write]:
    """Describe a notice to each who may act for the child; those who are erased hear nothing."""
    people_ids = children.representatives_of(child.child_id, local_day(now))
    return [
        outbox.notice(
            f"{template}#{erasure.erasure_id}",
            to=f"person:{person_id}",
            template=f"notice:rights/{template}",
            now=now,
            erasure_id=erasure.erasure_id,
            child_id=child.child_id,
            day=local_day(from_stamp(erasure.due_at)).strftime("%d.%m.%Y"),
        )
        for person_id in people_ids
        if person_id not in but
    ]


def _check_own(erasure: Erasure, child_id: str, by: Actor) -> None:
    """Raise Unknown where the erasure is another's, AnotherContent where it is of another child."""
    alias = people.find_alias(by.subject)
    person_id = alias.value.person_id if alias else None
    access.demand(by, child=person_id == erasure.person_id)
    rules.decide_ask(
        erasure.erasure_id,
        child_id=child_id,
        person_id=erasure.person_id,
        earlier=erasure,
        under_way=Asking(),
        stands=(),
        now=from_stamp(erasure.asked_at),
    )


def _is_family(erasure: Erasure, by: Actor, now: datetime) -> bool:
    alias = people.find_alias(by.subject)
    if alias is None or alias.value.person_id is None:
        return False
    if alias.value.person_id == erasure.person_id:
        return True
    relation = people.find_relation(erasure.child_id, alias.value.person_id)
    return relation is not None and relation.value.holds(local_day(now))


def _unpaid(child_id: str, *, now: datetime) -> bool:
    """Return whether a month of the child is not paid for to the end. A read per month and site."""
    months: set[tuple[str, Month]] = set()
    this = Month.containing(now)
    earliest = this
    for _ in range(_MONTHS_BACK):
        earliest = earliest.before()
    for _, stays in vouchers.each_stays(child_id):
        for stay in stays.stays:
            first = max(Month.of(stay.starts_on), earliest)
            last = min(Month.of(stay.ends_on) if stay.ends_on else this, this)
            months |= {(stay.site_id, month) for month in rules.months_of(first, last)}
    for site_id, month in sorted(months):
        found = payouts.find_site_claims(site_id, month)
        if found is None:
            if month >= this.before():
                return True  # not even calculated: it is not over, or has just ended
            continue
        claims = payouts.find_claims(found.value.claims)
        if any(kept.value.state not in _SETTLED for kept in claims):
            return True
    return False


__all__ = [
    "FINISH",
    "TOPIC",
    "Replayed",
    "ask",
    "carry_out",
    "erase_ended",
    "erased_list",
    "fall_due",
    "forget_person",
    "forget_texts",
    "replay",
    "see",
    "stands_in_the_way",
    "stop",
]
